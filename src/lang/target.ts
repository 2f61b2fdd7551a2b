import type { StructType, TypeSet } from '../btf/types.ts';

/**
 * What the compiler must know of the machine that a script is compiled for: its types and what can be probed.
 * The pipeline builds it from the simulated machine; a test may write one as a literal.
 */
export interface Target {
  readonly types: TypeSet;
  readonly cpus: number;
  /** Traceable kernel functions, sorted. */
  functions(): readonly { readonly name: string; readonly module: string }[];
  /** Tracepoints, sorted by category and name. */
  tracepoints(): readonly { readonly category: string; readonly name: string }[];
  /** The record that a tracepoint's program sees as its context: `struct trace_event_raw_X` with the common fields first. */
  tracepointRecord(category: string, name: string): StructType | undefined;
  /** Parameters of the raw tracepoint, as BTF's `btf_trace_X` gives them (without the `void *__data`). */
  rawTracepoint(
    name: string,
  ): readonly { readonly name: string; readonly type: import('../btf/types.ts').CType }[] | undefined;
  rawTracepoints(): readonly string[];
  /** Paths of the executables and libraries that have symbols. */
  userFiles(): readonly string[];
  /** Symbols of a user-space binary or library; undefined when there is no such file. */
  userSymbols(
    path: string,
  ): readonly { readonly name: string; readonly address: number; readonly size: number }[] | undefined;
  /** The system call table: the name of each number that has one. */
  syscalls(): readonly { readonly number: number; readonly name: string }[];
  /** Address of a kernel symbol (kaddr). */
  kernelSymbol(name: string): bigint | undefined;
  /** Id of the cgroup whose folder in the v2 tree this is. */
  cgroupId(path: string): bigint | undefined;
  /** PID of the tracer itself and of the process of -c or -p, for compile-time facts. */
  readonly tracerPid: number;
}
