import { applyLayout, layoutAggregate, sizeOf, stripType } from '../../btf/layout.ts';
import type { DeclaredMember } from '../../btf/layout.ts';
import { C_INTS } from '../../btf/type-text.ts';
import type { CType } from '../../btf/types.ts';
import { attributes } from './attributes.ts';
import { constant } from './constant.ts';
import { isRedefinition } from './declaration-scope.ts';
import type { Aggregate, Attributes, DeclarationScope, Specifiers, Tag } from './declaration-scope.ts';
import { declarator } from './declarators.ts';
import { declarationSpecifiers } from './specifiers.ts';
import type { CToken } from './tokens.ts';

/** With `struct` or `union` taken: a definition, or the name of a type. */
export function aggregateSpecifier(scope: DeclarationScope, of: 'struct' | 'union'): CType {
  const found = attributes(scope);
  const name = scope.cursor.peek()?.kind === 'identifier' ? scope.cursor.take() : undefined;
  Object.assign(found, attributes(scope));
  if (!scope.cursor.accept('{')) {
    if (name !== undefined) return tagged(scope, of, name);
    scope.cursor.error(`declaration of anonymous ${of} must be a definition`, scope.cursor.peek());
    return C_INTS.int;
  }
  const entry = define(scope, of, name);
  const declared = memberList(scope);
  scope.cursor.expect('}', "expected '}'");
  Object.assign(found, attributes(scope));
  if (entry !== undefined) {
    applyLayout(
      entry,
      layoutAggregate(of, declared, {
        packed: found.packed === true,
        ...(found.align === undefined ? {} : { align: found.align }),
      }),
    );
    scope.types.push(entry);
    const tag = scope.tags.get(`${of} ${entry.name}`);
    if (tag?.type === entry) tag.complete = true;
  }
  return entry ?? tagged(scope, of, name!);
}

/** The tag's type; created empty when the tokens define it further on, so that pointers to it are already right. */
function tagged<T extends 'struct' | 'union'>(scope: DeclarationScope, of: T, name: CToken): CType {
  const key = `${of} ${name.text}`;
  if (!scope.mentions.has(key)) scope.mentions.set(key, name);
  const own = scope.tags.get(key);
  if (own !== undefined) return own.type;
  if (scope.definedTags.has(key)) {
    const type: Aggregate = { kind: of, name: name.text, size: 0, members: [] };
    scope.tags.set(key, { type });
    return type;
  }
  return (
    (of === 'struct' ? scope.known.struct(name.text) : scope.known.union(name.text)) ?? {
      kind: 'forward',
      name: name.text,
      of,
    }
  );
}

/** The object to fill, or undefined after a complaint when the tag is defined already. */
function define(scope: DeclarationScope, of: 'struct' | 'union', name: CToken | undefined): Aggregate | undefined {
  const fresh: Aggregate = { kind: of, name: name?.text ?? '', size: 0, members: [] };
  if (name === undefined) return fresh;
  const key = `${of} ${name.text}`;
  const entry: Tag = scope.tags.get(key) ?? { type: fresh };
  if (isRedefinition(scope, entry, name)) return undefined;
  entry.defined = name;
  scope.tags.set(key, entry);
  return entry.type as Aggregate;
}

