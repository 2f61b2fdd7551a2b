import type { CurrentLocations } from '../abi/execution.ts';
import type { Abi } from '../btf/abi/abi.ts';
import type { UserFile } from '../lang/target.ts';

/**
 * What the runtime needs of the world. The simulated machine implements it structurally (simkernel imports nothing of
 * ours but btf); recorded traces and a real kernel may later.
 * Pointers into the arena are int32 offsets; other 64-bit values are (low, high) int32 pairs; times are virtual ns as numbers.
 */
export interface Kernel {
  readonly memory: KernelMemory;
  /** Registers and calling convention of its CPUs. */
  readonly abi: Abi;
  readonly cpus: number;
  readonly current: CurrentLocations;
  /** Virtual nanoseconds since boot (CLOCK_MONOTONIC). */
  now(): number;
  /** Virtual nanoseconds between the epoch and boot. */
  readonly bootTimeNs: number;
  /** Runs the machine to this virtual time or until `stop` was called; may return early (then `now()` is smaller) so that the host stays responsive. */
  run(untilNs: number): void;
  stop(): void;
  /** Set when the machine has stopped for good (a panic): its last words. `run` does nothing from then on. */
  readonly halted?: string | undefined;
  /** Calls back at a virtual time; it interrupts no CPU and costs no virtual time. */
  at(timeNs: number, callback: () => void): void;
  /** Runs `body` as if on behalf of the tracer's own process (begin and end probes, user-space actions). */
  asTracer(body: () => void): void;
  attach(target: HookTarget, handler: HookHandler): AttachResult;
  /** Writes up to `limit` return addresses (u64 each) of the interrupted kernel stack at `out`, after `skip`; returns how many. Zero if no kernel stack. */
  kernelStack(out: number, limit: number, skip: number): number;
  userStack(out: number, limit: number, skip: number): number;
  kernelSymbol(low: number, high: number): SymbolHit | undefined;
  userSymbol(pid: number, low: number, high: number): SymbolHit | undefined;
  /** What the source of a process's program has at an address; undefined without debugging information about it. */
  userSource?(pid: number, low: number, high: number): UserSource | undefined;
  /** The file that the current process has at an address: its build id in hexadecimal, and where in the file that is. */
  userFilePlace?(low: number, high: number): { readonly buildId: string; readonly offset: number } | undefined;
  kernelSymbolAddress(name: string): { readonly low: number; readonly high: number } | undefined;
  /** What an executable or library says about itself: its symbols, static probes and debugging information. */
  executable(path: string): UserFile | undefined;
  /** Contents of a file of the simulated machine. */
  readFile(path: string): Uint8Array | undefined;
  /** Makes a file of the simulated machine, or another one of its contents. */
  writeFile?(path: string, contents: Uint8Array): void;
  userName(uid: number): string | undefined;
  /** d_path(): the path that the struct path at this address leads to. */
  pathName?(low: number, high: number): string | undefined;
  /** Arena offset of a CPU's own copy of the per-CPU variable at an address; 0 when there is no such CPU. */
  perCpuCopy?(low: number, high: number, cpu: number): number;
  /** Arena offset of the task_struct with this PID; 0 when there is none. */
  taskAddress?(pid: number): number;
  /** Calls back for every task_struct that is freed, with its arena offset, until the result is called. */
  onTaskFreed?(freed: (task: number) => void): () => void;
  /** sock_gen_cookie() of the struct sock at this address. */
  socketCookie?(low: number, high: number): number;
  /** The first bytes of the packet in the struct sk_buff at this address; undefined when it has fewer. */
  packetData?(low: number, high: number, size: number): Uint8Array | undefined;
  /** Address of the per-CPU variable with this number in BTF: what programs name it by, no CPU's copy. */
  perCpuVariable?(id: number): { readonly low: number; readonly high: number } | undefined;
  /** For send_signal, signal(). Returns 0 or -errno. */
  sendSignal(pid: number, signal: number): number;
  /** seq_printf(): writes to the file that the struct seq_file at this address stands for. Returns 0 or -errno. */
  writeSequence?(low: number, high: number, text: Uint8Array): number;
  /** What bpf_trace_printk writes to the trace buffer. */
  tracePrintk?(text: string): void;
  /** Id of the current task's cgroup in the v2 tree; the root's (1) where the machine has no cgroups. */
  currentCgroup?(): number;
  /** Id of the group above it (or of itself) at a level; 0 where the tree does not reach. */
  ancestorCgroup?(level: number): number;
  /** Path of a cgroup from the root of the v2 tree; undefined when none has this id. */
  cgroupPath?(id: number): string | undefined;
  /** Whether a process of this PID exists (-p). */
  hasProcess(pid: number): boolean;
  /** Prepares a program of the machine with its arguments (-c); a string says why that cannot be. */
  spawn(argv: readonly string[]): SpawnedProcess | string;
  /** system(): runs a shell command on the simulated machine. */
  command(line: string): { readonly printed: string; readonly status: number };
}

