import './functions/fs/access.ts';
import './functions/fs/aio.ts';
import './functions/fs/ioctl.ts';
import './functions/mm/mmap.ts';
import './functions/fs/mount.ts';
import './functions/fs/names.ts';
import './functions/fs/readdir.ts';
import './functions/fs/stat.ts';
import './functions/fs/symlink.ts';
import './functions/fs/sync.ts';
import { Cpu } from './cpu/cpu.ts';
import { PER_CPU, createPerCpuArea } from './cpu/per-cpu.ts';
import {
  EXCEPTION_STACK_SIZE,
  INTERRUPT_GATE,
  IDT_SIZE,
  IST,
  lidt,
  setGate,
  setInterruptStack,
  setKernelStack,
  TSS_SIZE,
  VECTORS,
} from './cpu/descriptor-tables.ts';
import { pushFrame } from './execution/kernel-function.ts';
import { Pending } from './execution/pending.ts';
import { declareText } from './execution/text.ts';
import { createNvme } from './devices/nvme.ts';
import { FileSystem } from './fs/file-system.ts';
import { EXCEPTIONS } from './functions/x86/exceptions.ts';
import { EXT4 } from './functions/fs/ext4.ts';
import { startJournal } from './functions/fs/jbd2.ts';
import { cpuStartupEntry } from './functions/x86/idle.ts';
import { deviceEntry, irqEntriesStart } from './functions/x86/irq-entry.ts';
import { createPtmx } from './functions/drivers/tty.ts';
import { KMSG_FILES } from './functions/kernel/kmsg.ts';
import { NULL_FILES } from './functions/drivers/memory-devices.ts';
import { OVERLAY } from './functions/fs/overlayfs.ts';
import { PROC } from './functions/fs/proc.ts';
import { storeSystemCallTable } from './functions/x86/syscall-table.ts';
import { tickNohzHandler } from './functions/kernel/timer.ts';
import { SYSTEM_VECTORS } from './functions/x86/system-vectors.ts';
import { createKsoftirqd } from './functions/kernel/ksoftirqd.ts';
import { createWorkqueues } from './functions/kernel/workqueue.ts';
import { startFlusher } from './functions/mm/writeback.ts';
import { XFS } from './functions/fs/xfs.ts';
import { createKswapd } from './functions/mm/vmscan.ts';
import { createHrTimer } from './irq/hrtimer.ts';
// These only declare: system calls, and what takes packets of a protocol.
import './functions/kernel/cred.ts';
import './functions/fs/dup.ts';
import './functions/fs/eventfd.ts';
import './functions/fs/eventpoll.ts';
import './functions/fs/exec.ts';
import './functions/kernel/futex.ts';
import './functions/kernel/module.ts';
import './functions/kernel/nanosleep.ts';
import './functions/net/icmp.ts';
import './functions/net/ip-input.ts';
import './functions/fs/pipe.ts';
import './functions/kernel/process-info.ts';
import './functions/fs/chmod.ts';
import './functions/kernel/sched-policy.ts';
import './functions/fs/select.ts';
import './functions/net/socket.ts';
import './functions/net/tcp-receive.ts';
import type { Machine } from './machine.ts';
import { addressLow, storeWord } from './memory/arena.ts';
import { startLoadAverage } from './memory/kernel-data.ts';
import { addProcFiles } from './fs/proc/files.ts';
import { addProcesses } from './fs/proc/processes.ts';
import { addSysFiles } from './tracefs/mount.ts';
import { RQ, RunQueue } from './tasks/run-queue.ts';
import { LIBC } from './programs/libc.ts';
import { PROGRAM_INTERPRETER } from './programs/libraries.ts';
import { createTask } from './tasks/process.ts';
import type { Task } from './tasks/task.ts';
import { KERNEL_STACK_SIZE, PF_IDLE, PF_KTHREAD } from './tasks/task.ts';
import { registerKprobeOptimizer } from './functions/x86/optimized-kprobe.ts';

const IRQ_STACK_SIZE = 16384;
/** Where the dynamic linker lies. */
const LINKER = '/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2';
const LINKER_BYTES = 236_616;
/** What the loader of every program opens. */
const LIBRARY_CACHE = '/etc/ld.so.cache';
const LIBRARY_CACHE_BYTES = 38_475;
const LIBC_BYTES = 2_003_408;
/** Since Debian 12 these are links to their namesakes in /usr. */
const MERGED_INTO_USR = ['bin', 'lib', 'lib64', 'sbin'];
const IRQ_STUB_SIZE = 16;
/** Somebody has logged in as root to trace. */
const TRACER_SESSION = '/user.slice/user-0.slice/session-2.scope';
const CPUHP_AP_ONLINE_IDLE = 148;
/** How the idle tasks came to be: the boot CPU's is what start_kernel became, the others were started by it. */
const commonStartup64 = declareText('common_startup_64', { traceable: false, site: 0x13e });
const startSecondary = declareText('start_secondary', { traceable: false, site: 0x119 });
const BOOT_CPU_PATH = [
  declareText('x86_64_start_kernel', { traceable: false, site: 0x14a }),
  declareText('x86_64_start_reservations', { traceable: false, site: 0x24 }),
  declareText('start_kernel', { traceable: false, site: 0x6e5 }),
  declareText('rest_init', { traceable: false, site: 0xcb }),
] as const;
const SECONDARY_PATH = [startSecondary] as const;

