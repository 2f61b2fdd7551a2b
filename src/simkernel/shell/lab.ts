import { startAt } from '../functions/kernel/fork.ts';
import { TMPFS } from '../functions/mm/shmem.ts';
import type { FileOperations } from '../fs/file.ts';
import { createSuperBlock } from '../fs/file.ts';
import type { Machine } from '../machine.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import type { Result } from '../execution/pending.ts';
import { Pending } from '../execution/pending.ts';
import type { Task } from '../tasks/task.ts';
import type { Dentry, File, Inode, IovIter, Kiocb } from '../fs/file.ts';
import { addMemoryDevices } from '../functions/drivers/memory-devices.ts';
import { msleep } from '../functions/kernel/sleep.ts';
import { writeUserText } from '../functions/fs/pseudo-files.ts';
import type { Image, UserBody } from '../programs/image.ts';
import type { UserContext } from '../programs/user.ts';
import { createProcess, createTask, enqueueAtBoot, setProgram } from '../tasks/process.ts';
import { EINTR } from '../errno.ts';
import { LAB_COMMANDS } from './commands/index.ts';
import { hostCommand } from './host-command.ts';
import { interactiveShell, shellProgram } from './shell.ts';
import { SIGINT } from '../tasks/signals.ts';
import { S_IFCHR } from '../fs/file-mode.ts';

/** A command that the host of the lab runs: it sees the machine from outside, as a compiler and loader of programs does. */
export interface HostRequest {
  readonly argv: readonly string[];
  readonly input: () => string;
  write(text: string, isError: boolean): void;
  finish(code: number): void;
  /** SIGINT, SIGTERM. */
  interrupt: () => void;
}

export interface LabOptions {
  /** What appears on the terminal. */
  readonly print: (text: string) => void;
  /** Names of commands that the host runs. */
  readonly hostCommands: readonly string[];
  /** A prompt is shown. */
  readonly interactive: boolean;
  /** Lines appear on the terminal as they are read, as those that somebody types do. */
  readonly echo: boolean;
  /** Somebody shows the prompt and edits lines outside of the machine: its text, and the shell's directory. */
  readonly onPrompt?: (text: string, directory: string) => void;
  /** What is typed is a script that nobody but the shell reads: commands find their input at its end. */
  readonly hasScript?: boolean;
  /** What is shown may be coloured. */
  readonly colors?: boolean;
}

/** Behind the one of an ssh session (pts/0) and the one of -c (pts/1). */
const TERMINAL = '/dev/pts/2';
const PER_CHARACTER_NS = 12;
const POLL_MS = 1;
const EXECUTABLE_BYTES = 60_000;
/** One slice of the machine's time between two looks of the host. */
const SLICE_NS = 50_000_000;

/** A shell at a terminal of a simulated machine: it runs there, as a process, and so does every command. */
export class Lab {
  readonly machine: Machine;
  readonly options: LabOptions;
  /** The shell's exit code once it has ended. */
  exitCode: number | undefined;
  /** It has read all input that there is. */
  isWaiting = false;
  readonly requests: HostRequest[] = [];
  /** The shell wants its next command. */
  wantsCommand = false;
  /** Ctrl-C: the shell does nothing more of what it was told. */
  interrupted = false;
  private shell!: Task;
  /** Lines typed at the terminal; null: its end. */
  private readonly input: (string | null)[] = [];

