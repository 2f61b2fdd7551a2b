export interface FormatField {
  /** As the format file has it: `unsigned char`, `__data_loc char[]`. */
  readonly type: string;
  /** With its array suffix: `prev_comm[16]`. */
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly signed: boolean;
}

export interface Format {
  readonly category: string;
  readonly name: string;
  readonly id: number;
  readonly fields: readonly FormatField[];
  readonly print: string;
}

const COMMON = [
  'unsigned short common_type 0 2 0',
  'unsigned char common_flags 2 1 0',
  'unsigned char common_preempt_count 3 1 0',
  'int common_pid 4 4 1',
];

/** Reads concatenated format files of tracefs; the category comes from available_events. */
export function parseFormats(text: string, events: string): readonly Format[] {
  const categories = new Map<string, string>();
  for (const line of events.split('\n')) {
    const [category, name] = line.trim().split(':');
    if (category !== undefined && name !== undefined) categories.set(name, category);
  }
  const formats: Format[] = [];
  for (const part of text.split(/^name: /m).slice(1)) {
    const name = part.slice(0, part.indexOf('\n'));
    const category = categories.get(name);
    if (category === undefined) continue; // ftrace's own records
    const fields = [...part.matchAll(/field:(.+?)\s*([^\s;]+);\s*offset:(\d+);\s*size:(\d+);\s*signed:([01]);/g)].map(
      ([, type, field, offset, size, signed]) => ({
        type: type!,
        name: field!,
        offset: Number(offset),
        size: Number(size),
        signed: signed === '1',
      }),
    );
    const common = fields
      .slice(0, COMMON.length)
      .map((f) => `${f.type} ${f.name} ${f.offset} ${f.size} ${f.signed ? 1 : 0}`);
    if (common.join() !== COMMON.join()) throw new Error(`${name}: unusual common fields`);
    const id = Number(/^ID: (\d+)/m.exec(part)![1]);
    const print = part.slice(part.indexOf('print fmt: ') + 'print fmt: '.length).trimEnd();
    formats.push({ category, name, id, fields: fields.slice(COMMON.length), print });
  }
  return formats;
}

/** One paragraph a tracepoint (some print formats have newlines in them, none an empty line); src/simkernel/tracepoint-formats.ts describes and reads it. */
export function encodeFormats(formats: readonly Format[]): {
  readonly types: string;
  readonly byCategory: ReadonlyMap<string, string>;
} {
  const types = new Map<string, number>();
  const typeIndex = (key: string): number => {
    let index = types.get(key);
    if (index === undefined) types.set(key, (index = types.size));
    return index;
  };
  const byCategory = new Map<string, string>();
  for (const format of [...formats].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    let end = 8;
    const fields = format.fields.map((field) => {
      const dims = /\[.*$/.exec(field.name)?.[0] ?? '';
      const bare = field.name.slice(0, field.name.length - dims.length);
      const index = typeIndex(`${field.type}\t${dims}\t${field.size}\t${field.signed ? 1 : 0}`);
      const expected = Math.ceil(end / Math.min(8, field.size || 1)) * Math.min(8, field.size || 1);
      end = field.offset + field.size;
      return `${index.toString(36)} ${bare}${field.offset === expected ? '' : `@${field.offset}`}`;
    });
    const line = `${format.name}\t${format.id}\t${fields.join(',')}\t${format.print}`;
    const before = byCategory.get(format.category);
    byCategory.set(format.category, before === undefined ? line : `${before}\n\n${line}`);
  }
  return {
    types: [...types.keys()].join('\n'),
    byCategory: new Map([...byCategory].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
