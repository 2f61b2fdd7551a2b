import type { UserStep } from '../programs/image.ts';
import type { UserContext } from '../programs/user.ts';
import type { Task } from '../tasks/task.ts';
import type { Lab } from './lab.ts';
import type { Command } from './syntax.ts';
import { STDERR, writeText } from './output.ts';

export type Steps<T> = Generator<UserStep, T, number>;

export interface Job {
  readonly number: number;
  readonly pid: number;
  readonly task: Task;
  readonly text: string;
}
/** What a subshell gets a copy of. */
export interface ShellState {
  readonly lab: Lab;
  readonly variables: Map<string, string>;
  readonly jobs: Job[];
  readonly shellPid: number;
  /** Behind `&`. */
  readonly isBackground: boolean;
  /** `name() { ... }` */
  readonly functions: Map<string, Command>;
  /** $1, $2, ... */
  parameters: readonly string[];
  /** What a function calls `local`: the values to be put back. */
  locals: Map<string, string | undefined> | null;
  /** Set by `break`, `continue` and `return`: how far out it still goes. */
  jump: { readonly kind: 'break' | 'continue' | 'return'; left: number } | null;
  loopDepth: number;
  status: number;
  lastBackground: number;
  /** Set by `exit`. */
  isOver: boolean;
}
export const subshell = (state: ShellState): ShellState => ({
  ...state,
  variables: new Map(state.variables),
  functions: new Map(state.functions),
  jobs: [],
});

export function* complain(u: UserContext, message: string): Steps<void> {
  yield* writeText(u, STDERR, `bash: ${message}\n`);
}
