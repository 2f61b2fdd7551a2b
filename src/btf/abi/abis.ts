import type { Abi } from './abi.ts';
import { ARM64 } from './arm64.ts';
import { X86_64 } from './x86-64.ts';

/** The architectures that a machine may have. */
export const ABIS = { x86_64: X86_64, arm64: ARM64 } as const satisfies Record<Abi['name'], Abi>;
export type AbiName = keyof typeof ABIS;
