import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import { defineScenario } from '../../src/simkernel/scenarios/define.ts';
import type { Scenario } from '../../src/simkernel/scenarios/scenario.ts';
import type { Image, UserBody } from '../../src/simkernel/programs/image.ts';
import { userFunction } from '../../src/simkernel/programs/user-function.ts';
import { TESTPROGS } from './testprogs.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';

const O_CREAT = 0o100;
const EXEC_FAILED = 127;
const TEMPORARY = '/tmp/bpftrace_runtime_test_syscall_gen_';

/** The system call that each subcommand of the checkout's testprogs/syscall makes, with what surrounds it. */
const SYSCALLS: Readonly<Record<string, (u: UserContext, args: readonly string[]) => UserBody>> = {
  *nanosleep(u, [ns = '100']) {
    const at = u.process.scratch;
    const offset = u.process.mm.find(at, 16);
    const view = viewOf(u);
    const total = Number(ns);
    view.setBigUint64(offset, BigInt(Math.floor(total / 1e9)), true);
    view.setBigUint64(offset + 8, BigInt(Math.floor(total % 1e9)), true);
    yield u.call('nanosleep', at, 0);
    return 0;
  },
  *open(u) {
    const path = u.string(`${TEMPORARY}open_temp`);
    yield* closing(u, yield u.call('open', path, O_CREAT));
    yield u.call('unlink', path);
    return 0;
  },
  *openat(u) {
    yield* closing(u, yield u.openat(`${TEMPORARY}open_temp`, O_CREAT));
    yield u.call('unlink', u.string(`${TEMPORARY}open_temp`));
    return 0;
  },
  *read(u) {
    const fd = yield u.openat(`${TEMPORARY}read_temp`, O_CREAT, 0o644);
    yield u.read(typeof fd === 'number' ? fd : -1, u.buffer(10), 0);
    yield* closing(u, fd);
    yield u.call('unlink', u.string(`${TEMPORARY}read_temp`));
    return 0;
  },
  *execve(u, [path = '', ...args]) {
    yield u.execve(path, [path, ...args]);
    return 1;
  },
  *connect(u) {
    const fd = yield u.call('socket', 2, 1, 0);
    yield u.call('connect', typeof fd === 'number' ? fd : -1, u.buffer(16), 16);
    yield* closing(u, fd);
    return 0;
  },
};

function viewOf(u: UserContext): DataView {
  return (u as unknown as { machine: { arena: { view: DataView } } }).machine.arena.view;
}

function* closing(u: UserContext, fd: number | void): UserBody {
  if (typeof fd === 'number' && fd >= 0) yield u.close(fd);
  return 0;
}

function* forever(u: UserContext, pause: number): UserBody {
  for (;;) {
    yield u.work(20_000);
    yield u.nanosleep(pause);
  }
}

const TRACER = '/usr/bin/bpftrace';
const TRACER_PID = 690;

const program = (name: string, main: NonNullable<Image['main']>): Image => ({
  path: `./testprogs/${name}`,
  symbols: ['main', '_start', '_init'],
  main,
});

/** Programs of the checkout's testprogs folder, as far as kernel probes see them. */
const PROGRAMS: readonly Image[] = [
  program('syscall', function* (u, [, name = '', ...args]) {
    yield u.work(200_000);
    return yield* (SYSCALLS[name] ?? SYSCALLS['nanosleep']!)(u, args);
  }),
  program('true', function* (u) {
    yield u.work(50_000);
    return 0;
  }),
  // The tracer itself is a process of the machine that it traces.
  { path: TRACER, symbols: ['main'], main: (u) => forever(u, 1_000_000_000) },
  program('nanosleep_loop', (u) => forever(u, 1_000_000)),
  program('work_loop', (u) => forever(u, 10_000_000)),
  ...TESTPROGS,
];

/** What the outside of the machine hears of a command line: signals to the tracer. */
export interface Signals {
  readonly interrupt: () => void;
  readonly user: () => void;
}

