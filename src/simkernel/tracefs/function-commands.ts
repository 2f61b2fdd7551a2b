import { EINVAL } from '../errno.ts';
import { attach } from '../probes/attach.ts';
import { matcher, traceable } from './function-filter.ts';
import type { TraceArray } from './trace-array.ts';
import { parseCount } from './triggers/parameters.ts';
import { SIMPLE_TRIGGERS } from './triggers/simple.ts';
import type { SimpleTrigger } from './triggers/simple.ts';
import { SWITCHING_TRIGGERS } from './triggers/switching.ts';
import type { SwitchingTrigger } from './triggers/switching.ts';

/** What calls of one function set off. */
interface FunctionCommand {
  readonly function: string;
  /** `traceoff`, `enable_event:sched:sched_switch` */
  readonly action: string;
  /** How often it still does; null: without end. */
  left: number | null;
  readonly remove: () => void;
}
interface Action {
  readonly text: string;
  /** Whether there was something to do. */
  readonly run: () => boolean;
  readonly hold: () => () => void;
}

const own = <T>(rows: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(rows, name) ? rows[name] : undefined;
const SIMPLE: Readonly<Record<string, SimpleTrigger>> = SIMPLE_TRIGGERS;
const { enable_event, disable_event } = SWITCHING_TRIGGERS;
const SWITCHING: Readonly<Record<string, SwitchingTrigger>> = { enable_event, disable_event };

/** `vfs_read:traceoff`, but not `vfs_*:mod:raid1`. */
export const isFunctionCommand = (word: string): boolean => /^[^:]*:(?!mod:)/.test(word);

/** register_ftrace_function_probe(): commands in set_ftrace_filter, which run whatever the tracer is. */
export class FunctionCommands {
  private readonly array: TraceArray;
  private readonly commands: FunctionCommand[] = [];

  constructor(array: TraceArray) {
    this.array = array;
  }
  text(): string {
    return this.commands
      .map(
        ({ function: name, action, left }) => `${name}:${action}${left === null ? ':unlimited' : `:count=${left}`}\n`,
      )
      .join('');
  }
  close(): void {
    for (const { remove } of this.commands.splice(0)) remove();
  }
  /** `FUNCTIONS:COMMAND[:COUNT]`, with `!` before it to take it back: 0 or a negative error number. */
  write(word: string): number {
    const isRemoval = word.startsWith('!');
    const [pattern = '', ...parts] = (isRemoval ? word.slice(1) : word).split(':');
    const parsed = this.parse(parts);
    if (parsed === undefined) return -EINVAL;
    const { action, count } = parsed;
    const found = traceable(this.array.machine.arch).filter(matcher(pattern));
    if (found.length === 0) return -EINVAL;
    const names = new Set(found.map(({ name }) => name));
    if (isRemoval) return this.remove(names, action.text);
    for (const name of names) this.add(name, action, count);
    return 0;
  }
  private parse(parts: readonly string[]): { readonly action: Action; readonly count: number | null } | undefined {
    const [command = '', ...rest] = parts;
    const simple = own(SIMPLE, command);
    const switching = own(SWITCHING, command);
    const [system = '', event = ''] = rest;
    const given = switching === undefined ? rest[0] : rest[2];
    const count = given === undefined ? null : parseCount(given);
    if (count === undefined || rest.length > (switching === undefined ? 1 : 3)) return undefined;
    if (simple !== undefined) return { action: this.simple(command, simple), count };
    const target = this.array.event(system, event);
    if (switching === undefined || target === undefined) return undefined;
    const file = this.array.file(target);
    const run = (): boolean => {
      if (switching.isDone(file)) return false;
      switching.act(file);
      return true;
    };
    const hold = (): (() => void) => {
      file.useSoftly(1);
      return () => void file.useSoftly(-1);
    };
    return { action: { text: `${command}:${file.key}`, run, hold }, count };
  }
  private simple(text: string, { isIdle, act, prepare }: SimpleTrigger): Action {
    const { array } = this;
    return {
      text,
      run() {
        if (isIdle?.(array) === true) return false;
        act(array);
        return true;
      },
      hold() {
        prepare?.(array);
        return () => undefined;
      },
    };
  }
  private add(name: string, { text, run, hold }: Action, count: number | null): void {
    this.remove(new Set([name]), text);
    const release = hold();
    const attached = attach(this.array.machine, { kind: 'fentry', function: name }, () => {
      if (command.left !== 0 && run() && command.left !== null) command.left -= 1;
    });
    const command: FunctionCommand = {
      function: name,
      action: text,
      left: count,
      remove() {
        if (attached.ok) attached.detach();
        release();
      },
    };
    this.commands.push(command);
  }
  private remove(names: ReadonlySet<string>, action: string): number {
    const gone = this.commands.filter((row) => names.has(row.function) && row.action === action);
    for (const row of gone) {
      row.remove();
      this.commands.splice(this.commands.indexOf(row), 1);
    }
    return gone.length === 0 ? -EINVAL : 0;
  }
}
