import { badObject, demand } from '../bad-object.ts';
import { ATTRIBUTES, FORMS, type Attribute } from './constants.ts';
import { DwarfCursor } from './cursor.ts';
import { readForm, type TextSections, type UnitShape, type Value } from './forms.ts';

/** A debugging information entry with what stands below it. */
export interface Entry {
  readonly offset: number;
  readonly tag: number;
  readonly values: ReadonlyMap<number, Value>;
  readonly children: Entry[];
  readonly unit: Unit;
}
export interface Unit extends UnitShape {
  /** Where its texts by number begin in .debug_str_offsets. */
  stringOffsets: number;
}

/** The sections that entries are read from. */
export interface DebugSections extends TextSections {
  readonly info: Uint8Array;
  readonly abbrev: Uint8Array;
  readonly strOffsets: Uint8Array;
}

interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly { readonly name: number; readonly form: number; readonly constant: number }[];
}

/** Deeper nesting than any compiler writes. */
const MAX_DEPTH = 256;
/** Header sizes behind the offset of abbreviations, by DW_UT_*: of what units of types and skeletons have more. */
const UNIT_TYPE_EXTRA: Readonly<Record<number, number>> = { 2: 12, 4: 8, 5: 8, 6: 12 };

/** The entries of all units, by where they stand. */
export class Entries {
  readonly units: readonly Entry[];
  readonly byOffset = new Map<number, Entry>();
  private readonly roots = new Map<Unit, Entry>();
  private readonly sections: DebugSections;
  private readonly abbreviations = new Map<number, ReadonlyMap<number, Abbreviation>>();

  constructor(sections: DebugSections) {
    this.sections = sections;
    const units: Entry[] = [];
    const cursor = new DwarfCursor(sections.info);
    while (cursor.at < sections.info.length) {
      const { end, root } = this.readUnit(cursor);
      if (root !== undefined) {
        units.push(root);
        this.roots.set(root.unit, root);
      }
      cursor.at = end;
    }
    this.units = units;
  }

  number(entry: Entry, attribute: Attribute): number | undefined {
    const value = entry.values.get(ATTRIBUTES[attribute]);
    return typeof value === 'number' ? value : undefined;
  }
  text(entry: Entry, attribute: Attribute): string | undefined {
    const value = entry.values.get(ATTRIBUTES[attribute]);
    if (typeof value === 'string') return value;
    if (typeof value !== 'object' || value instanceof Uint8Array || value.to !== 'textNumber') return undefined;
    const { strOffsets, str } = this.sections;
    const { offsetSize, stringOffsets } = entry.unit;
    str.at = new DwarfCursor(strOffsets, stringOffsets + value.value * offsetSize).unsigned(offsetSize);
    return str.text();
  }
  /** The entry that an attribute leads to. */
  follow(entry: Entry, attribute: Attribute): Entry | undefined {
    const offset = this.number(entry, attribute);
    return offset === undefined ? undefined : this.byOffset.get(offset);
  }
  /** The outermost entry of the same unit. */
  root({ unit }: Entry): Entry {
    return this.roots.get(unit) ?? badObject('an entry outside of every unit');
  }
  /** An attribute of an entry or of the one that it completes. */
  integrated(entry: Entry, attribute: Attribute): Entry | undefined {
    let at: Entry | undefined = entry;
    for (let step = 0; at !== undefined && step < MAX_DEPTH; step += 1) {
      if (at.values.has(ATTRIBUTES[attribute])) return at;
      at = this.follow(at, 'abstractOrigin') ?? this.follow(at, 'specification');
    }
    return undefined;
  }

  private readUnit(cursor: DwarfCursor): { readonly end: number; readonly root: Entry | undefined } {
    const start = cursor.at;
    const { end, offsetSize } = cursor.length();
    const version = cursor.u16();
    demand(version >= 2 && version <= 5, `debugging information of version ${version}`);
    let addressSize = 0;
    let extra = 0;
    if (version >= 5) {
      extra = UNIT_TYPE_EXTRA[cursor.u8()] ?? 0;
      addressSize = cursor.u8();
    }
    const abbreviations = this.abbreviationsAt(cursor.unsigned(offsetSize));
    if (version < 5) addressSize = cursor.u8();
    else cursor.block(extra === 12 ? 8 + offsetSize : extra);
    // Without an attribute that says otherwise the table begins behind its header.
    const unit: Unit = { version, offsetSize, addressSize, start, stringOffsets: offsetSize === 8 ? 16 : 8 };
    const root = this.readEntries(cursor, end, unit, abbreviations);
    if (root !== undefined) unit.stringOffsets = this.number(root, 'stringOffsetsBase') ?? unit.stringOffsets;
    return { end, root };
  }

  private readEntries(
    cursor: DwarfCursor,
    end: number,
    unit: Unit,
    abbreviations: ReadonlyMap<number, Abbreviation>,
  ): Entry | undefined {
    let root: Entry | undefined;
    const open: Entry[] = [];
    while (cursor.at < end) {
      const offset = cursor.at;
      const code = cursor.uleb();
      if (code === 0) {
        open.pop();
        if (open.length === 0) break;
        continue;
      }
      const abbreviation = abbreviations.get(code);
      demand(abbreviation !== undefined, `debugging information has no abbreviation ${code}`);
      const values = new Map<number, Value>();
      for (const { name, form, constant } of abbreviation.attributes)
        values.set(name, form === FORMS.implicitConst ? constant : readForm(form, cursor, unit, this.sections));
      const entry: Entry = { offset, tag: abbreviation.tag, values, children: [], unit };
      this.byOffset.set(offset, entry);
      open[open.length - 1]?.children.push(entry);
      root ??= entry;
      if (abbreviation.hasChildren) open.push(entry);
      else if (open.length === 0) break;
      demand(open.length <= MAX_DEPTH, 'debugging information is too deeply nested');
    }
    return root;
  }

  private abbreviationsAt(offset: number): ReadonlyMap<number, Abbreviation> {
    const known = this.abbreviations.get(offset);
    if (known !== undefined) return known;
    const table = new Map<number, Abbreviation>();
    const cursor = new DwarfCursor(this.sections.abbrev, offset);
    for (let code = cursor.uleb(); code !== 0; code = cursor.uleb()) {
      const tag = cursor.uleb();
      const hasChildren = cursor.u8() !== 0;
      const attributes: { name: number; form: number; constant: number }[] = [];
      for (;;) {
        const [name, form] = [cursor.uleb(), cursor.uleb()];
        if (name === 0 && form === 0) break;
        attributes.push({ name, form, constant: form === FORMS.implicitConst ? cursor.sleb() : 0 });
      }
      table.set(code, { tag, hasChildren, attributes });
    }
    this.abbreviations.set(offset, table);
    return table;
  }
}
