import type { Amount } from '../time/amount.ts';
import { draw } from '../time/amount.ts';
import type { Image, UserBody, UserStep } from './image.ts';
import type { SyscallName } from './syscall-numbers.ts';
import type { UserContext } from './user.ts';
import { PAGE_SIZE } from '../memory/sizes.ts';
import { PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_ANONYMOUS } from '../tasks/mman.ts';
import { O_DIRECTORY } from '../fs/fcntl.ts';

/** Where a transfer begins: where the last one ended, anywhere in the file, or at an offset. */
export type Place = 'next' | 'random' | number;

/** What a declared program does, one thing after the other. Results that nobody can use are dropped, as careless programs do. */
export type Step =
  | { readonly do: 'work'; readonly ns: Amount }
  | { readonly do: 'sleep'; readonly ns: Amount }
  | { readonly do: 'open'; readonly path: string; readonly as: string; readonly flags: number }
  | { readonly do: 'close'; readonly file: string }
  | { readonly do: 'read' | 'write'; readonly file: string; readonly bytes: Amount; readonly at: Place }
  | { readonly do: 'fsync'; readonly file: string; readonly dataOnly: boolean }
  /** A system call that takes path names. */
  | { readonly do: 'paths'; readonly call: SyscallName; readonly paths: readonly string[] }
  | { readonly do: 'list'; readonly path: string }
  | { readonly do: 'map'; readonly as: string; readonly bytes: number }
  | { readonly do: 'touch'; readonly map: string; readonly pages: Amount; readonly at: 'next' | 'random' }
  | { readonly do: 'unmap'; readonly map: string }
  | { readonly do: 'run'; readonly argv: readonly string[]; readonly wait: boolean }
  | { readonly do: 'fork'; readonly steps: readonly Step[]; readonly wait: boolean }
  | { readonly do: 'repeat'; readonly times: number; readonly steps: readonly Step[] }
  | { readonly do: 'sometimes'; readonly chance: number; readonly steps: readonly Step[] }
  | { readonly do: 'choose'; readonly among: readonly (readonly [weight: number, steps: readonly Step[]])[] }
  /** Steps inside a function of the program: a frame of its user stack. */
  | { readonly do: 'function'; readonly name: string; readonly steps: readonly Step[] }
  | { readonly do: 'exit'; readonly status: number };

/** A body whose result is a number for certain. */
type Steps = Generator<UserStep, number, number>;

const BUFFER = 65_536;
const DIRECTORY_BUFFER = 4096;
const ENOEXEC_STATUS = 127;
/** A step that takes no time repeated for ever would keep virtual time from moving. */
const LOOP_NS = 200;

interface Area {
  readonly at: number;
  readonly pages: number;
  next: number;
}

/** What the steps of one process have named. */
class Names {
  readonly files = new Map<string, number>();
  readonly areas = new Map<string, Area>();
  private bufferAt = 0;
  private bufferSize = 0;

  buffer(u: UserContext, size: number): number {
    if (size > this.bufferSize) {
      this.bufferSize = Math.max(size, BUFFER);
      this.bufferAt = u.buffer(this.bufferSize);
    }
    return this.bufferAt;
  }
}

/** An executable that does these steps; `functions` are the names that its user stacks may show. */
export function stepsImage(path: string, steps: readonly Step[]): Image {
  return {
    path,
    symbols: ['main', ...new Set(functionsOf(steps))].filter((name, i, all) => all.indexOf(name) === i),
    *main(u) {
      return yield* runSteps(u, steps, new Names(), ['main']);
    },
  };
}

function functionsOf(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => {
    if (step.do === 'choose') return step.among.flatMap(([, inner]) => functionsOf(inner));
    const own = step.do === 'function' ? [step.name] : [];
    return 'steps' in step ? [...own, ...functionsOf(step.steps)] : own;
  });
}

/** The status with which an `exit` among the steps ends the program, or -1 to go on. */
function* walk(u: UserContext, steps: readonly Step[], names: Names, frames: readonly string[]): Steps {
  for (const step of steps) {
    const status = yield* take(u, step, names, frames);
    if (status >= 0) return status;
  }
  return -1;
}
function* runSteps(u: UserContext, steps: readonly Step[], names: Names, frames: readonly string[]): Steps {
  return Math.max(0, yield* walk(u, steps, names, frames));
}