/** Words of a command of an AFTER line, or what it does to the tracer. */
type Step = { readonly kind: 'run'; readonly argv: readonly string[] } | { readonly kind: keyof Signals };

const LONG_NAME = /\$\(python3 -c "print\('X'\*(\d+)\)"\)/g;

function splitWords(text: string): string[] {
  return [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!);
}

/** The steps of a shell line, as far as the suite's lines go. */
export function stepsOf(line: string): readonly Step[] {
  const expanded = line.replace(LONG_NAME, (_, count: string) => 'X'.repeat(Number(count)));
  return expanded
    .split(/;(?=(?:[^"']|"[^"]*"|'[^']*')*$)/)
    .map((part) => part.replace(/&?>\s*\/dev\/null|2>&1/g, '').trim())
    .filter((part) => part !== '')
    .map((part): Step => {
      if (/^(?:kill|pkill)\b.*USR1/.test(part)) return { kind: 'user' };
      if (/^(?:kill|pkill)\b.*INT/.test(part)) return { kind: 'interrupt' };
      const words = splitWords(part).filter((word, at) => at > 0 || !/^\w+=/.test(word));
      return { kind: 'run', argv: words };
    });
}

/** A shell that runs the steps of one line. */
function shellFor(path: string, steps: readonly Step[], signals: Signals): Image {
  return {
    path,
    symbols: ['main', 'evaltree'],
    *main(u) {
      yield u.work(300_000);
      for (const step of steps) {
        if (step.kind !== 'run') {
          signals[step.kind]();
          continue;
        }
        const child = yield u.fork(function* (v) {
          yield v.execve(step.argv[0]!, step.argv);
          return EXEC_FAILED;
        });
        yield u.wait4(typeof child === 'number' ? child : -1);
      }
      return 0;
    },
  };
}

const ECHO_BUILTIN = userFunction('int echo_builtin(struct word_list *list)', function* (u, words: number) {
  const text = `${u.cString(words)}\n`;
  yield u.write(1, u.string(text), text.length);
  return 0;
});

/** `bash -c` of the one command that the suite gives it. */
const BASH: Image = {
  path: '/bin/bash',
  symbols: ['main', ECHO_BUILTIN, 'readline'],
  *main(u, [, flag, line]) {
    yield u.work(400_000);
    if (flag !== '-c' || line === undefined) return 0;
    const [first] = stepsOf(line);
    if (first?.kind !== 'run') return 0;
    if (first.argv[0] === 'echo') {
      yield* ECHO_BUILTIN(u, u.string(first.argv.slice(1).join(' ')));
      return 0;
    }
    yield u.execve(first.argv[0]!, first.argv);
    return EXEC_FAILED;
  },
};

export const AFTER_SHELL = '/bin/dash';
const FIRST_PID = 700;

/** PIDs of the processes that run before bpftrace does, in their order. */
export const beforePid = (index: number): number => FIRST_PID + index;

/** A quiet machine with the programs of the suite, some of them running, and a shell that will run the AFTER line. */
export function scenarioFor(befores: readonly string[], after: string | undefined, signals: Signals): Scenario {
  const { idle } = SCENARIOS;
  const running = befores.flatMap((line, index) => {
    const argv = splitWords(line);
    const image = PROGRAMS.find(({ path }) => path === argv[0]);
    return image === undefined ? [] : [{ pid: beforePid(index), image, argv }];
  });
  return defineScenario({
    ...idle,
    images: [
      ...idle.images,
      ...PROGRAMS,
      BASH,
      ...(after === undefined ? [] : [shellFor(AFTER_SHELL, stepsOf(after), signals)]),
    ],
    processes: [
      ...idle.processes,
      { pid: TRACER_PID, image: PROGRAMS.find(({ path }) => path === TRACER)!, argv: ['bpftrace'] },
      ...running,
    ],
  });
}
