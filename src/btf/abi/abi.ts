/** Where struct pt_regs has what it has, and what calls, breakpoints and operands of static probes look like on one architecture. */
export interface Abi {
  /** As bpftrace spells it. */
  readonly name: 'x86_64' | 'arm64';
  /** `uname -m`. */
  readonly machine: string;
  /** Macro that tells a C compiler's target. */
  readonly define: string;
  /** Byte offsets in struct pt_regs by the names that the kernel's tracers take (arch/<arch>/kernel/ptrace.c). */
  readonly registers: Readonly<Record<string, number>>;
  /** The same by the names of reg(). */
  readonly scriptRegisters: Readonly<Record<string, number>>;
  /** Registers by the names of operands of static probes. */
  readonly operandRegisters: ReadonlyMap<string, number>;
  readonly operandSyntax: OperandSyntax;
  /** sizeof(struct pt_regs), and of the part that user space knows (bpf_user_pt_regs_t). */
  readonly registersBytes: number;
  readonly userRegistersBytes: number;
  /** Bytes from the start of pt_regs on that hold what a CPU saves one by one; the rest is pushed by its entry. */
  readonly generalBytes: number;
  /** Where the integer arguments of a function are at its entry, and those of a system call. */
  readonly arguments: readonly number[];
  readonly systemCallArguments: readonly number[];
  readonly result: number;
  readonly ip: number;
  readonly sp: number;
  readonly fp: number;
  readonly flags: number;
  /** What the entry code leaves: the system call's number or first argument, an exception's error code. */
  readonly original: number;
  /** The register with the return address at a function's entry; undefined: it is on the stack. */
  readonly link: number | undefined;
  /** From the stack pointer at a function's entry to the first argument that is passed there. */
  readonly stackArguments: number;
  /** What is under a mask in one register when user mode was interrupted. */
  readonly userMode: { readonly at: number; readonly mask: number; readonly value: number };
  /** Whether bpftrace's `usermode` knows how to look there. */
  readonly hasUsermodeBuiltin: boolean;
  /** Instructions start at multiples of it. */
  readonly alignment: 1 | 4;
  /** What the function of a system call is called: `__x64_sys_openat`. */
  readonly systemCallPrefix: string;
  /** What debug registers can watch for, sorted letters of r, w and x. */
  readonly watchpointModes: readonly string[];
}

/** How the operands of static probes are written: which part of a match is what. */
export interface OperandSyntax {
  readonly constant: RegExp;
  readonly register: RegExp;
  /** Groups `base` and `displacement`; the latter may be missing. */
  readonly memory: RegExp;
}
