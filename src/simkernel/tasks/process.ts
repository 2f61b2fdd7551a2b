import type { File } from '../fs/file.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber, storeText, storeWord } from '../memory/arena.ts';
import { countProcess } from '../cpu/per-cpu.ts';
import { countFork, storeThreadCount } from '../memory/kernel-data.ts';
import { structFields } from '../memory/layout.ts';
import { declareText } from '../execution/text.ts';
import type { TextSymbol } from '../execution/text.ts';
import { UserHeap } from '../programs/heap.ts';
import { LIBC } from '../programs/libc.ts';
import type { Image, UserBody } from '../programs/image.ts';
import { UserContext } from '../programs/user.ts';
import { FileTable } from '../fs/file-table.ts';
import { FsStruct } from '../fs/fs-struct.ts';
import { AddressSpace } from './address-space.ts';
import { copyCredentials, createCredentials, freeCredentials } from './credentials.ts';
import type { Cgroup } from './cgroups.ts';
import type { Credentials } from './credentials.ts';
import type { Namespaces } from './namespaces.ts';
import { DEFAULT_PRIORITY, KERNEL_STACK_SIZE, TASK, TASK_RUNNING, Task } from './task.ts';

const PID = structFields('pid', { count: 'count', level: 'level', nr: 'numbers.0.nr' });

/** What the threads of a process share. */
export interface Process extends KernelObject {
  mm: AddressSpace;
  readonly files: FileTable;
  image: Image;
  /** mm->exe_file: what execve() opened; null for those that ran already when the machine was looked at first. */
  exeFile: File | null;
  /** User memory for short-lived arguments. */
  scratch: number;
  childBody: ((u: UserContext) => UserBody) | null;
  execArguments: readonly string[];
  /** What its program was started with. */
  argv: readonly string[];
  /** Stacks of threads that have ended. */
  readonly freeStacks: number[];
  /** Memory that the program's threads share by name. */
  readonly buffers: Map<string, number>;
  /** What malloc has, and chunks of it that are mappings of their own, with their sizes. */
  readonly heap: UserHeap;
  readonly largeChunks: Map<number, number>;
  /** Those that live, the leader first. */
  readonly threads: Task[];
  /** What the program does about signals; null ignores one, and without an entry the default happens. */
  readonly signalHandlers: Map<number, SignalHandler | null>;
}
/** A signal handler of a program. */
export type SignalHandler = (u: UserContext, signal: number) => UserBody;

/** struct pid. */
export interface Pid extends KernelObject {
  readonly number: number;
}

/** All idle tasks have it; no table lists them. */
const IDLE_PID = 0;

export const retFromForkAsm: TextSymbol = declareText('ret_from_fork_asm', { traceable: false, site: 0x1a });

/** Allocates and fills a task_struct with its kernel stack. */
export function createTask(
  m: Machine,
  fields: {
    pid: number;
    tgid?: number;
    comm: string;
    parent: Task | null;
    uid?: number;
    gid?: number;
    flags?: number;
    prio?: number;
    /** A thread of this task's process. */
    leader?: Task;
    /** What it inherits; without it uid and gid say. */
    cred?: Credentials;
    /** Its parent's when absent. */
    cgroup?: Cgroup;
    namespaces?: Namespaces;
    /** Made by fork(2), which takes it into the group later. */
    isForked?: boolean;
  },
): Task {
  const { arena, words } = m;
  const address = arena.allocate(TASK.size, 64);
  const stack = arena.allocate(KERNEL_STACK_SIZE, KERNEL_STACK_SIZE);
  const { leader } = fields;
  const tgid = leader?.tgid ?? fields.tgid ?? fields.pid;
  const task = new Task({ address, pid: fields.pid, tgid, comm: '', stack, fn: retFromForkAsm });
  task.flags = fields.flags ?? 0;
  task.prio = fields.prio ?? DEFAULT_PRIORITY;
  task.parent = fields.parent;
  if (leader === undefined) fields.parent?.children.push(task);
  const put = (offset: number, value: number): void => {
    words[(address + offset) >> 2] = value;
  };
  put(TASK.pid, fields.pid);
  put(TASK.tgid, tgid);
  put(TASK.flags, task.flags);
  put(TASK.prio, task.prio);
  put(TASK.staticPrio, task.prio);
  put(TASK.normalPrio, task.prio);
  put(TASK.usage, task.references);
  storeWord(words, address + TASK.stack, { address: stack });
  storeWord(words, address + TASK.realParent, fields.parent ?? task);
  storeWord(words, address + TASK.parent, fields.parent ?? task);
  storeWord(words, address + TASK.groupLeader, leader ?? task);
  setNamespaces(m, task, fields.namespaces ?? leader?.namespaces ?? fields.parent?.namespaces ?? m.namespaces);
  storeNumber(words, address + TASK.startTime, m.now());
  storeNumber(words, address + TASK.startBoottime, m.now());
  setComm(m, task, fields.comm);
  const cred = fields.cred;
  setCredentials(
    m,
    task,
    cred === undefined ? createCredentials(m, fields.uid ?? 0, fields.gid ?? 0) : copyCredentials(m, cred),
  );
  const pid = arena.allocate(PID.size + 16);
  words[(pid + PID.count) >> 2] = 1;
  words[(pid + PID.nr) >> 2] = fields.pid;
  task.pidObject = { address: pid, number: fields.pid };
  storeWord(words, address + TASK.threadPid, task.pidObject);
  const regs = task.stackTop - m.abi.registersBytes;
  task.userRegs = { address: regs };
  task.sp = regs;
  task.fp = regs | 1;
  giveDirectory(m, task);
  m.cgroups.assign(task, fields.cgroup ?? leader?.cgroup ?? fields.parent?.cgroup ?? m.cgroups.root);
  if (fields.pid !== IDLE_PID && fields.isForked !== true) m.cgroups.enter(task);
  if (fields.pid !== IDLE_PID) {
    m.tasks.set(fields.pid, task);
    countFork(m);
    if (tgid === fields.pid) countProcess(m, 1);
  }
  return task;
}

