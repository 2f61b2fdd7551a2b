import { ENOENT } from '../../errno.ts';
import { executableAt } from '../../programs/executables.ts';
import type { Machine } from '../../machine.ts';
import { SEARCH_PATH } from '../search-path.ts';
import type { UserContext } from '../../programs/user.ts';
import type { CommandContext, Steps } from './command.ts';

/** Whoever watches a program is ready by then. */
const START_NS = 1000;
/** What a shell, and whoever else starts programs, returns for one that there is not. */
export const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/** The file that a command's name leads to, along the shell's path; undefined: there is none. */
export function programPath(m: Machine, name: string): string | undefined {
  const candidates = name.includes('/') ? [name] : SEARCH_PATH.map((folder) => `${folder}/${name}`);
  return candidates.map((path) => executableAt(m, path)?.path).find((path) => path !== undefined);
}

/** Becomes another program; what it returns is why not, as an exit status. */
export function* become(m: Machine, u: UserContext, argv: readonly string[]): Steps<number> {
  const path = programPath(m, argv[0] ?? '');
  const error = path === undefined ? -ENOENT : yield u.execve(path, argv);
  return error === -ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
}

/** Starts a program as a child, a little later, so that its parent can watch from the first call on; its PID. */
export function* launch(m: Machine, u: UserContext, argv: readonly string[]): Steps<number> {
  return yield u.fork(function* (child) {
    yield child.nanosleep(START_NS);
    return yield* become(m, child, argv);
  });
}

/** Says so when there is no such program. */
export function* missing(c: CommandContext, argv: readonly string[], text: (name: string) => string): Steps<boolean> {
  const [name = ''] = argv;
  if (programPath(c.machine, name) !== undefined) return false;
  yield* c.complain(text(name));
  return true;
}
