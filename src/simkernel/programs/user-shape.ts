/** What a compiler is told of a function of a program. */
export interface UserShape {
  readonly size: number;
  /** Return address of its calls. */
  readonly callSite: number;
  /** Where static probes are. */
  readonly nops: readonly number[];
  readonly seed: number;
  /** A wrapper of the system call with this number. */
  readonly number?: number;
}