  constructor(m: Machine, options: LabOptions) {
    this.machine = m;
    this.options = options;
    m.hasProcess(1);
    m.fileSystem.special(TERMINAL, S_IFCHR | 0o620, terminalFiles).channel = this;
    for (const path of ['/tmp', '/root']) mountTmpfs(m, path);
    for (const image of [
      ...LAB_COMMANDS.map((make) => make(m)),
      ...options.hostCommands.map((name) => hostImage(this, name)),
      ...SHELLS.map((path) => shellImage(this, path)),
    ])
      install(m, image);
    addMemoryDevices(m);
    this.start();
  }
  /** Types a line; null is the end of all input. */
  feed(line: string | null): void {
    this.isWaiting = false;
    this.input.push(line);
  }
  get colors(): boolean {
    return this.options.colors === true;
  }
  /** The shell's directory. */
  get directory(): Dentry | undefined {
    return this.shell.fs?.dentry ?? undefined;
  }
  /** Ctrl-C at the terminal: SIGINT for whatever runs in the foreground. */
  interrupt(): void {
    this.interrupted = true;
    const visit = (task: Task): void => {
      for (const child of [...task.children]) {
        if (this.background.has(child.pid)) continue;
        visit(child);
        if (child.exitState === 0) this.machine.sendSignal(child.pid, SIGINT);
      }
    };
    visit(this.shell);
  }
  /** Lines that were typed. */
  readonly history: string[] = [];
  /** Children that the shell does not wait for. */
  readonly background = new Set<number>();
  nextLine(): string | null | undefined {
    const line = this.input.shift();
    if (line === undefined) {
      this.isWaiting = true;
      this.machine.stop();
    } else if (line !== null) {
      if (line.trim() !== '') this.history.push(line.replace(/\n$/, ''));
      if (this.options.echo) this.options.print(line);
    }
    return line;
  }
  /** Runs the machine on; it stops early when the shell waits or asks the host for something. */
  step(): void {
    this.machine.run(this.machine.now() + SLICE_NS);
  }
  private start(): void {
    const m = this.machine;
    const task = createTask(m, { pid: (m.lastPid += 1), comm: 'bash', parent: m.tasks.get(1) ?? null });
    this.shell = task;
    const home = m.fileSystem.find('/root')!;
    setProgram(m, task, createProcess(m, task, BASH), (u) => this.run(u));
    task.fs?.setDirectory(m.fileSystem.mountOf(home), home);
    startAt(task, m, () => 0);
    enqueueAtBoot(m, task, 0);
  }
  private *run(u: UserContext): UserBody {
    for (const flags of [0, 1, 1]) yield u.openat(TERMINAL, flags);
    this.exitCode = yield* interactiveShell(u, this);
    this.machine.stop();
    return this.exitCode;
  }
}

const BASH: Image = { path: '/usr/bin/bash', symbols: ['main', 'reader_loop', 'execute_command'], main: null };

function install(m: Machine, image: Image): void {
  m.images.set(image.path, image);
  if (m.fileSystem.find(image.path) === undefined) m.fileSystem.file(image.path, EXECUTABLE_BYTES, 1, 0o755);
}
function mountTmpfs(m: Machine, path: string): void {
  const sb = createSuperBlock(m, 'tmpfs', 'tmpfs', TMPFS_DEVICE);
  sb.operations = TMPFS;
  m.fileSystem.mount(path, sb);
}
const TMPFS_DEVICE = 31;

/** In front of those of the scenario's own scripts. */
const SHELLS = ['/usr/local/bin/sh', '/usr/local/bin/bash'];
function shellImage(lab: Lab, path: string): Image {
  return { ...BASH, path, main: (u, argv) => shellProgram(u, lab, argv) };
}

/** The process of a host command: it waits for the host to do its work and writes what comes of it. */
function hostImage(lab: Lab, name: string): Image {
  return {
    path: `/usr/bin/${name}`,
    symbols: ['main'],
    main: (u, argv) => hostCommand(u, lab, argv),
  };
}
const nTtyWrite = kernelFunction('n_tty_write', 60, (m, iocb: Kiocb, from: IovIter): Result => {
  const at = m.cpu.current.process?.mm.find(from.buffer, from.count) ?? -1;
  m.spend(from.count * PER_CHARACTER_NS);
  if (at >= 0) (iocb.file.inode.channel as Lab).options.print(loadBytes(m, at, from.count));
  return from.count;
});
function loadBytes(m: Machine, at: number, count: number): string {
  return count === 0 ? '' : String.fromCharCode(...m.arena.bytes.subarray(at, at + count));
}
const canonCopyFromReadBuf = kernelFunction(
  'canon_copy_from_read_buf',
  40,
  (m, file: File, buffer: number, count: number): Result => {
    const lab = file.inode.channel as Lab;
    if (lab.options.hasScript === true && !lab.wantsCommand) return 0;
    const line = lab.nextLine();
    if (line === null) return 0;
    if (line !== undefined) {
      writeUserText(m, buffer, line.slice(0, count));
      return Math.min(count, line.length);
    }
    const task = m.cpu.current;
    const slept = msleep(m, POLL_MS);
    const again = (): Result => (task.pendingSignal !== 0 ? -EINTR : canonCopyFromReadBuf(m, file, buffer, count));
    return slept instanceof Pending ? slept.then(again) : again();
  },
);
const ptyOpen = kernelFunction('pty_open', 90, (_m, _inode: Inode, _file: File): Result => 0);
const terminalFiles: FileOperations = {
  open: (m, inode, file) => ptyOpen(m, inode, file),
  readIter: (m, iocb, to) => canonCopyFromReadBuf(m, iocb.file, to.buffer, to.count),
  writeIter: (m, iocb, from) => nTtyWrite(m, iocb, from),
};
