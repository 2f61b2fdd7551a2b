import type { CType, PointerType } from '../../btf/types.ts';
import { attributes } from './attributes.ts';
import { constant } from './constant.ts';
import type { Attributes, DeclarationScope, Declarator } from './declaration-scope.ts';
import { QUALIFIERS, declarationSpecifiers, startsType } from './specifiers.ts';
import type { CToken } from './tokens.ts';

/** Reads `*name[2]` and the like; `build` wraps the type in front of it, from the inside out. */
export function declarator(scope: DeclarationScope, given: Attributes): Declarator {
  const pointers: ((to: CType) => CType)[] = [];
  let { tag } = given;
  for (;;) {
    const found = attributes(scope);
    tag = found.tag ?? tag;
    if (scope.cursor.accept('*')) {
      const mark = tag;
      pointers.push((to): PointerType => ({ kind: 'pointer', to, ...(mark === undefined ? {} : { tag: mark }) }));
      tag = undefined;
    } else if (Object.hasOwn(QUALIFIERS, scope.cursor.peek()?.text ?? '')) {
      const qualifier = QUALIFIERS[scope.cursor.take()!.text]!;
      pointers.push((type) => ({ kind: 'qualifier', qualifier, type }));
    } else {
      break;
    }
  }
  let inner: Declarator | undefined;
  let name: CToken | undefined;
  if (scope.cursor.peek()?.kind === 'identifier') name = scope.cursor.take();
  else if (scope.cursor.is('(') && !startsType(scope, scope.cursor.peek(1)) && !scope.cursor.is(')', 1)) {
    scope.cursor.take();
    inner = declarator(scope, {});
    scope.cursor.expect(')');
  }
  const suffixes: ((type: CType) => CType)[] = [];
  for (;;) {
    if (scope.cursor.accept('[')) {
      const tokens = scope.cursor.takeBalanced('[', ']');
      const length = tokens.length === 0 ? 0n : (constant(scope, tokens) ?? 0n);
      suffixes.push((element) => ({ kind: 'array', element, length: Number(length), declaredIn: 'c' }));
    } else if (scope.cursor.accept('(')) {
      const { parameters, variadic } = parameterList(scope);
      suffixes.push((returns) => ({ kind: 'function', returns, parameters, variadic }));
    } else {
      break;
    }
  }
  return {
    name: name ?? inner?.name,
    build(base) {
      let type = base;
      for (const wrap of pointers) type = wrap(type);
      for (const wrap of suffixes.toReversed()) type = wrap(type);
      return inner === undefined ? type : inner.build(type);
    },
  };
}

function parameterList(scope: DeclarationScope): {
  readonly parameters: { readonly name: string; readonly type: CType }[];
  readonly variadic: boolean;
} {
  const parameters: { readonly name: string; readonly type: CType }[] = [];
  let variadic = false;
  while (scope.cursor.peek() !== undefined && !scope.cursor.is(')')) {
    if (scope.cursor.accept('...')) variadic = true;
    else {
      const start = scope.cursor.peek();
      const specifiers = declarationSpecifiers(scope);
      if (specifiers === undefined) {
        scope.cursor.error(`unknown type name '${start!.text}'`, start);
        scope.cursor.takeUntil([',']);
      } else {
        const { name, build } = declarator(scope, specifiers.attributes);
        attributes(scope);
        const type = decay(build(specifiers.type));
        if (type.kind !== 'void') parameters.push({ name: name?.text ?? '', type });
      }
    }
    if (!scope.cursor.accept(',')) break;
  }
  scope.cursor.expect(')');
  return { parameters, variadic };
}

/** Reads a type without a name, as in a cast or sizeof. */
export function readTypeName(scope: DeclarationScope): CType | undefined {
  const specifiers = declarationSpecifiers(scope);
  return specifiers === undefined ? undefined : declarator(scope, specifiers.attributes).build(specifiers.type);
}

/** Arrays and functions are passed as pointers. */
function decay(type: CType): CType {
  if (type.kind === 'array') return { kind: 'pointer', to: type.element };
  return type.kind === 'function' ? { kind: 'pointer', to: type } : type;
}
