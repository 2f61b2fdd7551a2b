import { sizeOf } from '../../btf/layout.ts';
import { evaluateConstant } from './constant-expression.ts';
import type { DeclarationScope } from './declaration-scope.ts';
import { readTypeName } from './declarators.ts';
import { startsType } from './specifiers.ts';
import type { CToken } from './tokens.ts';

/** Value of a constant expression in a declaration; a mistake in it is reported and gives undefined. */
export function constant(scope: DeclarationScope, tokens: readonly CToken[]): bigint | undefined {
  const result = evaluateConstant(tokens, {
    value: (name) => scope.enumerators.get(name.text) ?? scope.known.enumerator(name.text)?.value,
    isType: (token) => startsType(scope, token),
    sizeOf(operand) {
      const size = startsType(scope, operand[0])
        ? sizeOf(scope.cursor.within(operand, () => readTypeName(scope)) ?? { kind: 'void' })
        : undefined;
      return size === undefined ? undefined : BigInt(size);
    },
  });
  if (result.ok) return result.value;
  scope.cursor.error(result.text, result.at ?? scope.cursor.peek());
  return undefined;
}
