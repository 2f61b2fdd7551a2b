import { alignOf } from '../../btf/layout.ts';
import { C_INTS } from '../../btf/type-text.ts';
import { constant } from './constant.ts';
import type { Attributes, DeclarationScope } from './declaration-scope.ts';
import { readTypeName } from './declarators.ts';
import { startsType } from './specifiers.ts';
import type { CToken } from './tokens.ts';

export function isAttribute(scope: DeclarationScope): boolean {
  return (
    scope.cursor.is('__attribute__') ||
    scope.cursor.is('__attribute') ||
    scope.cursor.is('_Alignas') ||
    scope.cursor.is('__asm__')
  );
}

/** Reads attributes, if there are any; those that do not bear on layout are passed over. */
export function attributes(scope: DeclarationScope): Attributes {
  const found: Attributes = {};
  while (isAttribute(scope)) {
    const keyword = scope.cursor.take()!;
    if (!scope.cursor.expect('(')) break;
    const body = scope.cursor.takeBalanced('(', ')');
    if (keyword.text === '_Alignas') found.align = alignmentValue(scope, body);
    else if (keyword.text !== '__asm__') scope.cursor.within(body.slice(1, -1), () => attributeList(scope, found));
  }
  return found;
}

function attributeList(scope: DeclarationScope, found: Attributes): void {
  for (let token = scope.cursor.take(); token !== undefined; token = scope.cursor.take()) {
    const body = scope.cursor.accept('(') ? scope.cursor.takeBalanced('(', ')') : undefined;
    const name = token.text.replace(/^__(\w+)__$/, '$1');
    if (name === 'packed') found.packed = true;
    // Without a number: the largest alignment of the machine.
    else if (name === 'aligned') found.align = body === undefined ? 16 : alignmentValue(scope, body);
    else if (name === 'btf_type_tag' && body?.[0] !== undefined) found.tag = body[0].text.slice(1, -1);
  }
}

function alignmentValue(scope: DeclarationScope, tokens: readonly CToken[]): number {
  if (startsType(scope, tokens[0]))
    return scope.cursor.within(tokens, () => alignOf(readTypeName(scope) ?? C_INTS.int));
  return Number(constant(scope, tokens) ?? 1n);
}
