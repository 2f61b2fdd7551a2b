import type { TracerName } from './tracers.ts';

interface OptionRow {
  readonly initial: boolean;
  /** The tracer whose text it changes; without one it is there for all. */
  readonly tracer?: TracerName;
}
const on: OptionRow = { initial: true };
const off: OptionRow = { initial: false };
const graph = (initial: boolean): OptionRow => ({ initial, tracer: 'function_graph' });
const functions: OptionRow = { initial: false, tracer: 'function' };

/** trace_options, in the kernel's order: those that something on this machine obeys. */
const OPTIONS = {
  'print-parent': on,
  'sym-offset': off,
  'sym-addr': off,
  fields: off,
  userstacktrace: off,
  'sym-userobj': off,
  'context-info': on,
  'latency-format': off,
  'record-cmd': on,
  'record-tgid': off,
  overwrite: on,
  'irq-info': on,
  markers: on,
  'event-fork': off,
  'function-trace': on,
  'function-fork': off,
  stacktrace: off,
  func_stack_trace: functions,
  'func-args': functions,
  'funcgraph-cpu': graph(true),
  'funcgraph-overhead': graph(true),
  'funcgraph-proc': graph(false),
  'funcgraph-duration': graph(true),
  'funcgraph-abstime': graph(false),
  'funcgraph-irqs': graph(true),
  'funcgraph-tail': graph(false),
  'funcgraph-retval': graph(false),
  'funcgraph-retval-hex': graph(false),
  'funcgraph-args': graph(false),
  'sleep-time': graph(true),
  'graph-time': graph(true),
} as const satisfies Record<string, OptionRow>;
export type OptionName = keyof typeof OPTIONS;
const ROWS: Readonly<Record<OptionName, OptionRow>> = OPTIONS;
export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

/** The options of one trace array. */
export class TraceOptions {
  private readonly values = new Map<OptionName, boolean>(OPTION_NAMES.map((name) => [name, ROWS[name].initial]));
  /** Told of each change. */
  changed: (name: OptionName) => void = () => undefined;

  get(name: OptionName): boolean {
    return this.values.get(name)!;
  }
  set(name: OptionName, value: boolean): void {
    if (this.values.get(name) === value) return;
    this.values.set(name, value);
    this.changed(name);
  }
  /** `stacktrace`, `nosym-addr`: one that the file trace_options shows while such a tracer runs; false: there is none. */
  write(text: string, tracer: string): boolean {
    const shown = this.names(tracer);
    const isOn = shown.find((name) => name === text);
    const isOff = shown.find((name) => `no${name}` === text);
    const name = isOn ?? isOff;
    if (name !== undefined) this.set(name, name === isOn);
    return name !== undefined;
  }
  text(tracer: string): string {
    return this.names(tracer)
      .map((name) => `${this.get(name) ? '' : 'no'}${name}\n`)
      .join('');
  }
  private names(tracer: string): readonly OptionName[] {
    return OPTION_NAMES.filter((name) => ROWS[name].tracer === undefined || ROWS[name].tracer === tracer);
  }
}
