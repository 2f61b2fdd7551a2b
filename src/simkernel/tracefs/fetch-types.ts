/** What an argument of a probe event is stored as (kernel/trace/trace_probe.c, probe_fetch_types). */
export interface FetchType {
  readonly name: string;
  readonly size: number;
  readonly signed: boolean;
  /** Type and print specification in the event's format file. */
  readonly field: string;
  readonly format: string;
  /** Reads text at the address that was fetched. */
  readonly text?: 'kernel' | 'user';
}
const number = (name: string, size: number, signed: boolean, format: string): FetchType => ({
  name,
  size,
  signed,
  field: name.replace('x', 'u'),
  format,
});
const text = (name: string, from: 'kernel' | 'user'): FetchType => ({
  name,
  size: 4,
  signed: true,
  field: '__data_loc char[]',
  format: '\\"%s\\"',
  text: from,
});

const ROWS: readonly FetchType[] = [
  number('u8', 1, false, '%u'),
  number('u16', 2, false, '%u'),
  number('u32', 4, false, '%u'),
  number('u64', 8, false, '%Lu'),
  number('s8', 1, true, '%d'),
  number('s16', 2, true, '%d'),
  number('s32', 4, true, '%d'),
  number('s64', 8, true, '%Ld'),
  number('x8', 1, false, '0x%x'),
  number('x16', 2, false, '0x%x'),
  number('x32', 4, false, '0x%x'),
  number('x64', 8, false, '0x%Lx'),
  { ...number('char', 1, false, "'%c'"), field: 'char' },
  { ...number('symbol', 8, false, '%pS'), field: 'u64' },
  text('string', 'kernel'),
  text('ustring', 'user'),
];
export const FETCH_TYPES: ReadonlyMap<string, FetchType> = new Map(ROWS.map((row) => [row.name, row]));
export const DEFAULT_TYPE: FetchType = FETCH_TYPES.get('x64')!;
