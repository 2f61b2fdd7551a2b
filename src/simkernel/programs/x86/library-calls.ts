import type { Process } from '../../tasks/process.ts';
import type { UserBody, UserStep } from '../image.ts';
import { STANDARD_FUNCTIONS, type StandardFunction } from '../libc-names.ts';
import { SYSCALL_NUMBERS, type SyscallName } from '../syscall-numbers.ts';
import type { UserContext } from '../user.ts';
import { formatText } from './print-format.ts';
import { SIGABRT } from '../../tasks/signals.ts';

type Steps<T> = Generator<UserStep, T, number>;

/** A call of a function of the C library, with its arguments where the calling convention puts them. */
export interface LibraryCall {
  readonly u: UserContext;
  readonly name: string;
  /** rdi, rsi, rdx, rcx, r8, r9 */
  readonly arguments: readonly number[];
  /** Low half of an xmm register. */
  readonly vector: (index: number) => bigint;
  /** Of the arguments that the caller has pushed. */
  readonly stackWord: (index: number) => bigint;
  /** What a child of fork() does. */
  readonly fork: () => (u: UserContext) => UserBody;
}
/** rax, or the program's end. */
export type LibraryResult = number | { readonly exit: number };

const SECOND_NS = 1_000_000_000;
const MICROSECOND_NS = 1000;
const STDOUT = 1;

/** What is printed and not yet written: to a terminal, output goes line by line. */
const unwritten = new WeakMap<Process, string>();

function* print(u: UserContext, text: string): Steps<void> {
  const all = (unwritten.get(u.process) ?? '') + text;
  const end = all.lastIndexOf('\n') + 1;
  unwritten.set(u.process, all.slice(end));
  if (end > 0) yield* write(u, all.slice(0, end));
}
function* flush(u: UserContext): Steps<void> {
  const rest = unwritten.get(u.process) ?? '';
  unwritten.delete(u.process);
  if (rest !== '') yield* write(u, rest);
}
function* write(u: UserContext, text: string): Steps<void> {
  yield u.write(STDOUT, u.string(text), text.length);
}

type Body = (call: LibraryCall, a: number, b: number, c: number) => Steps<LibraryResult>;

function* exit({ u }: LibraryCall, status: number): Steps<LibraryResult> {
  yield* flush(u);
  return { exit: status & 0xff };
}
function* print0({ u, arguments: args, vector, stackWord }: LibraryCall, format: number, first: number): Steps<number> {
  const integers = (index: number): bigint =>
    first + index < args.length ? BigInt(args[first + index]!) : stackWord(first + index - args.length);
  const text = formatText(u.cString(format), { integers, doubles: vector, cString: (at) => u.cString(at) });
  yield u.work(200 + 8 * text.length);
  yield* print(u, text);
  return text.length;
}
const nothing: Body = function* () {
  return 0;
};
function* wait({ u }: LibraryCall, pid: number, status: number, options: number): Steps<number> {
  return yield u.call('wait4', pid, status, options, 0);
}
function* allocate({ u }: LibraryCall, bytes: number): Steps<number> {
  yield u.work(40);
  return u.buffer(Math.max(1, bytes));
}

/** What they do, by name; what each costs is what such functions take on a CPU. */
const BODIES: Readonly<Record<StandardFunction, Body>> = {
  __libc_start_main: nothing,
  __cxa_finalize: nothing,
  __cxa_atexit: nothing,
  *__stack_chk_fail({ u }) {
    const text = '*** stack smashing detected ***: terminated\n';
    yield u.write(2, u.string(text), text.length);
    return yield u.call('kill', u.task.pid, SIGABRT);
  },
  *__printf_chk(call, _level, format) {
    return yield* print0(call, format, 2);
  },
  *printf(call, format) {
    return yield* print0(call, format, 1);
  },
  *puts({ u }, text) {
    const line = `${u.cString(text)}\n`;
    yield u.work(60 + line.length);
    yield* print(u, line);
    return line.length;
  },
  *putchar({ u }, code) {
    yield* print(u, String.fromCharCode(code & 0xff));
    return code & 0xff;
  },
  *fflush({ u }) {
    yield* flush(u);
    return 0;
  },
  setbuf: nothing,
  malloc: allocate,
  *calloc(call, count, size) {
    const at = yield* allocate(call, count * size);
    call.u.bytes(at, Math.max(1, count * size)).fill(0);
    return at;
  },
  free: nothing,
  *strlen({ u }, text) {
    return u.cString(text).length;
  },
  *strcmp({ u }, a, b) {
    const [left, right] = [u.cString(a), u.cString(b)];
    return left === right ? 0 : left < right ? -1 : 1;
  },
  *memset({ u }, to, byte, size) {
    u.bytes(to, size).fill(byte);
    return to;
  },
  *memcpy({ u }, to, from, size) {
    u.bytes(to, size).set(u.bytes(from, size));
    return to;
  },
  *atoi({ u }, text) {
    return Number.parseInt(u.cString(text), 10) | 0;
  },
  *sleep({ u }, seconds) {
    yield u.nanosleep((seconds >>> 0) * SECOND_NS);
    return 0;
  },
  *usleep({ u }, microseconds) {
    yield u.nanosleep((microseconds >>> 0) * MICROSECOND_NS);
    return 0;
  },
  *fork({ u, fork }) {
    const child = fork();
    const text = unwritten.get(u.process);
    return yield u.fork((childContext) => {
      if (text !== undefined) unwritten.set(childContext.process, text);
      return child(childContext);
    });
  },
  *wait(call, status) {
    return yield* wait(call, -1, status, 0);
  },
  waitpid: wait,
  exit,
  *_exit(_call, status) {
    return { exit: status & 0xff };
  },
  *abort({ u }) {
    return yield u.call('kill', u.task.pid, SIGABRT);
  },
};

const isStandard = (name: string): name is StandardFunction => (STANDARD_FUNCTIONS as readonly string[]).includes(name);

/** Carries a call out; undefined for functions that are names only. */
export function* callLibrary(call: LibraryCall): Steps<LibraryResult | undefined> {
  const { u, name, arguments: args } = call;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = args;
  if (Object.hasOwn(SYSCALL_NUMBERS, name)) {
    const result = yield u.call(name as SyscallName, a, b, c, d, e, f);
    // errno is nobody's business here.
    return result < 0 && result > -4096 ? -1 : result;
  }
  if (!isStandard(name)) return undefined;
  let result: LibraryResult = 0;
  yield* u.invoke({ name, prototype: '' }, args, function* () {
    result = yield* BODIES[name](call, a, b, c);
    return typeof result === 'number' ? result : 0;
  });
  return result;
}
