import type { Abi } from '../btf/abi/abi.ts';
import type { FunctionProtoType, StructType, TypeSet } from '../btf/types.ts';

/**
 * What the compiler must know of the machine that a script is compiled for: its types and what can be probed.
 * The pipeline builds it from the simulated machine; a test may write one as a literal.
 */
export interface Target {
  readonly abi: Abi;
  readonly types: TypeSet;
  readonly cpus: number;
  /** Traceable kernel functions, sorted. */
  functions(): readonly KernelFunction[];
  /** The one of a name. */
  functionNamed(name: string): KernelFunction | undefined;
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
  /** What a user-space binary or library says about itself; undefined when there is no such file. */
  userFile(path: string): UserFile | undefined;
  /** Files that a process has mapped; undefined when there is no such process. */
  processFiles(pid: number): readonly string[] | undefined;
  /** The system call table: the name of each number that has one. */
  syscalls(): readonly { readonly number: number; readonly name: string }[];
  /** Address of a kernel symbol (kaddr). */
  kernelSymbol(name: string): bigint | undefined;
  /** Id of the cgroup whose folder in the v2 tree this is. */
  cgroupId(path: string): bigint | undefined;
  /** PID of the tracer itself and of the process of -c or -p, for compile-time facts. */
  readonly tracerPid: number;
}

/** A function of the kernel or of a module. */
export interface KernelFunction {
  readonly name: string;
  readonly module: string;
}

/** A name and where it is in memory, from where the file is loaded; as symbol tables have it. */
export interface UserSymbol {
  readonly name: string;
  readonly address: number;
  readonly size: number;
}
/** One place of a static probe, with its operands as the note has them. */
export interface UsdtPlace {
  readonly provider: string;
  readonly name: string;
  readonly address: number;
  /** Address of the counter of listeners; 0: it has none. */
  readonly semaphore: number;
  readonly operands: string;
}
/** An executable or library. */
export interface UserFile {
  readonly path: string;
  /** Functions. */
  readonly symbols: readonly UserSymbol[];
  readonly variables: readonly UserSymbol[];
  readonly usdt: readonly UsdtPlace[];
  /** Where the file has what is at an address: address - segment's address + segment's place in the file. */
  readonly fileOffset: (address: number) => number;
  /** Of its debugging information; absent without. */
  readonly types?: TypeSet | undefined;
  readonly prototype: (name: string) => FunctionProtoType | undefined;
  /** Whether an instruction of the text starts at an address. */
  readonly isInstruction: (address: number) => boolean;
  /** Address of the first instruction of a line of the source (column 0: any), or why there is none; absent without debugging information. */
  readonly lineAddress?: (file: string, line: number, column: number) => number | string;
}

/** The places of a static probe, by address. */
export function usdtPlaces(file: UserFile, provider: string, name: string): readonly UsdtPlace[] {
  return file.usdt
    .filter((place) => place.provider === provider && place.name === name)
    .sort((a, b) => a.address - b.address);
}