function setNamespaces(m: Machine, task: Task, namespaces: Namespaces): void {
  task.namespaces = namespaces;
  storeWord(m.words, task.address + TASK.nsproxy, namespaces.nsproxy);
}

/** copy_fs(): the parent's root and working directory, or the root of the tree. */
export function giveDirectory(m: Machine, task: Task): void {
  const { fileSystem } = m as Partial<Machine>;
  if (fileSystem === undefined) return;
  const root = { mount: fileSystem.root, dentry: fileSystem.root.root };
  const from = task.parent?.fs ?? { ...root, root };
  task.fs = new FsStruct(m, from.mount, from.dentry);
  task.fs.setRoot(from.root.mount, from.root.dentry);
  storeWord(m.words, task.address + TASK.fs, task.fs);
}

export function setComm(m: Machine, task: Task, comm: string): void {
  task.comm = comm.slice(0, 15);
  task.version += 1;
  storeText(m.arena.bytes, task.address + TASK.comm, task.comm, 16);
}

/** commit_creds()'s assignment: each task has its own cred object. */
export function setCredentials(m: Machine, task: Task, cred: Credentials): void {
  task.cred = cred;
  task.uid = cred.users.real;
  task.gid = cred.groups.real;
  task.version += 1;
  storeWord(m.words, task.address + TASK.cred, cred);
  storeWord(m.words, task.address + TASK.realCred, cred);
}

export function createProcess(m: Machine, task: Task, image: Image): Process {
  const mm = new AddressSpace(m.arena, m.imageTexts, image, [LIBC, ...(image.libraries ?? [])]);
  m.uprobes.mapped(mm);
  const files = new FileTable(m);
  const process: Process = {
    address: mm.address,
    mm,
    files,
    image,
    exeFile: null,
    scratch: mm.allocate(64),
    childBody: null,
    execArguments: [],
    argv: [image.path],
    freeStacks: [],
    buffers: new Map(),
    heap: new UserHeap((bytes) => mm.allocate(bytes)),
    largeChunks: new Map(),
    threads: [],
    signalHandlers: new Map(),
  };
  attachProcess(m, task, process);
  return process;
}

/** Makes a task one of those that share a process. */
export function attachProcess(m: Machine, task: Task, process: Process): void {
  task.process = process;
  process.threads.push(task);
  storeWord(m.words, task.address + TASK.mm, process.mm);
  storeWord(m.words, task.address + TASK.activeMm, process.mm);
  storeWord(m.words, task.address + TASK.files, process.files);
}

/** Gives a task a program to run in user mode. */
export function setProgram(m: Machine, task: Task, process: Process, body: (u: UserContext) => UserBody): void {
  const user = new UserContext(m, task, process, process.image);
  task.user = user;
  task.program = body(user);
}

/** Its number leads nowhere from now on. */
export function forgetTask(m: Machine, task: Task): void {
  const wasKnown = m.tasks.delete(task.pid);
  if (wasKnown && task.pid === task.tgid) countProcess(m, -1);
  storeThreadCount(m);
}

/** Frees what a dead task held, once nobody can look at it any more. */
export function releaseTask(m: Machine, task: Task): void {
  const { arena } = m;
  forgetTask(m, task);
  arena.free(task.stack, KERNEL_STACK_SIZE);
  for (const freed of m.taskOwners) freed(task.address);
  arena.free(task.address, TASK.size);
  m.cgroups.drop(task.cgroup);
  task.freeOwned(m);
  task.fs?.release();
  if (task.cred !== null) freeCredentials(m, task.cred);
  if (task.pidObject !== null) arena.free(task.pidObject.address, PID.size + 16);
}

/** Puts a task on a run queue before anything runs. */
export function enqueueAtBoot(m: Machine, task: Task, cpu: number): void {
  task.cpu = cpu;
  task.state = TASK_RUNNING;
  const on = m.cpuList[cpu]!;
  on.runQueue.add(task);
  storeWord(m.words, task.address + TASK.cfsRq, on.runQueue.cfs);
  on.needResched = true;
}
