import { stripType } from '../../btf/layout.ts';
import type { CType, TypeSet, TypedefType } from '../../btf/types.ts';
import { attributes } from './attributes.ts';
import { CCursor } from './cursor.ts';
import type { DeclarationScope } from './declaration-scope.ts';
import { declarator } from './declarators.ts';
import type { CMessage } from './messages.ts';
import { declarationSpecifiers } from './specifiers.ts';
import type { CToken } from './tokens.ts';

export interface ParsedDeclarations {
  /** Everything declared, in order. */
  readonly types: readonly CType[];
  readonly messages: readonly CMessage[];
}

/** Parses the declarations of a script's preamble. Names that it does not declare come from `known`, the kernel's types. */
export function parseDeclarations(tokens: readonly CToken[], known: TypeSet): ParsedDeclarations {
  const messages: CMessage[] = [];
  const cursor = new CCursor(tokens, messages);
  const scope: DeclarationScope = {
    cursor,
    known,
    definedTags: cursor.definedTags(),
    tags: new Map(),
    mentions: new Map(),
    typedefs: new Map(),
    enumerators: new Map(),
    types: [],
  };
  while (cursor.peek() !== undefined) externalDeclaration(scope);
  return { types: scope.types, messages };
}

function externalDeclaration(scope: DeclarationScope): void {
  if (scope.cursor.accept(';')) return;
  if (scope.cursor.is('_Static_assert') || scope.cursor.is('static_assert')) return skipDeclaration(scope);
  const start = scope.cursor.peek()!;
  const specifiers = declarationSpecifiers(scope);
  if (specifiers === undefined) {
    scope.cursor.error(
      start.kind === 'identifier' ? `unknown type name '${start.text}'` : "expected identifier or '('",
      start,
    );
    if (scope.cursor.peek() === start) scope.cursor.take();
    return skipDeclaration(scope);
  }
  if (specifiers.isTag && scope.cursor.accept(';')) return;
  for (;;) {
    const { name, build } = declarator(scope, specifiers.attributes);
    attributes(scope);
    if (name === undefined) {
      if (specifiers.isTag) scope.cursor.expect(';', `expected ';' after ${tagWord(specifiers.type)}`);
      else scope.cursor.error("expected identifier or '('", scope.cursor.peek());
      return specifiers.isTag ? undefined : skipDeclaration(scope);
    }
    const type = build(specifiers.type);
    if (specifiers.isTypedef) declareTypedef(scope, name, type);
    // A function of a real header: only its types matter.
    if (scope.cursor.accept('{')) return void scope.cursor.takeBalanced('{', '}');
    if (scope.cursor.accept('=')) scope.cursor.takeUntil([',', ';']);
    if (!scope.cursor.accept(',')) break;
  }
  if (!scope.cursor.expect(';', "expected ';' after top level declarator")) skipDeclaration(scope);
}

function skipDeclaration(scope: DeclarationScope): void {
  scope.cursor.takeUntil([';']);
  if (!scope.cursor.accept(';')) scope.cursor.take();
}

function declareTypedef(scope: DeclarationScope, name: CToken, type: CType): void {
  const typedef: TypedefType = { kind: 'typedef', name: name.text, type };
  scope.typedefs.set(name.text, typedef);
  scope.types.push(typedef);
}

function tagWord(type: CType): string {
  const bare = stripType(type);
  return bare.kind === 'forward' ? bare.of : bare.kind;
}
