import type { Node } from '../../ast/nodes.ts';
import { typeName } from '../../lang/type-name.ts';
import { error } from '../messages.ts';
import type { Inference } from './infer.ts';
import { lockName } from './infer.ts';
import type { MapSlot, VariableSlot } from './resolver.ts';
import { isCastableMap, promote, sameType } from './typing.ts';
import type { Typing } from './typing.ts';

/** What the variable's type becomes when a value of this type is assigned. */
export function variableTyping(inference: Inference, slot: VariableSlot, value: Typing, at: Node): Typing | undefined {
  const locked = lockedTyping(inference, slot, value, at, `$${slot.name}`);
  if (locked !== undefined) return locked;
  const current = inference.resolver.get(slot);
  const promoted = promote(current, value);
  if (promoted !== undefined) return promoted;
  const text =
    `Type mismatch for $${slot.name}: trying to assign value of type '${typeName(value.type)}' ` +
    `when variable already has a type '${typeName(current!.type)}'`;
  inference.context.report(error('type-mismatch', at.span, text));
  return undefined;
}

/** What the map's value type becomes when a value of this type is assigned. */
export function mapValueTyping(inference: Inference, map: string, value: Typing, at: Node): Typing | undefined {
  const slot = inference.map(map).value;
  const locked = lockedTyping(inference, slot, value, at, `@${map}`);
  if (locked !== undefined) return locked;
  const current = inference.resolver.get(slot);
  const promoted = current !== undefined && isCastableMap(current.type) ? undefined : promote(current, value);
  if (promoted === undefined) {
    reportValueMismatch(inference, map, value, current!, at);
    return undefined;
  }
  const held = promoted.type.kind === 'c_struct' || promoted.type.kind === 'array';
  return held ? { ...promoted, internal: true } : promoted;
}

/** What the map's value type becomes when an aggregation is assigned. */
export function aggregationTyping(inference: Inference, map: string, value: Typing, at: Node): Typing | undefined {
  const slot = inference.map(map).value;
  const locked = lockedTyping(inference, slot, value, at, `@${map}`);
  if (locked !== undefined) return locked;
  const current = inference.resolver.get(slot);
  if (current === undefined) return value;
  const promoted = current.type.kind === value.type.kind ? promote(current, value) : undefined;
  // Of hist, lhist and tseries the first call's parameters stand; a later pass compares them.
  if (promoted !== undefined) return sameType(promoted.type, current.type) ? current : promoted;
  reportValueMismatch(inference, map, value, current, at);
  return undefined;
}

function reportValueMismatch(inference: Inference, map: string, value: Typing, current: Typing, at: Node): void {
  const text =
    `Type mismatch for @${map}: trying to assign value of type '${typeName(value.type)}' ` +
    `when map already has a type '${typeName(current.type)}'`;
  inference.context.report(error('type-mismatch', at.span, text));
}

/** What the map's key type becomes when a key of this type is used. */
export function mapKeyTyping(inference: Inference, map: string, key: Typing, at: Node): Typing | undefined {
  const slot = inference.map(map).key;
  const locked = lockedTyping(inference, slot, key, at, `@${map}`);
  if (locked !== undefined) return locked;
  const current = inference.resolver.get(slot);
  const promoted = promote(current, key);
  if (promoted !== undefined) return promoted;
  const text =
    `Argument mismatch for @${map}: trying to access with arguments: '${typeName(key.type)}' ` +
    `when map expects arguments: '${typeName(current!.type)}'`;
  inference.context.report(error('key-mismatch', at.span, text));
  return undefined;
}

function lockedTyping(
  inference: Inference,
  slot: VariableSlot | MapSlot,
  value: Typing,
  at: Node,
  name: string,
): Typing | undefined {
  const locked = inference.locked.get(lockName(slot, inference));
  if (locked === undefined) return undefined;
  const promoted = promote(locked, value);
  if (promoted === undefined || !sameType(promoted.type, locked.type)) {
    const text =
      `Type mismatch for ${name}: this type has been locked because it was used in another part of the type graph ` +
      `that was already resolved (e.g. \`sizeof\`, \`typeinfo\`, etc.). The new type '${typeName(value.type)}' ` +
      `doesn't fit into the locked type '${typeName(locked.type)}'`;
    inference.context.report(error('locked-type', at.span, text));
  }
  return locked;
}