function* take(u: UserContext, step: Step, names: Names, frames: readonly string[]): Steps {
  const { random } = u;
  switch (step.do) {
    case 'work':
      yield u.work(draw(random, step.ns));
      return -1;
    case 'sleep':
      yield u.nanosleep(draw(random, step.ns));
      return -1;
    case 'open':
      names.files.set(step.as, (yield u.openat(step.path, step.flags, 0o644)) as number);
      return -1;
    case 'close':
      yield u.close(names.files.get(step.file) ?? -1);
      names.files.delete(step.file);
      return -1;
    case 'read':
    case 'write':
      yield* transfer(u, step, names);
      return -1;
    case 'fsync':
      yield u.call(step.dataOnly ? 'fdatasync' : 'fsync', names.files.get(step.file) ?? -1);
      return -1;
    case 'paths': {
      const [a = 0, b = names.buffer(u, DIRECTORY_BUFFER)] = step.paths.map((path) => u.string(path));
      yield u.call(step.call, a, b);
      return -1;
    }
    case 'list':
      yield* list(u, step.path, names);
      return -1;
    case 'map': {
      const at = (yield u.mmap(step.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)) as number;
      if (at >= 0) names.areas.set(step.as, { at, pages: Math.ceil(step.bytes / PAGE_SIZE), next: 0 });
      return -1;
    }
    case 'touch':
      yield* touch(u, step, names);
      return -1;
    case 'unmap': {
      const area = names.areas.get(step.map);
      if (area !== undefined) yield u.call('munmap', area.at, area.pages * PAGE_SIZE);
      names.areas.delete(step.map);
      return -1;
    }
    case 'run':
      return yield* fork(u, step.wait, function* (v) {
        yield v.execve(step.argv[0]!, step.argv);
        return ENOEXEC_STATUS;
      });
    case 'fork':
      return yield* fork(u, step.wait, (v) => runSteps(v, step.steps, names, frames));
    case 'repeat':
      for (let round = 0; round < step.times; round += 1) {
        yield u.work(LOOP_NS);
        const status = yield* walk(u, step.steps, names, frames);
        if (status >= 0) return status;
      }
      return -1;
    case 'sometimes':
      return random.chance(step.chance) ? yield* walk(u, step.steps, names, frames) : -1;
    case 'choose':
      return yield* walk(u, random.weighted(step.among), names, frames);
    case 'function': {
      const inner = [...frames, step.name];
      u.in(...inner);
      const status = yield* walk(u, step.steps, names, inner);
      u.in(...frames);
      return status;
    }
    case 'exit':
      return step.status;
  }
}

function* transfer(u: UserContext, step: Extract<Step, { do: 'read' | 'write' }>, names: Names): UserBody {
  const fd = names.files.get(step.file) ?? -1;
  const count = Math.max(1, draw(u.random, step.bytes));
  const buffer = names.buffer(u, count);
  if (step.at === 'next') {
    const moved = (yield step.do === 'read' ? u.read(fd, buffer, count) : u.write(fd, buffer, count)) as number;
    // At its end a file is read again from the start.
    if (step.do === 'read' && moved === 0) yield u.call('lseek', fd, 0, 0);
    return 0;
  }
  const size = u.process.files.get(fd)?.inode.size ?? 0;
  const pages = Math.max(1, Math.floor((size - count) / PAGE_SIZE));
  const at = step.at === 'random' ? PAGE_SIZE * u.random.between(0, pages - 1) : step.at;
  yield u.call(step.do === 'read' ? 'pread64' : 'pwrite64', fd, buffer, count, at);
  return 0;
}

function* list(u: UserContext, path: string, names: Names): UserBody {
  const fd = (yield u.openat(path, O_DIRECTORY)) as number;
  const buffer = names.buffer(u, DIRECTORY_BUFFER);
  while (((yield u.call('getdents64', fd, buffer, DIRECTORY_BUFFER)) as number) > 0);
  yield u.close(fd);
  return 0;
}

function* touch(u: UserContext, step: Extract<Step, { do: 'touch' }>, names: Names): UserBody {
  const area = names.areas.get(step.map);
  if (area === undefined) return 0;
  for (let left = draw(u.random, step.pages); left > 0; left -= 1) {
    if (step.at === 'next') area.next = (area.next + 1) % area.pages;
    const page = step.at === 'next' ? area.next : u.random.between(0, area.pages - 1);
    yield* u.access(area.at + page * PAGE_SIZE);
  }
  return 0;
}

function* fork(u: UserContext, wait: boolean, child: (v: UserContext) => UserBody): Steps {
  const pid = (yield u.fork(child)) as number;
  if (wait) yield u.wait4(pid);
  return -1;
}
