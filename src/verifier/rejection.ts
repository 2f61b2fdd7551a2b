/** Errno values that the verifier returns (include/uapi/asm-generic/errno-base.h). */
const ERRNO = {
  ENOENT: 2,
  E2BIG: 7,
  EACCES: 13,
  EFAULT: 14,
  EINVAL: 22,
  EPROTO: 71,
  EBADF: 9,
  ENOTSUPP: 524,
} as const;
export type Errno = keyof typeof ERRNO;

/** Why a program is refused: the kernel's words, one line each, the last one first in importance. */
export interface Violation {
  readonly errno: number;
  readonly lines: readonly string[];
  /** The register at fault, if one is. */
  readonly register?: number;
}

export function violation(errno: Errno, ...lines: readonly string[]): Violation {
  return { errno: ERRNO[errno], lines };
}
export function registerViolation(register: number, errno: Errno, ...lines: readonly string[]): Violation {
  return { errno: ERRNO[errno], lines, register };
}

/** Carries a violation out of the depth of a step; caught in verify.ts and nowhere else. */
export class Rejected extends Error {
  override readonly name = 'Rejected';
  readonly violation: Violation;
  /** The slot at fault, when it is not the one being walked. */
  readonly slot: number | undefined;
  constructor(v: Violation, slot?: number) {
    super(v.lines.join('; '));
    this.violation = v;
    this.slot = slot;
  }
}

/** Ends the walk: the program is refused. */
export function reject(v: Violation, slot?: number): never {
  throw new Rejected(v, slot);
}
