import type { Machine } from '../../../machine.ts';
import { syscallByName } from '../../../syscalls.ts';
import type { Syscall } from '../../../syscalls.ts';
import { glob } from '../../../tracefs/glob.ts';
import type { Task } from '../../../tasks/task.ts';

/** Classes of calls that strace has names for, by what they take or do. */
const CLASSES: Readonly<Record<string, (call: Syscall) => boolean>> = {
  file: ({ parameters }) =>
    parameters.some(
      ({ type, name }) => type === 'const char *' && /^(filename|pathname|oldname|newname|path)$/.test(name),
    ),
  desc: ({ parameters }) => parameters.some(({ name }) => /fd$/.test(name)),
  process: ({ name }) => /^(clone3?|v?fork|execve(at)?|exit(_group)?|wait4|waitid|t?g?kill)$/.test(name),
  network: ({ name }) =>
    /^(socket|socketpair|bind|listen|accept4?|connect|send(to|msg|mmsg)|recv(from|msg|mmsg)|shutdown|[gs]etsockopt|getsockname|getpeername)$/.test(
      name,
    ),
  memory: ({ name }) => /^(mmap|munmap|mprotect|mremap|brk|madvise|mlock|munlock)$/.test(name),
  signal: ({ name }) => /^(rt_sig.*|kill|tkill|tgkill|pause|sigaltstack)$/.test(name),
};

/** `openat,close`, `%file`, `!futex`: which calls; a text is a name that is none. */
export function selectCalls(list: string): ((call: Syscall) => boolean) | string {
  const isNegated = list.startsWith('!');
  const words = (isNegated ? list.slice(1) : list).split(',').filter((word) => word !== '');
  const tests: ((call: Syscall) => boolean)[] = [];
  for (const word of words) {
    const name = word.replace(/^%/, '');
    if (word === 'all') tests.push(() => true);
    else if (word === 'none') tests.push(() => false);
    else if (Object.hasOwn(CLASSES, name)) tests.push(CLASSES[name]!);
    else if (word.includes('*')) {
      const pattern = glob(word);
      tests.push((call) => pattern.test(call.name));
    } else if (syscallByName(word) === undefined) return word;
    else tests.push((call) => call.name === word || call.entry === word);
  }
  return (call) => tests.some((test) => test(call)) !== isNegated;
}

/** Whether a task is one of these processes, or made by one of them. */
export function isBelow(task: Task, pids: ReadonlySet<number>, withChildren: boolean): boolean {
  if (pids.has(task.tgid)) return true;
  for (let above = withChildren ? task.parent : null; above !== null; above = above.parent)
    if (pids.has(above.tgid)) return true;
  return false;
}
/** Those of some PIDs that are no process. */
export const missingProcess = (m: Machine, pids: readonly number[]): number | undefined =>
  pids.find((pid) => !m.tasks.has(pid));
