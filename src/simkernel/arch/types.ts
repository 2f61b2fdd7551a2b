import type { AbiName } from '../../btf/abi/abis.ts';
import { overlayTypeSets } from '../../btf/type-set.ts';
import type { TypeSet } from '../../btf/types.ts';
import { allKernelTypes } from '../kernel-types.ts';
import { ARCHITECTURES } from './architectures.ts';
import { ARM64_TYPES } from './arm64-types.ts';

let arm64: TypeSet | undefined;

/** The types of the x86-64 kernel with what differs on arm64: its registers, and the names of system calls' functions. */
function arm64Types(): TypeSet {
  const base = allKernelTypes();
  const { ownName, declaredName } = ARCHITECTURES.arm64;
  const types = overlayTypeSets(ARM64_TYPES, base);
  return {
    ...types,
    function: (name) => base.function(declaredName(name)),
    names(kind) {
      if (kind !== 'function') return types.names(kind);
      return [...base.names('function')].flatMap((name) => ownName(name) ?? []);
    },
  };
}

/** The kernel's types on an architecture. */
export const typesOf = (arch: AbiName): TypeSet => (arch === 'x86_64' ? allKernelTypes() : (arm64 ??= arm64Types()));
