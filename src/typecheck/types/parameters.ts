import { sizeOf } from '../../btf/layout.ts';
import type { CType, Member, StructType } from '../../btf/types.ts';
import type { ParsedAttachPoint, PassContext } from '../context.ts';

const SLOT_BITS = 64;

/**
 * What `args` is for fentry, fexit, raw tracepoints and uprobes with debugging information: the kernel hands programs an array of u64 with one slot per 8
 * bytes of parameter, so that a struct with members at multiples of 64 bits describes it. For fexit the return value
 * follows the parameters. For uprobes the program collects the registers in that shape.
 */
export function parameterStruct(
  attachment: ParsedAttachPoint | undefined,
  context: PassContext,
): StructType | undefined {
  const target = attachment?.target;
  if (target === undefined) return undefined;
  if (target.kind === 'fentry' || target.kind === 'fexit') {
    const prototype = context.target.types.function(target.function);
    return prototype === undefined ? undefined : slots(prototype.parameters, `${target.kind}:${target.function}`);
  }
  if (target.kind === 'uprobe') {
    const prototype = context.target.userFile(target.path)?.prototype(target.functions?.[0] ?? target.function);
    return prototype === undefined
      ? undefined
      : slots(prototype.parameters, `uprobe:${target.path}:${target.function}`);
  }
  if (target.kind !== 'rawtracepoint') return undefined;
  const parameters = context.target.rawTracepoint(target.name);
  return parameters === undefined ? undefined : slots(parameters, `rawtracepoint:${target.name}`);
}

/** The type of the probed function's result. */
export function returnType(attachment: ParsedAttachPoint | undefined, context: PassContext): CType | undefined {
  const target = attachment?.target;
  if (target?.kind !== 'fentry' && target?.kind !== 'fexit') return undefined;
  return context.target.types.function(target.function)?.returns;
}

function slots(parameters: readonly { readonly name: string; readonly type: CType }[], name: string): StructType {
  let index = 0;
  const members: Member[] = [];
  for (const parameter of parameters) {
    members.push({ name: parameter.name, type: parameter.type, offsetBits: index * SLOT_BITS });
    index += Math.max(1, Math.ceil((sizeOf(parameter.type) ?? 8) / 8));
  }
  return { kind: 'struct', name, size: index * 8, members };
}
