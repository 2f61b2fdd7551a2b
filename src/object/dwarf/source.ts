import { TAGS } from './constants.ts';
import type { Entries, Entry } from './entries.ts';
import type { LineRow, LineTable } from './lines.ts';
import type { AddressRange, AddressRanges } from './ranges.ts';

export interface SourcePlace {
  readonly file: string;
  readonly line: number;
}
/** What is known of one address. */
export interface AddressSource {
  /** The function that it belongs to, where that is in one piece: its name for linkers, if it has one, and its first address. */
  readonly function: { readonly name: string; readonly address: number } | undefined;
  /** In this function: of the instruction, or of the call that was inlined. */
  readonly place: SourcePlace | undefined;
  /** Functions that the compiler put into it at the address, the innermost first. */
  readonly inlined: readonly { readonly name: string; readonly place: SourcePlace | undefined }[];
}

interface Sequence extends AddressRange {
  /** In order of address. */
  readonly rows: readonly LineRow[];
}
interface Located extends AddressRange {
  readonly entry: Entry;
}
/** Chains of references that go round have no name. */
const MAX_CHAIN = 16;

/** Finds what the source has at addresses; tables of lines are taken in when an address of their unit is asked for. */
export class SourceFinder {
  private readonly entries: Entries;
  private readonly ranges: AddressRanges;
  private readonly linesOf: (unit: Entry) => LineTable | undefined;
  private readonly sequences = new Map<Entry, readonly Sequence[]>();
  private functions: readonly Located[] | undefined;

  constructor(entries: Entries, ranges: AddressRanges, linesOf: (unit: Entry) => LineTable | undefined) {
    this.entries = entries;
    this.ranges = ranges;
    this.linesOf = linesOf;
  }

  at(address: number): AddressSource | undefined {
    const home = this.functionAt(address);
    const direct = this.placeAt(address);
    if (home === undefined) return direct && { function: undefined, place: direct, inlined: [] };
    const start = this.ranges.start(home);
    const name = this.nameOf(home);
    const found = start === undefined || name === '' ? undefined : { name, address: start };
    if (direct === undefined) return found && { function: found, place: undefined, inlined: [] };
    // Each frame is where the next inner one was called, the innermost where the instruction is.
    const calls = this.inlinedAt(home, address);
    const file = this.linesOf(this.entries.root(home))?.fileName;
    const places = [direct, ...calls.map((call) => this.callPlace(call, file))];
    return {
      function: found,
      place: places[calls.length],
      inlined: calls.map((call, i) => ({ name: this.nameOf(call), place: places[i] })),
    };
  }

  private functionAt(address: number): Entry | undefined {
    this.functions ??= [...this.entries.byOffset.values()]
      .filter(({ tag }) => tag === TAGS.subprogram)
      .flatMap((entry) => this.ranges.of(entry).map((range) => ({ ...range, entry })))
      .sort((a, b) => a.from - b.from);
    const found = lastUpTo(this.functions, address, ({ from }) => from);
    return found !== undefined && address < found.to ? found.entry : undefined;
  }

  private placeAt(address: number): SourcePlace | undefined {
    for (const unit of this.entries.units) {
      // Units of assemblers need not say what they cover.
      if (this.ranges.of(unit).length > 0 && !this.ranges.has(unit, address)) continue;
      const sequence = lastUpTo(this.sequencesOf(unit), address, ({ from }) => from);
      if (sequence === undefined || address >= sequence.to) continue;
      const row = lastUpTo(sequence.rows, address, (each) => each.address);
      if (row !== undefined) return { file: row.file, line: row.line };
    }
    return undefined;
  }
  private sequencesOf(unit: Entry): readonly Sequence[] {
    let sequences = this.sequences.get(unit);
    if (sequences === undefined) this.sequences.set(unit, (sequences = sequencesIn(this.linesOf(unit)?.rows ?? [])));
    return sequences;
  }

  /** Inlined calls around an address, the innermost first. */
  private inlinedAt(home: Entry, address: number): readonly Entry[] {
    const found: Entry[] = [];
    const search = (parent: Entry): boolean =>
      parent.children.some((child) => {
        if (child.tag === TAGS.subprogram) return false;
        if (child.tag !== TAGS.inlined) return search(child);
        if (!this.ranges.has(child, address)) return false;
        found.unshift(child);
        search(child);
        return true;
      });
    search(home);
    return found;
  }
  private callPlace(call: Entry, fileName: LineTable['fileName'] | undefined): SourcePlace | undefined {
    const index = this.entries.number(call, 'callFile');
    const file = index === undefined ? undefined : fileName?.(index);
    return file === undefined || file === '' ? undefined : { file, line: this.entries.number(call, 'callLine') ?? 0 };
  }

  /** A function's name for linkers before the one in the source, of the first entry in the chain that has one. */
  private nameOf(entry: Entry): string {
    const { entries } = this;
    let at: Entry | undefined = entry;
    for (let step = 0; at !== undefined && step < MAX_CHAIN; step += 1) {
      const name = entries.text(at, 'linkageName') ?? entries.text(at, 'oldLinkageName') ?? entries.text(at, 'name');
      if (name !== undefined) return name;
      at = entries.follow(at, 'abstractOrigin') ?? entries.follow(at, 'specification');
    }
    return '';
  }
}

function sequencesIn(rows: readonly LineRow[]): readonly Sequence[] {
  const sequences: Sequence[] = [];
  let open: LineRow[] = [];
  for (const row of rows) {
    if (!row.isEnd) open.push(row);
    else if (open.length > 0) {
      // Of rows at one address the last one counts: sorting leaves them in order.
      const [{ address: from }] = open as [LineRow];
      if (from > 0) sequences.push({ from, to: row.address, rows: open.sort((a, b) => a.address - b.address) });
      open = [];
    }
  }
  return sequences.sort((a, b) => a.from - b.from);
}

/** The last of rows in order that does not begin behind an address. */
function lastUpTo<T>(rows: readonly T[], address: number, at: (row: T) => number): T | undefined {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(rows[middle]!) <= address) low = middle + 1;
    else high = middle;
  }
  return rows[low - 1];
}