function memberList(scope: DeclarationScope): readonly DeclaredMember[] {
  const members: DeclaredMember[] = [];
  const places = new Map<string, CToken>();
  while (scope.cursor.peek() !== undefined && !scope.cursor.is('}')) {
    if (scope.cursor.accept(';')) continue;
    const start = scope.cursor.peek()!;
    let specifiers = declarationSpecifiers(scope);
    if (specifiers === undefined) {
      if (start.kind !== 'identifier') {
        scope.cursor.error("expected member name or ';' after declaration specifiers", start);
        // A bracket that nothing opened would stop us here for ever.
        if (scope.cursor.takeUntil([';']).length === 0) scope.cursor.take();
        continue;
      }
      scope.cursor.error(`unknown type name '${start.text}'`, start);
      scope.cursor.take();
      specifiers = { type: C_INTS.int, isTypedef: false, isTag: false, attributes: {} };
    }
    if (scope.cursor.is(';')) {
      const bare = stripType(specifiers.type);
      if ((bare.kind === 'struct' || bare.kind === 'union') && bare.name === '') {
        members.push({ name: '', type: specifiers.type, ...alignment(specifiers.attributes) });
      }
    } else {
      memberDeclarators(scope, specifiers, members, places);
    }
    // clang only warns of the last member's missing `;`, and bpftrace keeps its warnings to itself.
    if (scope.cursor.is('}')) continue;
    if (!scope.cursor.expect(';', "expected ';' at end of declaration list")) scope.cursor.takeUntil([';']);
  }
  return members;
}

function memberDeclarators(
  scope: DeclarationScope,
  specifiers: Specifiers,
  members: DeclaredMember[],
  places: Map<string, CToken>,
): void {
  do {
    const { name, build } = declarator(scope, specifiers.attributes);
    const type = build(specifiers.type);
    const bits = scope.cursor.accept(':')
      ? constant(scope, scope.cursor.takeUntil([',', ';', '__attribute__']))
      : undefined;
    const late = { ...specifiers.attributes, ...attributes(scope) };
    if (name === undefined && bits === undefined) {
      scope.cursor.error("expected member name or ';' after declaration specifiers", scope.cursor.peek());
      scope.cursor.takeUntil([';']);
      return;
    }
    const size = sizeOf(type);
    if (size === undefined || isUnfinished(scope, type)) {
      reportIncomplete(scope, name!, type);
      continue;
    }
    if (bits !== undefined && Number(bits) > size * 8) {
      const label = name === undefined ? 'anonymous bit-field' : `bit-field '${name.text}'`;
      scope.cursor.error(
        `width of ${label} (${bits} bits) exceeds the width of its type (${size * 8} bits)`,
        name ?? scope.cursor.peek(),
      );
      continue;
    }
    const previous = name === undefined ? undefined : places.get(name.text);
    if (name !== undefined && previous !== undefined) {
      scope.cursor.error(`duplicate member '${name.text}'`, name);
      scope.cursor.note('previous declaration is here', previous);
      continue;
    }
    if (name !== undefined) places.set(name.text, name);
    members.push({
      name: name?.text ?? '',
      type,
      ...(bits === undefined ? {} : { bits: Number(bits) }),
      ...alignment(late),
      ...(late.packed === true ? { packed: true } : {}),
    });
  } while (scope.cursor.accept(','));
}

function isUnfinished(scope: DeclarationScope, type: CType): boolean {
  let bare = stripType(type);
  while (bare.kind === 'array') bare = stripType(bare.element);
  if (bare.kind !== 'struct' && bare.kind !== 'union') return false;
  const entry = scope.tags.get(`${bare.kind} ${bare.name}`);
  return entry?.type === bare && entry.complete !== true;
}

function reportIncomplete(scope: DeclarationScope, name: CToken, type: CType): void {
  let bare = stripType(type);
  while (bare.kind === 'array') bare = stripType(bare.element);
  if (bare.kind === 'function') return scope.cursor.error(`field '${name.text}' declared as a function`, name);
  const text = 'name' in bare ? `${bare.kind === 'forward' ? bare.of : bare.kind} ${bare.name}` : 'void';
  scope.cursor.error(`field has incomplete type '${text}'`, name);
  const begun = scope.tags.get(text)?.defined;
  const mention = scope.mentions.get(text);
  if (begun !== undefined) scope.cursor.note(`definition of '${text}' is not complete until the closing '}'`, begun);
  else if (mention !== undefined) scope.cursor.note(`forward declaration of '${text}'`, mention);
}

function alignment({ align }: Attributes): { readonly align?: number } {
  return align === undefined ? {} : { align };
}
