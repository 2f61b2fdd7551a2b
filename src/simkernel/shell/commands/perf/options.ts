import type { CommandContext, Steps } from '../command.ts';

/** Options of a subcommand, by their first name: other names, and whether a value follows or may follow. */
export type OptionRows = Readonly<
  Record<string, { readonly names: readonly string[]; readonly value: boolean | 'optional' }>
>;

export interface Given {
  /** Values by first name; '' for those without. */
  readonly options: ReadonlyMap<string, readonly string[]>;
  readonly operands: readonly string[];
}

/** Reads options up to the first operand, or all where operands may come before; a text is what is wrong. */
export function readPerfOptions(rows: OptionRows, args: readonly string[], stopAtOperand: boolean): Given | string {
  const options = new Map<string, string[]>();
  const operands: string[] = [];
  const find = (name: string) =>
    Object.entries(rows).find(([first, { names }]) => first === name || names.includes(name));
  const add = (name: string, value: string): void => void options.set(name, [...(options.get(name) ?? []), value]);
  const queue = [...args];
  while (queue.length > 0) {
    const arg = queue.shift()!;
    if (arg === '--') return { options, operands: [...operands, ...queue] };
    if (!arg.startsWith('-') || arg === '-') {
      if (stopAtOperand) return { options, operands: [arg, ...queue] };
      operands.push(arg);
      continue;
    }
    const [, name = arg, equal] = /^(--[^=]+)(?:=(.*))?$/s.exec(arg) ?? [undefined, arg.slice(0, 2), undefined];
    const row = find(name);
    if (row === undefined)
      return ` Error: unknown ${name.startsWith('--') ? `option \`${name.slice(2)}'` : `switch \`${name[1] ?? ''}'`}`;
    const [first, { value }] = row;
    const joined = name.startsWith('--') ? equal : arg.length > 2 ? arg.slice(2) : undefined;
    if (!value) {
      add(first, '');
      if (!name.startsWith('--') && joined !== undefined) queue.unshift(`-${joined}`);
      continue;
    }
    const isNext = value === true || (queue[0] !== undefined && !queue[0].startsWith('-'));
    const given = joined ?? (isNext ? queue.shift() : '');
    if (given === undefined)
      return ` Error: ${name.startsWith('--') ? 'option' : 'switch'} \`${name.replace(/^-+/, '')}' requires a value`;
    add(first, given);
  }
  return { options, operands };
}

/** /proc/sys/kernel/perf_event_max_sample_rate */
const MOST_SAMPLES_A_SECOND = 100_000;
/** record_opts__config_freq(): samples a second, as many as the kernel allows. */
export function* throttled(c: CommandContext, wanted: number): Steps<number> {
  if (wanted <= MOST_SAMPLES_A_SECOND) return wanted;
  const most = `${MOST_SAMPLES_A_SECOND.toLocaleString('en-US')} Hz`;
  yield* c.report(
    `warning: Maximum frequency rate (${most}) exceeded, throttling from ${wanted.toLocaleString('en-US')} Hz to ${most}.\n` +
      '         The limit can be raised via /proc/sys/kernel/perf_event_max_sample_rate.\n' +
      "         The kernel will lower it when perf's interrupts take too long.\n" +
      '         Use --strict-freq to disable this throttling, refusing to record.\n',
  );
  return MOST_SAMPLES_A_SECOND;
}

/** Says what is wrong with the options, and how the subcommand is used. */
export function* misuse(c: CommandContext, problem: string, usage: string): Steps<number> {
  yield* c.report(`${problem}${problem === '' ? '' : '\n'} Usage: ${usage}\n`);
  return 129;
}
