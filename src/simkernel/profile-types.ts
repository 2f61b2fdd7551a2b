import { findPath } from '../btf/layout.ts';
import { overlayTypeSets } from '../btf/type-set.ts';
import type { TypeSet } from '../btf/types.ts';
import { allKernelTypes, moduleTypes } from './kernel-types.ts';
import { declareStructs } from './module-types.ts';
import type { StructMembers } from './module-types.ts';
import { bug } from '../source/bug.ts';

const sets = new WeakMap<TypeSet, Map<StructMembers, TypeSet>>();

/**
 * Types of the kernel and its modules with the members that a profile adds: what structures of an older kernel had, under
 * another name, or behind today's members, where the machine keeps it (`block/request.ts`).
 */
export function typesOfProfile(structs: StructMembers, kernel: TypeSet = allKernelTypes()): TypeSet {
  let known = sets.get(kernel);
  if (known === undefined) sets.set(kernel, (known = new Map()));
  let types = known.get(structs);
  if (types === undefined) {
    // Modules first: they are few, and what the kernel's have not got is looked for in all of its BTF.
    types = overlayTypeSets(moduleTypes(), kernel);
    if (Object.keys(structs).length > 0) types = overlayTypeSets(declareStructs(structs, types), types);
    known.set(structs, types);
  }
  return types;
}

/** Byte offset of a member as the profile's kernel has it. */
export function offsetInProfile(structs: StructMembers, struct: string, field: string): number {
  const type = typesOfProfile(structs).struct(struct);
  const found = type === undefined ? undefined : findPath(type, [field]);
  if (found === undefined) bug(`no struct ${struct} with ${field}`);
  return found.offsetBits / 8;
}
