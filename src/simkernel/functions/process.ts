import { callRcu, putTask } from './rcu.ts';
import { cgroupPostFork } from './cgroup.ts';
import { kernelFunction, sleepingFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { loadText } from '../memory/arena.ts';
import type { File } from '../fs/file.ts';
import {
  attachProcess,
  createProcess,
  createTask,
  forgetTask,
  retFromForkAsm,
  setComm,
  setProgram,
} from '../tasks/process.ts';
import type { Pid, SignalHandler } from '../tasks/process.ts';
import {
  DEFAULT_PRIORITY,
  EXIT_DEAD,
  EXIT_ZOMBIE,
  PF_EXITING,
  PF_KTHREAD,
  TASK,
  TASK_DEAD,
  TASK_INTERRUPTIBLE,
  TASK_NEW,
  TASK_RUNNING,
} from '../tasks/task.ts';
import type { AddressSpace } from '../tasks/address-space.ts';
import type { Task } from '../tasks/task.ts';
import {
  schedProcessExec,
  schedProcessExit,
  schedProcessFork,
  schedProcessFree,
  schedProcessWait,
  taskNewtask,
} from '../tracepoints/sched.ts';
import { signalDeliver } from '../tracepoints/signal.ts';
import { finishTaskSwitch, schedule, setTaskState, tryToWakeUp, wakeUpNewTask, wakeUpProcess } from './sched.ts';
import { doSendSigInfo } from './signal.ts';
import { exitMmap } from './mmap.ts';
import { systemCall } from './syscall-entry.ts';
import { hrtimerNanosleep, HRTIMER_MODE_REL } from './timer.ts';
import { getUserLong } from './user-access.ts';
import { filpClose } from './vfs.ts';
import { executableAt } from '../programs/executables.ts';
import { EACCES, ECHILD, EFAULT, ENOENT, ENOEXEC } from '../errno.ts';

const PATH_MAX = 4096;
const NUMA_NO_NODE = -1;

const scheduleTail = kernelFunction('schedule_tail', 20, (m, prev: Task): void => finishTaskSwitch(m, prev));
/** Where a new task starts; a kernel thread stays in it. */
const retFromFork = kernelFunction(
  'ret_from_fork',
  12,
  (m, prev: Task, start: KernelObject & { readonly run: () => Result }): Result => {
    scheduleTail(m, prev);
    return start.run();
  },
);

/** The state of a task that has never run: its first switch goes through ret_from_fork. */
export function startAt(task: Task, m: Machine, body: () => Result): void {
  task.pending = new Pending().then(() => retFromFork(m, m.cpu.previous, { address: task.address, run: body }));
  task.fn = retFromForkAsm;
}

/** mm/mmap.c: the child gets its parent's mappings; of the pages only the entries are copied, write-protected on both sides. */
const dupMmap = kernelFunction('dup_mmap', 2_000, (m, mm: AddressSpace, oldmm: AddressSpace): number => {
  m.spend(mm.copyFrom(oldmm) * COPY_ENTRY_NS);
  return 0;
});
const COPY_ENTRY_NS = 25;

const copyProcess = kernelFunction(
  'copy_process',
  38_000,
  (m, _pid: KernelObject | null, _trace: number, _node: number, args: CloneArguments): Task => {
    const creator = m.cpu.current;
    const { process } = creator;
    const isThread = (args.flags & CLONE_THREAD) !== 0 && process !== null;
    const leader = isThread ? process.threads[0] : undefined;
    const child = createTask(m, {
      pid: (m.lastPid += 1),
      comm: creator.comm,
      parent: isThread ? creator.parent : creator,
      prio: creator.prio,
      cgroup: creator.cgroup,
      isForked: true,
      ...(creator.cred === null ? {} : { cred: creator.cred }),
      ...(leader === undefined ? {} : { leader }),
    });
    if (isThread) {
      attachProcess(m, child, process);
      const body = process.childBody;
      process.childBody = null;
      if (body !== null) setProgram(m, child, process, body);
    } else if (process !== null) {
      const copy = createProcess(m, child, process.image);
      dupMmap(m, copy.mm, process.mm);
      copy.scratch = process.scratch;
      for (const [signal, handler] of process.signalHandlers) copy.signalHandlers.set(signal, handler);
      process.files.files.forEach((file, fd) => {
        if (file === null) return;
        file.references += 1;
        copy.files.install(fd, file);
      });
      const body = process.childBody;
      process.childBody = null;
      if (body !== null) setProgram(m, child, copy, body);
    }
    cgroupPostFork(m, child, args);
    child.cpu = creator.cpu;
    child.state = TASK_NEW;
    startAt(child, m, () => 0);
    return child;
  },
);

/** struct kernel_clone_args. */
interface CloneArguments extends KernelObject {
  readonly flags: number;
}
const CLONE_VM = 0x100;
const CLONE_VFORK = 0x4000;
const CLONE_THREAD = 0x10000;
const SIGCHLD = 17;
const SIGKILL = 9;

const kernelClone = kernelFunction('kernel_clone', 60, (m, args: CloneArguments): number => {
  const child = copyProcess(m, null, 0, NUMA_NO_NODE, args);
  taskNewtask(m, child, args.flags);
  schedProcessFork(m, m.cpu.current, child);
  wakeUpNewTask(m, child);
  return child.pid;
});
systemCall('clone', 20, (m, flags) => kernelClone(m, { address: m.scratch, flags }));
systemCall('clone3', 25, (m, args) => {
  const flags = getUserLong(m, args);
  return flags === undefined ? -EFAULT : kernelClone(m, { address: m.scratch, flags });
});
systemCall('fork', 20, (m) => kernelClone(m, { address: m.scratch, flags: SIGCHLD }));
systemCall('vfork', 20, (m) => kernelClone(m, { address: m.scratch, flags: CLONE_VFORK | CLONE_VM | SIGCHLD }));

const beginNewExec = kernelFunction('begin_new_exec', 24_000, (m, bprm: Binary): number => {
  setComm(m, m.cpu.current, bprm.path.slice(bprm.path.lastIndexOf('/') + 1));
  return 0;
});
const loadElfBinary = kernelFunction('load_elf_binary', 65_000, (m, bprm: Binary): number => {
  beginNewExec(m, bprm);
  return 0;
});
/** struct linux_binprm. */
interface Binary extends KernelObject {
  readonly path: string;
}
const bprmExecve = kernelFunction('bprm_execve', 12_000, (m, bprm: Binary): number => {
  const task = m.cpu.current;
  const { process } = task;
  const image = executableAt(m, bprm.path);
  if (process === null || image === undefined) return m.fileSystem.find(bprm.path) === undefined ? -ENOENT : -EACCES;
  // No loader takes it: a library, or a program for another CPU.
  if (image.main === null) return -ENOEXEC;
  const loaded = loadElfBinary(m, bprm);
  if (loaded < 0) return loaded;
  const argv = process.execArguments;
  const old = process.mm;
  exitMmap(m, old);
  const fresh = createProcess(m, task, image);
  process.files.files.forEach((file, fd) => fresh.files.install(fd, file));
  callRcu(m, () => {
    old.release();
    process.files.release();
  });
  setProgram(m, task, fresh, (u) => u.run(argv));
  schedProcessExec(m, task, task.pid, bprm);
  return 0;
});
const doExecveatCommon = kernelFunction(
  'do_execveat_common',
  4_000,
  (m, _fd: number, filename: number, _argv: number, _envp: number): number => {
    const { process } = m.cpu.current;
    const from = process?.mm.find(filename, 1) ?? -1;
    if (from < 0) return -EFAULT;
    return bprmExecve(m, { address: m.scratch, path: loadText(m.arena.bytes, from, PATH_MAX) });
  },
);
systemCall('execve', 25, (m, filename, argv, envp) => doExecveatCommon(m, 0, filename, argv, envp));

const exitFiles = kernelFunction('exit_files', 300, (m, tsk: Task): void => {
  const { process } = tsk;
  process?.files.files.forEach((file: File | null, fd) => {
    if (file === null) return;
    process.files.install(fd, null);
    filpClose(m, file, null);
  });
});
const exitMm = kernelFunction('mmput', 18_000, (m, mm: KernelObject): void => {
  const { process } = m.cpu.current;
  if (process !== null && mm === process.mm) {
    exitMmap(m, process.mm);
    callRcu(m, () => {
      process.mm.release();
      process.files.release();
    });
  }
});

/** The parent learns of it: wakes a waiting one, or reaps what nobody waits for. */
const exitNotify = kernelFunction('exit_notify', 700, (m, tsk: Task, _groupDead: number): void => {
  const { parent } = tsk;
  const init = m.tasks.get(1) ?? null;
  for (const child of tsk.children) {
    child.parent = init;
    init?.children.push(child);
  }
  tsk.exitState = EXIT_ZOMBIE;
  m.words[(tsk.address + TASK.exitState) >> 2] = EXIT_ZOMBIE;
  // A thread is nobody's child: it goes by itself.
  if (tsk.pid !== tsk.tgid) {
    releaseTaskFunction(m, tsk);
    return;
  }
  if (parent !== null && parent.process?.signalHandlers.has(SIGCHLD) === true)
    doSendSigInfo(m, SIGCHLD, null, parent, 1);
  if (parent !== null && parent.waitsForChild) wakeUpProcess(m, parent);
  else if (parent === null || parent.pid <= 2) reap(m, tsk);
});
function reap(m: Machine, task: Task): void {
  const at = task.parent?.children.indexOf(task) ?? -1;
  if (at >= 0) task.parent?.children.splice(at, 1);
  releaseTaskFunction(m, task);
}
const releaseTaskFunction = kernelFunction('release_task', 900, (m, p: Task): void => {
  p.exitState = EXIT_DEAD;
  forgetTask(m, p);
  callRcu(m, () => {
    schedProcessFree(m, p);
    putTask(m, p);
  });
});

const doExit = kernelFunction('do_exit', 1500, (m, code: number): Result => {
  const task = m.cpu.current;
  const { process } = task;
  const threads = process?.threads ?? [];
  if (threads.includes(task)) threads.splice(threads.indexOf(task), 1);
  const isLast = threads.length === 0;
  if (!isLast && task.user !== null && task.user.threadStack !== 0) process?.freeStacks.push(task.user.threadStack);
  task.flags |= PF_EXITING;
  m.words[(task.address + TASK.flags) >> 2] = task.flags;
  task.exitCode = code;
  m.words[(task.address + TASK.exitCode) >> 2] = code;
  schedProcessExit(m, task, isLast ? 1 : 0);
  if (isLast) {
    exitFiles(m, task);
    if (process !== null) exitMm(m, process.mm);
  }
  exitNotify(m, task, isLast ? 1 : 0);
  return doTaskDead(m);
});
/** The end of a task that an oops caught. */
export const makeTaskDead = kernelFunction('make_task_dead', 60, (m, signr: number): Result => doExit(m, signr));
const doTaskDead = kernelFunction('do_task_dead', 20, (m): Result => {
  setTaskState(m, m.cpu.current, TASK_DEAD);
  return schedule(m);
});
/** The threads of a process go together. */
const doGroupExit = kernelFunction('do_group_exit', 200, (m, code: number): Result => {
  const task = m.cpu.current;
  for (const other of task.process?.threads ?? []) {
    if (other === task || other.pendingSignal === SIGKILL) continue;
    other.pendingSignal = SIGKILL;
    tryToWakeUp(m, other, TASK_INTERRUPTIBLE, 0);
  }
  return doExit(m, code);
});
/** A signal, seen on the way to user mode: its handler runs, or the task leaves and does not come back. */
export const getSignal = kernelFunction('get_signal', 120, (m, _ksig: KernelObject): Result => {
  const task = m.cpu.current;
  const signal = task.pendingSignal;
  task.pendingSignal = task.signalQueue.shift() ?? 0;
  const handler = task.process?.signalHandlers.get(signal) ?? null;
  signalDeliver(m, signal, null, handler === null ? 0 : HANDLER_ADDRESS);
  if (handler === null || task.user === null) return doGroupExit(m, signal);
  runHandler(m, task, signal, handler);
  return 0;
});
/** Where a handler is shown to be: no image gives it a symbol. */
const HANDLER_ADDRESS = 0x5555_5555_5200;
/** setup_rt_frame(): what was interrupted waits below the handler's frame until rt_sigreturn. */
function runHandler(m: Machine, task: Task, signal: number, handler: SignalHandler): void {
  const user = task.user!;
  m.spend(SIGNAL_FRAME_NS);
  task.interrupted.push({
    program: task.program,
    detour: user.detour,
    result: task.result,
    workLeft: task.workLeft,
  });
  user.detour = null;
  task.workLeft = 0;
  task.program = (function* () {
    yield* handler(user, signal);
    yield user.call('rt_sigreturn');
    return 0;
  })();
}
const SIGNAL_FRAME_NS = 350;
systemCall('rt_sigreturn', 60, (m) => {
  const task = m.cpu.current;
  const before = task.interrupted.pop();
  if (before === undefined || task.user === null) return -EFAULT;
  task.program = before.program;
  task.user.detour = before.detour;
  task.workLeft = before.workLeft;
  return before.result;
});
systemCall('exit_group', 15, (m, code) => doGroupExit(m, (code & 0xff) << 8));
systemCall('exit', 15, (m, code) => doExit(m, (code & 0xff) << 8));

const doWait = sleepingFunction('do_wait', 90, function* (m, wo: WaitOptions) {
  const task = m.cpu.current;
  schedProcessWait(m, wo.pid);
  for (;;) {
    const mine = task.children.filter((child) => wo.pid === null || child.pid === wo.pid.number);
    if (mine.length === 0) return -ECHILD;
    const dead = mine.find((child) => child.exitState === EXIT_ZOMBIE);
    if (dead !== undefined) {
      const { pid } = dead;
      reap(m, dead);
      return pid;
    }
    task.waitsForChild = true;
    setTaskState(m, task, TASK_INTERRUPTIBLE);
    const slept = schedule(m);
    if (slept instanceof Pending) yield slept;
    setTaskState(m, task, TASK_RUNNING);
    task.waitsForChild = false;
  }
});
/** struct wait_opts. */
interface WaitOptions extends KernelObject {
  readonly pid: Pid | null;
}
const kernelWait4 = kernelFunction(
  'kernel_wait4',
  40,
  (m, upid: number, _stat: number, _options: number, _rusage: KernelObject | null): Result => {
    const pid = upid > 0 ? (m.tasks.get(upid)?.pidObject ?? null) : null;
    if (upid > 0 && pid === null) return -ECHILD;
    return doWait(m, { address: m.scratch, pid });
  },
);
systemCall('wait4', 15, (m, upid, stat, options) => kernelWait4(m, upid, stat, options, null));

systemCall('getpid', 12, (m) => m.cpu.current.tgid);
systemCall('gettid', 12, (m) => m.cpu.current.pid);
systemCall('getppid', 14, (m) => m.cpu.current.parent?.tgid ?? 0);
systemCall('getuid', 12, (m) => m.cpu.current.uid);
systemCall('geteuid', 12, (m) => m.cpu.current.cred?.users.effective ?? 0);
systemCall('getegid', 12, (m) => m.cpu.current.cred?.groups.effective ?? 0);
systemCall('getgid', 12, (m) => m.cpu.current.gid);
systemCall('sched_yield', 60, (m) => schedule(m));

function readTimespec(m: Machine, address: number): number {
  const at = m.cpu.current.process?.mm.find(address, 16) ?? -1;
  if (at < 0) return -1;
  const { view } = m.arena;
  return view.getUint32(at, true) * 1e9 + view.getUint32(at + 8, true);
}
const commonNsleep = kernelFunction('common_nsleep', 14, (m, clock: number, _flags: number, ns: number): Result =>
  hrtimerNanosleep(m, ns, HRTIMER_MODE_REL, clock),
);
systemCall('nanosleep', 35, (m, rqtp) => {
  const ns = readTimespec(m, rqtp);
  return ns < 0 ? -EFAULT : hrtimerNanosleep(m, ns, HRTIMER_MODE_REL, 1);
});
systemCall('clock_nanosleep', 35, (m, clock, flags, rqtp) => {
  const ns = readTimespec(m, rqtp);
  return ns < 0 ? -EFAULT : commonNsleep(m, clock, flags, ns);
});

/** A kernel thread's life: `kthread` calls its function, and the thread ends with it. */
const kthread = kernelFunction(
  'kthread',
  30,
  (m, create: KernelObject & { readonly run: (m: Machine) => Result }): Result => {
    const left = create.run(m);
    return left instanceof Pending ? left.then(() => doExit(m, 0)) : doExit(m, 0);
  },
);

export function createKthread(
  m: Machine,
  comm: string,
  pid: number,
  boundTo: number | null,
  run: (m: Machine) => Result,
  prio = DEFAULT_PRIORITY,
): Task {
  const task = createTask(m, { pid, comm, parent: m.tasks.get(2) ?? null, flags: PF_KTHREAD, prio });
  task.boundTo = boundTo;
  task.cpu = boundTo ?? 0;
  startAt(task, m, () => kthread(m, { address: task.address, run }));
  return task;
}