/** A child of the tracer: it exists from the beginning, so that its PID is known, and waits to be told to execute its program. */
export interface SpawnedProcess {
  readonly pid: number;
  /** What it writes to its terminal. */
  onOutput(listener: (bytes: Uint8Array) => void): void;
  start(): void;
  /** False from its exit on, though nobody waits for it. */
  isAlive(): boolean;
  /** SIGTERM; nothing if it is dead. */
  terminate(): void;
  /** How it ended, as wait4() would tell; undefined while it lives. */
  waitStatus(): number | undefined;
}

export interface KernelMemory {
  readonly buffer: SharedArrayBuffer;
  /** The WebAssembly.Memory with that buffer. */
  readonly wasmMemory: object;
  /** Upper half of the address of every arena byte. */
  readonly kernelHigh: number;
  /** Allocates zeroed bytes, aligned; throws when the arena is full. */
  allocate(size: number, align?: number): number;
  free(address: number, size: number): void;
  /** Arena offset of `size` readable bytes at a kernel address, or -1. */
  kernelAddress(low: number, high: number, size: number): number;
  /** Copies to the arena; 0 or -14 (EFAULT). User reads go through the current process's mappings. */
  readKernel(to: number, size: number, low: number, high: number): number;
  readUser(to: number, size: number, low: number, high: number): number;
  writeUser(from: number, size: number, low: number, high: number): number;
}

export interface SymbolHit {
  readonly name: string;
  readonly offset: number;
  readonly module: string;
}
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
}
/** A function and where in it the source is, and what the compiler put into it there, the innermost first. */
export interface UserSource {
  readonly symbol: SymbolHit;
  readonly place: SourcePlace | undefined;
  readonly inlined: readonly { readonly name: string; readonly place: SourcePlace | undefined }[];
}

export type HookTarget =
  /** `overrides`: the program may return in the function's place. */
  | { readonly kind: 'kprobe'; readonly function: string; readonly offset: number; readonly overrides?: true }
  | { readonly kind: 'kretprobe'; readonly function: string }
  | { readonly kind: 'fentry' | 'fexit'; readonly function: string }
  | { readonly kind: 'tracepoint'; readonly category: string; readonly name: string }
  | { readonly kind: 'rawtracepoint'; readonly name: string }
  /** An offset in the file, as perf_event_open takes it, and that of a counter to hold up while attached. */
  | {
      readonly kind: 'uprobe' | 'uretprobe';
      readonly path: string;
      readonly fileOffset: number;
      readonly semaphoreOffset?: number;
      /** bpf_get_attach_cookie() of the program there. */
      readonly cookie?: number;
    }
  /** perf_event_open of a counter on every CPU: a call for every so many. */
  | { readonly kind: 'software' | 'hardware'; readonly event: string; readonly period: number }
  /** A breakpoint in a debug register of every CPU, at a linear address. */
  | {
      readonly kind: 'watchpoint';
      readonly low: number;
      readonly high: number;
      readonly length: number;
      readonly type: 'execute' | 'write' | 'read' | 'readwrite';
    }
  /** Runs at once, for every element; `write` gets what its programs write to the file that is read. */
  | { readonly kind: 'iter'; readonly name: string; readonly write: (text: Uint8Array) => void }
  /** perf_event_open of the cpu-clock: on one CPU or on all. */
  | { readonly kind: 'clock'; readonly periodNs: number; readonly cpu: number | 'all' };

/**
 * Called with the context's arena offset: struct pt_regs (kprobes, uprobes), the tracepoint's record, u64[] arguments (raw
 * tracepoints, fentry; fexit has the return value behind them), struct bpf_perf_event_data (clock).
 * `current` is filled in before the call.
 */
export type HookHandler = (context: number) => void;

export type AttachResult =
  /** `isUnreached`: the kernel knows the place and never comes there. */
  | { readonly ok: true; readonly isUnreached?: true; detach(): void }
  /** errno as the kernel would return it, and its reason. */
  | {
      readonly ok: false;
      readonly errno: 'ENOENT' | 'EINVAL' | 'EILSEQ' | 'EBUSY' | 'EOPNOTSUPP';
      readonly reason: string;
    };
