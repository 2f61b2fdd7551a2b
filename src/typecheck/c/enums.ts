import { stripType } from '../../btf/layout.ts';
import { C_INTS } from '../../btf/type-text.ts';
import type { CType, EnumType } from '../../btf/types.ts';
import { attributes } from './attributes.ts';
import { constant } from './constant.ts';
import { isRedefinition } from './declaration-scope.ts';
import type { Attributes, DeclarationScope } from './declaration-scope.ts';
import { declarationSpecifiers, startsType } from './specifiers.ts';

/** With `enum` taken: a definition, or the name of one. */
export function enumSpecifier(scope: DeclarationScope): CType {
  const found = attributes(scope);
  const name = scope.cursor.peek()?.kind === 'identifier' ? scope.cursor.take() : undefined;
  const underlying = isUnderlyingType(scope) ? declarationSpecifiers(scope)?.type : undefined;
  if (!scope.cursor.accept('{')) {
    const own = name === undefined ? undefined : scope.tags.get(`enum ${name.text}`)?.type;
    return own ?? scope.known.enum(name?.text ?? '') ?? C_INTS.unsignedInt;
  }
  const values: { readonly name: string; readonly value: bigint }[] = [];
  let next = 0n;
  while (scope.cursor.peek()?.kind === 'identifier') {
    const member = scope.cursor.take()!;
    attributes(scope);
    if (scope.cursor.accept('=')) next = constant(scope, scope.cursor.takeUntil([',', '}'])) ?? next;
    values.push({ name: member.text, value: next });
    scope.enumerators.set(member.text, next);
    next += 1n;
    if (!scope.cursor.accept(',')) break;
  }
  scope.cursor.expect('}', "expected '}'");
  Object.assign(found, attributes(scope));
  const type: EnumType = { kind: 'enum', name: name?.text ?? '', ...enumShape(values, found, underlying), values };
  const entry = scope.tags.get(`enum ${type.name}`);
  if (name !== undefined) {
    if (entry !== undefined && isRedefinition(scope, entry, name)) return entry.type;
    scope.tags.set(`enum ${name.text}`, { type, defined: name, complete: true });
  }
  scope.types.push(type);
  return type;
}

/** `enum e : u8 {` names the type of its values, `enum e : 3;` is a bit field without a name. */
function isUnderlyingType(scope: DeclarationScope): boolean {
  return scope.cursor.is(':') && startsType(scope, scope.cursor.peek(1)) && scope.cursor.accept(':');
}

function enumShape(
  values: readonly { readonly value: bigint }[],
  attributes: Attributes,
  underlying: CType | undefined,
): { readonly size: number; readonly signed: boolean } {
  const bare = underlying === undefined ? undefined : stripType(underlying);
  if (bare?.kind === 'int') return { size: bare.size, signed: bare.signed };
  const signed = values.some(({ value }) => value < 0n);
  const fits = (bits: number): boolean =>
    values.every(({ value }) => (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value);
  const sizes = attributes.packed === true ? [1, 2, 4, 8] : [4, 8];
  return { size: sizes.find((size) => fits(size * 8)) ?? 8, signed };
}
