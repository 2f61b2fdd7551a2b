import { startAt } from '../functions/kernel/fork.ts';
import type { Machine } from '../machine.ts';
import { createProcess, createTask, enqueueAtBoot, setProgram } from '../tasks/process.ts';
import { createTty, type Tty } from '../functions/drivers/tty.ts';
import { openedFile } from '../fs/file.ts';
import type { Process } from '../tasks/process.ts';
import { executableAt, putInPlace } from './executables.ts';
import type { Image } from './image.ts';
import { BASIC_COMMANDS } from './images/basic-commands.ts';
import { SIGTERM } from '../tasks/signals.ts';
import { O_RDWR } from '../fs/fcntl.ts';

/** A child of the tracer that waits to be told to execute its program. */
export interface Spawned {
  readonly pid: number;
  /** What it writes to its terminal. */
  onOutput(listener: (bytes: Uint8Array) => void): void;
  start(): void;
  isAlive(): boolean;
  terminate(): void;
  waitStatus(): number | undefined;
}

const SEARCH_PATH = ['/usr/local/bin', '/usr/bin', '/usr/sbin', '/bin', '/sbin'];
/** What execvp leaves behind when the program cannot be executed. */
const EXEC_FAILED = 127;

/** What the child is before it executes its program. */
const TRACER: Image = { path: '/usr/bin/bpftrace', symbols: ['main', 'childfn'], main: null };

/** /bin and /sbin are links to their namesakes in /usr. */
const isSameFile = (a: string, b: string): boolean =>
  a.replace(/^\/usr(?=\/s?bin\/)/, '') === b.replace(/^\/usr(?=\/s?bin\/)/, '');

/** The program of a path or name; the basic ones are put in place when first asked for. */
function findProgram(m: Machine, name: string): Image | undefined {
  const paths = name.includes('/') ? [name] : SEARCH_PATH.map((folder) => `${folder}/${name}`);
  const known = [...m.images.values(), ...BASIC_COMMANDS];
  const own = known.find(({ path, main }) => main !== null && paths.some((wanted) => isSameFile(path, wanted)));
  if (own === undefined) {
    const outside = executableAt(m, name);
    return outside?.main === null ? undefined : outside;
  }
  return m.images.has(own.path) ? own : putInPlace(m, own, BASIC_COMMAND_BYTES);
}
const BASIC_COMMAND_BYTES = 43_000;

/** Standard input, output and error of the child lead to a terminal of its own. */
function giveTerminal(m: Machine, process: Process): Tty {
  const tty = createTty(m, TERMINAL);
  const dentry = m.fileSystem.find(`/dev/${TERMINAL}`)!;
  const file = openedFile(m, m.fileSystem.mountOf(dentry), dentry, O_RDWR);
  file.references = STANDARD_DESCRIPTORS.length;
  for (const fd of STANDARD_DESCRIPTORS) process.files.install(fd, file);
  return tty;
}
const TERMINAL = 'pts/1';
const STANDARD_DESCRIPTORS = [0, 1, 2];

/** Forks a child for a command; a string says why that cannot be. The machine's files must be there. */
export function spawn(m: Machine, argv: readonly string[]): Spawned | string {
  const name = argv[0] ?? '';
  const image = findProgram(m, name);
  if (image === undefined && executableAt(m, name)?.main === null)
    return `Path '${name}' is not a program whose instructions this machine's CPUs have (Exec format error)`;
  if (image === undefined) return `Path '${name}' does not exist or is not executable (No such file or directory)`;
  const { tracer } = m;
  const task = createTask(m, { pid: (m.lastPid += 1), comm: tracer.comm, parent: tracer, uid: tracer.uid });
  const process = createProcess(m, task, TRACER);
  const tty = giveTerminal(m, process);
  setProgram(m, task, process, function* (u) {
    yield u.execve(image.path, argv);
    return EXEC_FAILED;
  });
  startAt(task, m, () => 0);
  return {
    pid: task.pid,
    onOutput(listener) {
      tty.onOutput = listener;
    },
    start: () => enqueueAtBoot(m, task, 0),
    isAlive: () => task.exitState === 0,
    waitStatus: () => (task.exitState === 0 ? undefined : task.exitCode),
    terminate() {
      if (task.exitState === 0) m.sendSignal(task.pid, SIGTERM);
    },
  };
}
