import type { Identifier } from '../../ast/nodes.ts';
import type { EnumType } from '../../btf/types.ts';
import { isBuiltin } from '../../lang/builtins.ts';
import { inferBuiltin } from './infer-builtin.ts';
import type { Inference } from './infer.ts';
import { lookUpCType } from './type-expression.ts';

/** What clang, which parses the kernel's types for bpftrace, calls them. */
const UNNAMED_ENUM = 'enum (unnamed at /bpftrace/include/__btf_generated_header.h:1:1)';

/** include/linux/stddef.h: `true` and `false` are members of an enum without a name. */
const KERNEL_BOOLEANS: EnumType = {
  kind: 'enum',
  name: '',
  size: 4,
  signed: false,
  values: [
    { name: 'false', value: 0n },
    { name: 'true', value: 1n },
  ],
};

/** A bare word: a builtin, a member of an enum, or, where only types are asked for, a type. */
export function inferIdentifier(inference: Inference, node: Identifier): void {
  const { context } = inference;
  if (isBuiltin(node.name)) {
    inferBuiltin(inference, node, node.name);
    return;
  }
  const enumerator =
    context.definitions.enumerators.get(node.name) ??
    context.target.types.enumerator(node.name) ??
    // Where a type may stand, the parser takes every bare word for a name.
    (KERNEL_BOOLEANS.values.some((value) => value.name === node.name) ? { type: KERNEL_BOOLEANS } : undefined);
  if (enumerator !== undefined) {
    // As wide as a register, whatever the enum's size.
    const type = { ...enumerator.type, size: 8, signed: false };
    inference.seed(node, { kind: 'enum', enum: type, name: type.name === '' ? UNNAMED_ENUM : type.name });
    return;
  }
  if (inference.introspection === 0) return;
  const type = lookUpCType(node.name, context);
  if (type !== undefined) inference.seed(node, type);
}
