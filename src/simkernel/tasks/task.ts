import type { Plug } from '../block/plug.ts';
import type { Bio } from '../block/request.ts';
import type { Pending } from '../execution/pending.ts';
import type { HandOver } from '../execution/hand-over.ts';
import type { TextSymbol } from '../execution/text.ts';
import type { HrTimer } from '../irq/hrtimer.ts';
import type { TransferScratch } from '../fs/file.ts';
import type { FsStruct } from '../fs/fs-struct.ts';
import type { Walk } from '../functions/fs/path-walk.ts';
import type { UserContext } from '../programs/user.ts';
import type { UprobeTask } from '../functions/kernel/uprobes.ts';
import type { Cgroup } from './cgroups.ts';
import type { Namespaces } from './namespaces.ts';
import type { Credentials } from './credentials.ts';
import type { Pid, Process } from './process.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';

/** include/linux/sched.h */
export const TASK_RUNNING = 0;
export const TASK_INTERRUPTIBLE = 1;
export const TASK_UNINTERRUPTIBLE = 2;
export const TASK_DEAD = 0x80;
export const TASK_WAKING = 0x200;
export const TASK_NEW = 0x800;
export const TASK_NORMAL = TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE;
export const TASK_IDLE = 0x402;
export const EXIT_DEAD = 0x10;
export const EXIT_ZOMBIE = 0x20;
export const PF_IDLE = 0x2;
export const PF_EXITING = 0x4;
export const PF_KTHREAD = 0x200000;

/** Indexes of Task.times. */
export const TASK_UTIME = 0;
export const TASK_STIME = 1;

export const KERNEL_STACK_SIZE = 16384;
export const DEFAULT_PRIORITY = 120;

export const TASK = structFields('task_struct', {
  state: '__state',
  stack: 'stack',
  usage: 'usage',
  flags: 'flags',
  onCpu: 'on_cpu',
  prio: 'prio',
  staticPrio: 'static_prio',
  normalPrio: 'normal_prio',
  vruntime: 'se.vruntime',
  sumExecRuntime: 'se.sum_exec_runtime',
  cfsRq: 'se.cfs_rq',
  mm: 'mm',
  activeMm: 'active_mm',
  exitState: 'exit_state',
  exitCode: 'exit_code',
  pid: 'pid',
  tgid: 'tgid',
  realParent: 'real_parent',
  parent: 'parent',
  groupLeader: 'group_leader',
  threadPid: 'thread_pid',
  utime: 'utime',
  stime: 'stime',
  nvcsw: 'nvcsw',
  nivcsw: 'nivcsw',
  minorFaults: 'min_flt',
  majorFaults: 'maj_flt',
  startTime: 'start_time',
  startBoottime: 'start_boottime',
  realCred: 'real_cred',
  cred: 'cred',
  comm: 'comm',
  fs: 'fs',
  files: 'files',
  nsproxy: 'nsproxy',
  signal: 'signal',
  cgroups: 'cgroups',
  cpu: 'thread_info.cpu',
  recentCpu: 'recent_used_cpu',
  threadSp: 'thread.sp',
});

/** What a user program asks for next; see programs/user.ts. */
export interface UserProgram {
  next(result: number): { done?: boolean; value: unknown };
}

/** Where a program goes on after a signal handler: the frame on the user stack that rt_sigreturn takes away. */
export interface InterruptedProgram {
  readonly program: UserProgram | null;
  readonly detour: UserContext['detour'];
  readonly result: number;
  readonly workLeft: number;
}

