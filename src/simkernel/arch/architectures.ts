import type { AbiName } from '../../btf/abi/abis.ts';
import { ARM64 } from './arm64.ts';
import type { Architecture } from './architecture.ts';
import { X86_64 } from './x86-64.ts';

/** What a machine's CPUs may be. */
export const ARCHITECTURES: Readonly<Record<AbiName, Architecture>> = { x86_64: X86_64, arm64: ARM64 };
