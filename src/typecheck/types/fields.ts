import type { FieldAccess } from '../../ast/nodes.ts';
import { findMember, stripType } from '../../btf/layout.ts';
import { fromCType, isDataLocation } from '../../lang/from-ctype.ts';
import { structName, typeName } from '../../lang/type-name.ts';
import { UINT64 } from '../../lang/types.ts';
import type { ParsedAttachPoint, PassContext } from '../context.ts';
import { error } from '../messages.ts';
import { complete } from './offsets.ts';
import { fieldType, typing } from './typing.ts';
import type { Typing } from './typing.ts';

/** `base.field`, through any number of pointers. */
export function fieldTyping(
  node: FieldAccess,
  base: Typing,
  attachment: ParsedAttachPoint | undefined,
  context: PassContext,
): Typing | undefined {
  let { type } = base;
  while (type.kind === 'pointer') type = type.to;
  const fail = (message: string): undefined => {
    context.report(error('field', node.span, message));
    return undefined;
  };
  if (type.kind === 'record') {
    const field = fieldType(type, node.field);
    if (field === undefined) return fail(`Record does not contain a field named '${node.field}'`);
    return { ...typing(field, base.space), ...(base.internal === true ? { internal: true } : {}) };
  }
  if (type.kind !== 'c_struct') {
    return fail(`Can not access field '${node.field}' on expression of type '${typeName(type)}'`);
  }
  const { struct } = complete(type, context);
  if (base.parameters === true && attachment === undefined) return undefined;
  const found = findMember(struct, node.field);
  if (found === undefined) {
    if (base.parameters === true) return fail(`Can't find function parameter ${node.field}`);
    if (struct.size === 0 && struct.members.length === 0) {
      return fail(`Unknown struct/union: '${structName(struct)}'`);
    }
    return fail(`Struct/union of type '${structName(struct)}' does not contain a field named '${node.field}'`);
  }
  const { member } = found;
  // The address of the text is computed from the record, so that it can be read like a pointer.
  if (isDataLocation(member.type)) return typing(UINT64, 'kernel');
  const cType = stripType(member.type);
  if (cType.kind === 'pointer' && cType.tag !== undefined && cType.tag !== 'rcu' && base.parameters !== true) {
    const text = `Attempting to access pointer field '${node.field}' with unsupported tag attribute: ${cType.tag}`;
    context.report(error('pointer-tag', node.span, text));
  }
  const result = fromCType(member.type, base.space);
  const inContext = base.context === true && base.parameters !== true;
  return {
    type: result,
    space: base.space,
    ...(inContext && (result.kind === 'array' || result.kind === 'c_struct') ? { context: true } : {}),
    ...(base.internal === true ? { internal: true } : {}),
  };
}