/** A task_struct and what the machine needs to run it. Whoever changes a field that guest memory shows writes both. */
export class Task implements KernelObject, HandOver {
  readonly address: number;
  readonly pid: number;
  readonly tgid: number;
  comm: string;
  /** Counts changes of comm and credentials, so that the tracer's copy is refreshed. */
  version = 0;
  uid = 0;
  gid = 0;
  /** Lowest byte of the kernel stack. */
  readonly stack: number;
  flags = 0;
  state = TASK_RUNNING;
  prio = DEFAULT_PRIORITY;
  onRunQueue = false;
  /** Only this CPU when set (per-CPU kernel threads). */
  boundTo: number | null = null;
  cpu = 0;
  vruntime = 0;
  sumExecRuntime = 0;
  /** Task clock of its CPU when its runtime was last brought up to date. */
  execStart = 0;
  /** Nanoseconds in user mode and in the kernel. */
  readonly times = new Float64Array(2);
  /** The same of children that it has waited for, and of theirs (cutime, cstime). */
  readonly childTimes = new Float64Array(2);
  /** Sleeps in io_schedule(). */
  inIoWait = false;
  enqueuedAt = 0;
  /** When its CPU last switched away from it, or another one woke it or sent it a signal. */
  leftAt = 0;
  /** For timed sleeps; made at the first one. */
  sleepTimer: HrTimer | null = null;
  voluntarySwitches = 0;
  involuntary = 0;
  /** sum_exec_runtime when it was last picked, to measure its slice. */
  sliceStart = 0;

  /** Continuation of a task that does not run: where it sleeps or was switched out. */
  pending: Pending | null = null;
  /** Saved at a switch. */
  sp = 0;
  fp = 0;
  fn: TextSymbol;

  /** User side: null for kernel threads. */
  program: UserProgram | null = null;
  process: Process | null = null;
  user: UserContext | null = null;
  /** pt_regs at the top of the kernel stack. */
  userRegs: KernelObject = { address: 0 };
  cred: Credentials | null = null;
  /** From createTask() on; a dead task keeps its group's name. */
  cgroup!: Cgroup;
  namespaces!: Namespaces;
  pidObject: Pid | null = null;
  /** Runs before the task goes back to user mode (task_work_add). */
  taskWork: (() => void) | null = null;
  waitsForChild = false;
  /** The next signal that it has not seen yet, and those behind it. */
  pendingSignal = 0;
  readonly signalQueue: number[] = [];
  /** What signal handlers have interrupted, innermost last. */
  readonly interrupted: InterruptedProgram[] = [];
  /** Its parent's, until it is reaped, and that of the CPU, until it has switched away for good. */
  references = 2;
  transfer: TransferScratch | null = null;
  /** Requests that it gathers for its disks; made at its first plug. */
  plug: Plug | null = null;
  /** Bios for the disks below a stacked one, while its driver runs. */
  bioList: Bio[] | null = null;
  /** The path walk under way. */
  nameidata: Walk | null = null;
  /** Working directory; null for tasks that were made before there were files. */
  fs: FsStruct | null = null;
  /** User-mode work left when it was interrupted or preempted. */
  workLeft = 0;
  /** Result of the last system call. */
  result = 0;
  syscall = 0;
  readonly args = new Float64Array(6);
  parent: Task | null = null;
  readonly children: Task[] = [];
  exitCode = 0;
  exitState = 0;
  /** What uprobes have under way in this task. */
  uprobes: UprobeTask | null = null;
  /** Return addresses that kretprobes took from the stack, innermost last. */
  readonly rethooks: { readonly slot: number; readonly low: number }[] = [];

  constructor(parts: { address: number; pid: number; tgid: number; comm: string; stack: number; fn: TextSymbol }) {
    this.address = parts.address;
    this.pid = parts.pid;
    this.tgid = parts.tgid;
    this.comm = parts.comm;
    this.stack = parts.stack;
    this.fn = parts.fn;
  }
  /** Memory that goes with it: of objects that stand for what the kernel has on the task's stack. */
  private readonly owned: { readonly address: number; readonly size: number }[] = [];
  allocate(m: Pick<Machine, 'arena'>, size: number): number {
    const address = m.arena.allocate(size);
    this.owned.push({ address, size });
    return address;
  }
  freeOwned(m: Pick<Machine, 'arena'>): void {
    for (const { address, size } of this.owned.splice(0)) m.arena.free(address, size);
  }
  get stackTop(): number {
    return this.stack + KERNEL_STACK_SIZE;
  }
}
