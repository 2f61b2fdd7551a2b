import { EFAULT } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import type { AddressSpace } from '../../tasks/address-space.ts';
import { attachProcess, createProcess, createTask, retFromForkAsm, setProgram } from '../../tasks/process.ts';
import { TASK_NEW } from '../../tasks/task.ts';
import type { Task } from '../../tasks/task.ts';
import { schedProcessFork, taskNewtask } from '../../tracepoints/sched.ts';
import { cgroupPostFork } from './cgroup.ts';
import { finishTaskSwitch, wakeUpNewTask } from './sched.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { getUserLong } from '../x86/user-access.ts';
import { NUMA_NO_NODE } from '../../memory/zone.ts';
import { SIGCHLD } from '../../tasks/signals.ts';

/* kernel/fork.c */

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
      copy.argv = process.argv;
      copy.heap.copyFrom(process.heap);
      for (const [at, size] of process.largeChunks) copy.largeChunks.set(at, size);
      copy.exeFile = process.exeFile;
      if (copy.exeFile !== null) copy.exeFile.references += 1;
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
