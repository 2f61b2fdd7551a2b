import type { File } from '../fs/file.ts';
import type { UserBody } from '../programs/image.ts';
import type { UserContext } from '../programs/user.ts';
import type { Task } from '../tasks/task.ts';
import { errorText } from './error-text.ts';
import { expandAll, expandText } from './expand.ts';
import { writeText } from './output.ts';
import { complain, type ShellState, type Steps } from './state.ts';
import type { Redirect } from './syntax.ts';

const SIGNAL_STATUS = 128;
const OPEN_FLAGS: Record<Exclude<Redirect['kind'], '>&' | '<<'>, number> = { '<': 0, '>': 0o1101, '>>': 0o2101 };
const NEW_FILE_MODE = 0o666;

export function* fork(u: UserContext, body: (child: UserContext) => UserBody): Steps<number> {
  return yield u.fork(body);
}
/** wait4(), and what it stores: the exit status as the shell counts it. */
export function* waitFor(u: UserContext, task: Task): Steps<number> {
  for (;;) {
    const pid = yield u.wait4(task.pid);
    if (pid === task.pid || pid === -10) break;
    if (pid < 0 && pid !== -4) break;
  }
  const { exitCode } = task;
  return (exitCode & 0x7f) !== 0 ? SIGNAL_STATUS + (exitCode & 0x7f) : (exitCode >> 8) & 0xff;
}

/** dup2() on the tables of the process: what fd leads to from now on. */
export function* setDescriptor(u: UserContext, fd: number, file: File | null): Steps<void> {
  const { files } = u.process;
  if (files.get(fd) !== null) yield u.close(fd);
  if (file === null) return;
  file.references += 1;
  files.install(fd, file);
}

export function* makePipe(u: UserContext): Steps<readonly [number, number]> {
  const at = u.buffer(8);
  yield u.call('pipe2', at, 0);
  return [u.load(at, 4), u.load(at + 4, 4)];
}

/** What a pipe holds before its writer has to wait. */
const PIPE_CAPACITY = 65_536;
/** A here-document: the reader's end of a pipe that holds it, or that somebody fills. */
function* documentPipe(u: UserContext, text: string): Steps<number> {
  const [readEnd, writeEnd] = yield* makePipe(u);
  if (text.length <= PIPE_CAPACITY) yield* writeText(u, writeEnd, text);
  else
    yield* fork(u, function* (child) {
      yield child.close(readEnd);
      yield* writeText(child, writeEnd, text);
      return 0;
    });
  yield u.close(writeEnd);
  return readEnd;
}

/** Opens what the redirections name, runs, and puts the old descriptors back. */
export function* withRedirects(
  u: UserContext,
  state: ShellState,
  redirects: readonly Redirect[],
  body: () => Steps<number>,
): Steps<number> {
  const saved: { readonly fd: number; readonly file: File | null }[] = [];
  let status = 0;
  let failed = false;
  for (const { fd, kind, target } of redirects) {
    const name = kind === '<<' ? '' : ((yield* expandAll(u, state, [target]))[0] ?? '');
    const { files } = u.process;
    const before = files.get(fd);
    if (before !== null) before.references += 1;
    saved.push({ fd, file: before });
    if (kind === '>&') {
      yield* setDescriptor(u, fd, files.get(Number(name)));
      continue;
    }
    const opened: number =
      kind === '<<'
        ? yield* documentPipe(u, yield* expandText(u, state, target))
        : yield u.openat(name, OPEN_FLAGS[kind], NEW_FILE_MODE);
    if (opened < 0) {
      yield* complain(u, `${name}: ${errorText(opened)}`);
      failed = true;
      break;
    }
    const file = files.get(opened)!;
    if (opened !== fd) {
      yield* setDescriptor(u, fd, file);
      yield u.close(opened);
    }
  }
  status = failed ? 1 : yield* body();
  for (const { fd, file } of saved.reverse()) {
    yield* setDescriptor(u, fd, file);
    if (file !== null) file.references -= 1;
  }
  return status;
}