/** What start_kernel and the first processes leave behind: CPUs with idle tasks, tables, kernel threads, disk and files. */
export function boot(m: Machine, count: number, tracerPid: number): { tracer: Task; fileSystem: FileSystem } {
  const idt = createTables(m);
  storeSystemCallTable(m);
  for (let id = 0; id < count; id += 1) m.cpuList.push(createCpu(m, id, idt));
  m.cpu = m.cpuList[0]!;
  const init = createTask(m, { pid: 1, comm: 'systemd', parent: null, cgroup: m.cgroups.create('/init.scope') });
  createTask(m, { pid: 2, comm: 'kthreadd', parent: null, flags: PF_KTHREAD });
  const shell = createTask(m, {
    pid: tracerPid - 12,
    comm: 'bash',
    parent: init,
    cgroup: m.cgroups.create(TRACER_SESSION),
  });
  const tracer = createTask(m, { pid: tracerPid, comm: 'bpftrace', parent: shell });
  const fileSystem = new FileSystem(m, { ext4: EXT4, xfs: XFS, proc: PROC, overlay: OVERLAY });
  addProcFiles(fileSystem);
  addProcesses(m, fileSystem.directory('/proc'));
  addSysFiles(m, fileSystem.root.root);
  registerKprobeOptimizer(m);
  for (const name of MERGED_INTO_USR) fileSystem.symlink(`/${name}`, `usr/${name}`);
  fileSystem.file(LINKER, LINKER_BYTES, 1, 0o755);
  fileSystem.file(LIBRARY_CACHE, LIBRARY_CACHE_BYTES);
  fileSystem.file(LIBC.path, LIBC_BYTES, 1, 0o755);
  fileSystem.symlink(`/usr${PROGRAM_INTERPRETER}`, `..${LINKER.slice('/usr'.length)}`);
  fileSystem.special('/dev/null', 0o020666, NULL_FILES).contents = () => '';
  fileSystem.special('/dev/kmsg', 0o020644, KMSG_FILES);
  return { tracer, fileSystem };
}

/** What takes part in the simulation; left out until the machine first runs. */
export function bootWorkload(m: Machine): void {
  const disk = createNvme(m, 'nvme0n1');
  m.fileSystem.ext4.disk = disk;
  createKsoftirqd(m);
  m.workqueues = createWorkqueues(m);
  createPtmx(m);
  startFlusher(m, disk);
  startJournal(m, m.fileSystem.ext4, 'nvme0n1p1');
  createKswapd(m);
  startLoadAverage(m);
}

function createTables(m: Machine): number {
  const idt = m.globals.idt_table;
  for (let vector = VECTORS.firstExternal; vector < 256; vector += 1) {
    const stub = irqEntriesStart.entry + IRQ_STUB_SIZE * (vector - VECTORS.firstExternal);
    m.entryPoints.set(stub, deviceEntry);
    setGate(m.arena, idt, vector, addressLow(stub), INTERRUPT_GATE, 0);
  }
  for (const [vector, entry] of SYSTEM_VECTORS) {
    m.entryPoints.set(entry.symbol.entry, entry);
    setGate(m.arena, idt, vector, addressLow(entry.symbol.entry), INTERRUPT_GATE, 0);
  }
  for (const { vector, entry, dpl, ist } of EXCEPTIONS) {
    m.entryPoints.set(entry.symbol.entry, entry);
    setGate(m.arena, idt, vector, addressLow(entry.symbol.entry), INTERRUPT_GATE, dpl, ist);
  }
  return idt;
}

function createCpu(m: Machine, id: number, idt: number): Cpu {
  const idle = createTask(m, { pid: 0, comm: `swapper/${id}`, parent: null, flags: PF_IDLE });
  idle.cpu = id;
  idle.boundTo = id;
  const tss = m.arena.allocate(TSS_SIZE);
  for (const ist of [IST.doubleFault, IST.nmi, IST.debug]) {
    setInterruptStack(
      m.arena,
      tss,
      ist,
      m.arena.allocate(EXCEPTION_STACK_SIZE, KERNEL_STACK_SIZE) + EXCEPTION_STACK_SIZE,
    );
  }
  const perCpu = createPerCpuArea(m, id);
  const runQueue = new RunQueue(perCpu + PER_CPU.runqueues);
  m.words[(runQueue.address + RQ.cpu) >> 2] = id;
  storeWord(m.words, runQueue.address + RQ.idle, idle);
  storeWord(m.words, runQueue.address + RQ.current, idle);
  storeWord(m.words, perCpu + PER_CPU.currentTask, idle);
  const cpu = new Cpu({
    id,
    registerWords: m.arch.registerWords,
    time: m.clock,
    fn: commonStartup64,
    tss,
    irqStackTop: m.arena.allocate(IRQ_STACK_SIZE, IRQ_STACK_SIZE) + IRQ_STACK_SIZE,
    perCpu,
    idle,
    runQueue,
    tick: createHrTimer(m, tickNohzHandler, null),
    tasklets: { address: m.arena.allocate(16), list: [] },
    urgentTasklets: { address: m.arena.allocate(16), list: [] },
    wheel: { address: m.arena.allocate(64), timers: [] },
  });
  lidt(cpu, idt, IDT_SIZE - 1);
  cpu.sp = idle.sp;
  cpu.fp = idle.fp;
  for (const caller of id === 0 ? BOOT_CPU_PATH : SECONDARY_PATH) pushFrame(m, cpu, caller);
  cpu.busyUntil = cpu.time;
  setKernelStack(m.arena, tss, idle.stackTop);
  // The idle task is in the kernel from the beginning and never leaves.
  idle.pending = new Pending().then(() => cpuStartupEntry(m, CPUHP_AP_ONLINE_IDLE));
  return cpu;
}
