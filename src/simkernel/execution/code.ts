/** What a compiler is told of a function of the kernel. */
export interface FunctionShape {
  readonly name: string;
  readonly size: number;
  readonly traceable: boolean;
  /** A known return address offset for every call it makes. */
  readonly site: number | undefined;
  /** Bytes of locals. */
  readonly frameBytes: number;
}

/** A function as compiled, with a 1 in `boundaries` where an instruction starts. */
export interface Code {
  readonly bytes: Uint8Array;
  readonly boundaries: Uint8Array;
}

/** How many calls a function makes, as far as return addresses on stacks tell. */
export const CALL_SITES = 16;
