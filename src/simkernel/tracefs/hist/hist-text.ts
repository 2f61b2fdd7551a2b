import { syscalls } from '../../syscalls.ts';
import type { Machine } from '../../machine.ts';
import { symbolText } from '../print-format.ts';
import type { HistField, HistValue, Modifier } from './hist-field.ts';
import { HANDLERS } from './hist-action.ts';
import type { HistData } from './hist-data.ts';
import type { HistEntry } from './hist-map.ts';

/** A number of a key by its modifier; others are shown as they are. */
type KeyText = (m: Machine, value: bigint, field: HistField, entry: HistEntry) => string;
const address = (m: Machine, value: bigint, isPlain: boolean, width: number): string =>
  `[${value.toString(16)}] ${symbolText(m, value, !isPlain).padEnd(width)}`;
const KEY_TEXTS: Partial<Record<Modifier, KeyText>> = {
  hex: (_m, value) => value.toString(16),
  sym: (m, value) => address(m, value, true, 45),
  'sym-offset': (m, value) => address(m, value, false, 55),
  execname: (_m, value, _field, { comm }) => `${comm.padEnd(16)}[${String(value).padStart(10)}]`,
  syscall: (m, value) => {
    const row = syscalls().find(({ number }) => m.arch.systemCallNumber(number) === Number(value));
    const shown = row === undefined ? 'unknown_syscall' : `sys_${row.name}`;
    return `${shown.padEnd(30)}[${String(value).padStart(3)}]`;
  },
  log2: (_m, value) => `~ 2^${String(value).padEnd(2)}`,
  buckets: (_m, value, { buckets }) => `~ ${value}-${value + BigInt(buckets) - 1n}`,
};
const NUMBER_WIDTH = 10;
const TEXT_WIDTH = 50;
const STACK_INDENT = ' '.repeat(9);

function keyText(m: Machine, field: HistField, value: HistValue, entry: HistEntry): string {
  const { name, modifier } = field;
  if (typeof value === 'string') return `${name}: ${value.padEnd(TEXT_WIDTH)}`;
  if (typeof value !== 'bigint') {
    // The stack of a field begins on the line of its name.
    const head = modifier === 'stacktrace' ? `${name}.stacktrace` : `${name}:\n`;
    return head + value.map((place) => `${STACK_INDENT}${symbolText(m, place, true)}\n`).join('');
  }
  const shown = modifier === null ? undefined : KEY_TEXTS[modifier];
  return `${name}: ${shown?.(m, value, field, entry) ?? String(value).padStart(NUMBER_WIDTH)}`;
}

/** Of a column: what its percentages and bars relate to. */
interface Column {
  readonly total: bigint;
  readonly largest: bigint;
}
const BAR_WIDTH = 20;
function valueText(name: string, modifier: Modifier | null, value: bigint, { total, largest }: Column): string {
  if (modifier === 'percent') {
    const hundredths = total === 0n ? 0n : (value * 10000n) / total;
    return ` ${name} (%): ${String(hundredths / 100n).padStart(3)}.${String(hundredths % 100n).padStart(2, '0')}`;
  }
  if (modifier === 'graph') {
    const length = largest === 0n ? 0 : Number((value * BigInt(BAR_WIDTH)) / largest);
    return ` ${name}: ${'#'.repeat(length).padEnd(BAR_WIDTH)}`;
  }
  return ` ${name}: ${value.toString(modifier === 'hex' ? 16 : 10).padStart(NUMBER_WIDTH)}`;
}

/** hist_trigger_print_key() */
function keysText(m: Machine, { map }: HistData, entry: HistEntry): string {
  const keys = map.keys.map((field, i) => keyText(m, field, entry.key[i]!, entry));
  // A stack ends its own line.
  return `{ ${keys.join(', ')}${keys.at(-1)!.endsWith('\n') ? '' : ' '}}`;
}

const SAVED_WIDTH = 32;
/** print_actions(): what onmax() and onchange() have seen, and saved. */
function tracksText({ actions, savedVariables }: HistData, { variables }: HistEntry): string {
  const saved = savedVariables.map((variable) => {
    const value = variables.get(variable) ?? 0n;
    const shown = typeof value === 'string' ? value.padEnd(SAVED_WIDTH) : String(value).padStart(NUMBER_WIDTH);
    return `  ${variable.name}: ${shown}`;
  });
  return actions
    .map(({ definition: { action, handler }, track }) => {
      if (track === null || action === 'snapshot') return '';
      const value = String(variables.get(track) ?? 0n).padStart(NUMBER_WIDTH);
      return `\n\t${HANDLERS[handler].label}: ${value}${saved.join('')}`;
    })
    .join('');
}
/** track_data_snapshot_print() */
function snapshotText(m: Machine, data: HistData): string {
  const taken = data.file.array.conditionalSnapshot;
  const action = data.actions.find(({ definition }) => definition.action === 'snapshot')?.definition;
  if (taken === null || taken.data !== data || taken.entry === null || action === undefined) return '';
  const value = String(taken.value).padStart(NUMBER_WIDTH);
  return (
    '\nSnapshot taken (see tracing/snapshot).  Details:\n' +
    `\ttriggering value { ${action.handler}(${action.subject}) }: ${value}` +
    `\ttriggered by event with key: ${keysText(m, data, taken.entry)}\n`
  );
}

/** The entries of a histogram, one a line, and its totals. */
export function histText(m: Machine, data: HistData): string {
  const { map, definition } = data;
  const entries = map.sorted();
  const columns = [0, ...map.values.map((_, i) => i + 1)].map((i): Column => {
    const sums = entries.map((entry) => entry.sums[i]!);
    return {
      total: sums.reduce((sum, value) => sum + value, 0n),
      largest: sums.reduce((most, value) => (value > most ? value : most), 0n),
    };
  });
  const line = (entry: HistEntry): string => {
    const hits = definition.hidesHits ? '' : valueText('hitcount', null, entry.sums[0]!, columns[0]!);
    // Expressions are summed up, but not shown.
    const values = map.values.map(({ kind, name, modifier }, i) =>
      kind === 'expression' ? '' : ` ${valueText(name, modifier, entry.sums[i + 1]!, columns[i + 1]!)}`,
    );
    return `${keysText(m, data, entry)}${hits}${values.join('')}${tracksText(data, entry)}\n`;
  };
  return (
    `${entries.map(line).join('')}${snapshotText(m, data)}\nTotals:\n    Hits: ${map.hits}\n` +
    `    Entries: ${entries.length}\n    Dropped: ${map.drops}\n`
  );
}
