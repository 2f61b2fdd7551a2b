import { demand } from './bad-object.ts';

/**
 * .BTF.ext (Documentation/bpf/btf.rst, section 4.2): where functions start and which source line each instruction is
 * from. Behind the header there is a part of each; a part is the size of its records and, for each section of code,
 * the section's name, a count and so many records.
 */
const MAGIC = 0xeb9f;
const VERSION = 1;
const HEADER_SIZE = 24;
const FUNCTION_RECORD = 8;
const LINE_RECORD = 16;
const CORE_RECORD = 16;
/** line << 10 | column */
const COLUMN_BITS = 10;
const MAX_COLUMN = (1 << COLUMN_BITS) - 1;
const MAX_LINE = (1 << (32 - COLUMN_BITS)) - 1;

/** The instruction at `offset` bytes of its section begins the function whose BTF type this is. */
export interface FunctionRecord {
  readonly offset: number;
  readonly type: number;
}

/** From the instruction at `offset` bytes of its section on; names and text are places in the strings of .BTF. */
export interface LineRecord {
  readonly offset: number;
  readonly file: number;
  readonly text: number;
  readonly line: number;
  readonly column: number;
}

export interface SectionRecords {
  /** Place of the section's name in the strings of .BTF. */
  readonly section: number;
  readonly functions: readonly FunctionRecord[];
  readonly lines: readonly LineRecord[];
}

/** Writes records that are in the order of their offsets. */
export function encodeBtfExt(sections: readonly SectionRecords[]): Uint8Array {
  const functions = part(
    FUNCTION_RECORD,
    sections.map(({ section, functions: records }) => ({
      section,
      records: records.map(({ offset, type }) => [offset, type]),
    })),
  );
  const lines = part(
    LINE_RECORD,
    sections.map(({ section, lines: records }) => ({
      section,
      records: records.map(({ offset, file, text, line, column }) => [
        offset,
        file,
        text,
        ((Math.min(line, MAX_LINE) << COLUMN_BITS) | Math.min(column, MAX_COLUMN)) >>> 0,
      ]),
    })),
  );
  const [functionBytes, lineBytes] = [functions.length * 4, lines.length * 4];
  const words = [HEADER_SIZE, 0, functionBytes, functionBytes, lineBytes, ...functions, ...lines];
  const bytes = new Uint8Array(4 + words.length * 4);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, MAGIC, true);
  view.setUint8(2, VERSION);
  words.forEach((word, index) => view.setUint32(4 + index * 4, word, true));
  return bytes;
}

function part(
  recordSize: number,
  sections: readonly { readonly section: number; readonly records: readonly (readonly number[])[] }[],
): readonly number[] {
  const filled = sections.filter(({ records }) => records.length > 0);
  // libbpf takes a part of no bytes for absent, but not a record size without records.
  if (filled.length === 0) return [];
  return [recordSize, ...filled.flatMap(({ section, records }) => [section, records.length, ...records.flat()])];
}

/** The instruction at `offset` bytes of its section depends on a type of the kernel, here the object's own. */
export interface CoreRecord {
  readonly offset: number;
  readonly type: number;
  /** Place in the strings of .BTF: numbers of members and elements, with colons between. */
  readonly accessString: number;
  readonly kind: number;
}

/** What a .BTF.ext says. */
export interface BtfExt {
  readonly lines: readonly { readonly section: number; readonly lines: readonly LineRecord[] }[];
  /** Places that wait for the running kernel's types (CO-RE). */
  readonly core: readonly { readonly section: number; readonly records: readonly CoreRecord[] }[];
}

/** Reads the part of lines; records of a later version may be longer than ours. */
export function decodeBtfExt(bytes: Uint8Array): BtfExt {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  demand(bytes.length >= HEADER_SIZE && view.getUint16(0, true) === MAGIC, '.BTF.ext has no header');
  const headerSize = view.getUint32(4, true);
  const records = (at: number, smallest: number) => readPart(view, headerSize, at, smallest);
  const lines = records(16, LINE_RECORD).map(({ section, offsets }) => ({
    section,
    lines: offsets.map((at) => {
      const place = view.getUint32(at + 12, true);
      return {
        offset: view.getUint32(at, true),
        file: view.getUint32(at + 4, true),
        text: view.getUint32(at + 8, true),
        line: place >>> COLUMN_BITS,
        column: place & MAX_COLUMN,
      };
    }),
  }));
  const hasRelocations = headerSize >= HEADER_SIZE + 8;
  const core = (hasRelocations ? records(HEADER_SIZE, CORE_RECORD) : []).map(({ section, offsets }) => ({
    section,
    records: offsets.map((at) => ({
      offset: view.getUint32(at, true),
      type: view.getUint32(at + 4, true),
      accessString: view.getUint32(at + 8, true),
      kind: view.getUint32(at + 12, true),
    })),
  }));
  return { lines, core };
}

/** Where the records of each section stand, by the two header words at `at`. */
function readPart(
  view: DataView,
  headerSize: number,
  at: number,
  smallest: number,
): readonly { readonly section: number; readonly offsets: readonly number[] }[] {
  demand(at + 8 <= headerSize && headerSize <= view.byteLength, `.BTF.ext has a header of ${headerSize} bytes`);
  const start = headerSize + view.getUint32(at, true);
  const end = start + view.getUint32(at + 4, true);
  demand(end <= view.byteLength, 'a part of .BTF.ext ends behind it');
  if (start + 4 > end) return [];
  const recordSize = view.getUint32(start, true);
  demand(recordSize >= smallest, `records of .BTF.ext have ${recordSize} bytes instead of ${smallest}`);
  const sections: { section: number; offsets: number[] }[] = [];
  for (let next = start + 4; next < end;) {
    demand(next + 8 <= end, 'a part of .BTF.ext is cut off');
    const count = view.getUint32(next + 4, true);
    const first = next + 8;
    demand(count <= (end - first) / recordSize, `${count} records do not fit in .BTF.ext`);
    sections.push({
      section: view.getUint32(next, true),
      offsets: Array.from({ length: count }, (_, index) => first + index * recordSize),
    });
    next = first + count * recordSize;
  }
  return sections;
}
