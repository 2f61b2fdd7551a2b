import { badObject, demand } from '../bad-object.ts';
import { ATTRIBUTES, type Attribute } from './constants.ts';
import { DwarfCursor } from './cursor.ts';
import type { Entries, Entry } from './entries.ts';
import type { Value } from './forms.ts';

/** Addresses from the first to the one behind the last. */
export interface AddressRange {
  readonly from: number;
  readonly to: number;
}

/** The sections that addresses are read from. */
export interface RangeSections {
  readonly addr: Uint8Array;
  /** Until DWARF 4. */
  readonly ranges: Uint8Array;
  readonly rnglists: Uint8Array;
}

/** Of all entries of a file together: entries may share lists, so that a small file could ask for any number. */
const MAX_RANGES = 0x40_0000;
/** Sizes of the headers that tables begin behind when no attribute says where, by the size of offsets. */
const HEADER = { addr: { 4: 8, 8: 16 }, rnglists: { 4: 12, 8: 20 } } as const;
/** DW_RLE_* (DWARF 5, section 7.25). */
const LIST = {
  end: 0,
  baseNumber: 1,
  numbers: 2,
  numberAndLength: 3,
  offsets: 4,
  base: 5,
  addresses: 6,
  addressAndLength: 7,
} as const;

/** Where the instructions of entries are. */
export class AddressRanges {
  private readonly entries: Entries;
  private readonly sections: RangeSections;
  private readonly known = new Map<Entry, readonly AddressRange[]>();
  private count = 0;

  constructor(entries: Entries, sections: RangeSections) {
    this.entries = entries;
    this.sections = sections;
  }

  of(entry: Entry): readonly AddressRange[] {
    let ranges = this.known.get(entry);
    if (ranges === undefined) {
      // What the linker has thrown away stays behind at address 0, where every file has its header.
      ranges = this.read(entry).filter(({ from, to }) => from > 0 && to > from);
      this.known.set(entry, ranges);
    }
    return ranges;
  }
  has(entry: Entry, address: number): boolean {
    return this.of(entry).some(({ from, to }) => address >= from && address < to);
  }
  /** Its first instruction, where all of them are in one piece. */
  start(entry: Entry): number | undefined {
    return entry.values.has(ATTRIBUTES.ranges) ? undefined : this.address(entry, 'lowPc');
  }

  private read(entry: Entry): readonly AddressRange[] {
    const list = entry.values.get(ATTRIBUTES.ranges);
    if (list !== undefined) return entry.unit.version >= 5 ? this.readList(entry, list) : this.readOldList(entry, list);
    const from = this.address(entry, 'lowPc');
    if (from === undefined) return [];
    // A number that is no address counts from the first one.
    const to = this.address(entry, 'highPc') ?? from + (this.entries.number(entry, 'highPc') ?? 0);
    return this.counted([{ from, to }]);
  }
  private counted<T extends readonly AddressRange[]>(ranges: T): T {
    this.count += 1;
    demand(this.count <= MAX_RANGES, 'more ranges of addresses than anybody reads');
    return ranges;
  }

  private address(entry: Entry, attribute: Attribute): number | undefined {
    const value = entry.values.get(ATTRIBUTES[attribute]);
    if (typeof value !== 'object' || value instanceof Uint8Array) return undefined;
    if (value.to === 'address') return value.value;
    return value.to === 'addressNumber' ? this.numbered(entry, value.value) : undefined;
  }
  private numbered(entry: Entry, index: number): number {
    const { addressSize, offsetSize } = entry.unit;
    const table = this.entries.number(this.entries.root(entry), 'addressBase') ?? HEADER.addr[offsetSize];
    return new DwarfCursor(this.sections.addr, table + index * addressSize).unsigned(addressSize);
  }
  /** What the addresses of a unit's lists count from. */
  private unitStart(entry: Entry): number {
    return this.address(this.entries.root(entry), 'lowPc') ?? 0;
  }

  private readOldList(entry: Entry, list: Value): readonly AddressRange[] {
    const { addressSize } = entry.unit;
    const ranges: AddressRange[] = [];
    const c = new DwarfCursor(
      this.sections.ranges,
      typeof list === 'number' ? list : badObject('ranges without a place'),
    );
    const largest = 256 ** addressSize - 1;
    let base = this.unitStart(entry);
    for (;;) {
      const [from, to] = [c.unsigned(addressSize), c.unsigned(addressSize)];
      if (from === 0 && to === 0) return ranges;
      if (from === largest) base = to;
      else ranges.push({ from: base + from, to: base + to });
      this.counted(ranges);
    }
  }

  private listAt(entry: Entry, list: Value): number {
    if (typeof list === 'number') return list;
    if (typeof list !== 'object' || list instanceof Uint8Array || list.to !== 'rangesNumber')
      return badObject('ranges without a place');
    const { offsetSize } = entry.unit;
    const table = this.entries.number(this.entries.root(entry), 'rangesBase') ?? HEADER.rnglists[offsetSize];
    return table + new DwarfCursor(this.sections.rnglists, table + list.value * offsetSize).unsigned(offsetSize);
  }
  private readList(entry: Entry, list: Value): readonly AddressRange[] {
    const ranges: AddressRange[] = [];
    const c = new DwarfCursor(this.sections.rnglists, this.listAt(entry, list));
    const address = (): number => c.unsigned(entry.unit.addressSize);
    const numbered = (): number => this.numbered(entry, c.uleb());
    let base = this.unitStart(entry);
    const add = (from: number, to: number): void => void ranges.push({ from, to });
    const length = (from: number): void => add(from, from + c.uleb());
    for (;;) {
      const kind = c.u8();
      if (kind === LIST.end) return ranges;
      if (kind === LIST.baseNumber) base = numbered();
      else if (kind === LIST.base) base = address();
      else if (kind === LIST.numbers) add(numbered(), numbered());
      else if (kind === LIST.numberAndLength) length(numbered());
      else if (kind === LIST.offsets) add(base + c.uleb(), base + c.uleb());
      else if (kind === LIST.addresses) add(address(), address());
      else if (kind === LIST.addressAndLength) length(address());
      else badObject(`ranges have no entries of kind ${kind}`);
      this.counted(ranges);
    }
  }
}
