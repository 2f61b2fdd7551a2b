import { alignOf, applyLayout, layoutAggregate, sizeOf, stripType } from '../../btf/layout.ts';
import type { DeclaredMember } from '../../btf/layout.ts';
import { C_INTS, intFromWords } from '../../btf/type-text.ts';
import type { CType, EnumType, PointerType, StructType, TypeSet, TypedefType, UnionType } from '../../btf/types.ts';
import { evaluateConstant } from './constant.ts';
import { CCursor } from './cursor.ts';
import type { CMessage } from './messages.ts';
import type { CToken } from './tokens.ts';

export interface ParsedDeclarations {
  /** Everything declared, in order. */
  readonly types: readonly CType[];
  readonly messages: readonly CMessage[];
}

interface Attributes {
  packed?: boolean;
  align?: number;
  /** btf_type_tag: belongs to the pointer that follows. */
  tag?: string;
}

interface Declarator {
  readonly name: CToken | undefined;
  readonly build: (base: CType) => CType;
}

interface Specifiers {
  readonly type: CType;
  readonly isTypedef: boolean;
  /** A struct, union or enum with a body or without: needs no declarator. */
  readonly isTag: boolean;
  readonly attributes: Attributes;
}

type Aggregate = StructType | UnionType;

interface Tag {
  readonly type: Aggregate | EnumType;
  defined?: CToken;
  /** Its closing brace has been read. */
  complete?: true;
}

const INT_WORDS: ReadonlySet<string> = new Set([
  'char',
  'short',
  'int',
  'long',
  'signed',
  'unsigned',
  '__signed__',
  '__signed',
  '_Bool',
  '__int128',
  '__int128_t',
  '__uint128_t',
]);
const QUALIFIERS: Readonly<Record<string, 'const' | 'volatile' | 'restrict'>> = {
  const: 'const',
  __const: 'const',
  volatile: 'volatile',
  __volatile__: 'volatile',
  restrict: 'restrict',
  __restrict: 'restrict',
  __restrict__: 'restrict',
};
const IGNORED: ReadonlySet<string> = new Set([
  'extern',
  'static',
  'inline',
  '__inline',
  '__inline__',
  'register',
  'auto',
  '_Noreturn',
  '__extension__',
  '_Thread_local',
]);
const FLOATS: Readonly<Record<string, number>> = { float: 4, double: 8, _Float128: 16 };

/** Parses the declarations of a script's preamble. Names that it does not declare come from `known`, the kernel's types. */
export function parseDeclarations(tokens: readonly CToken[], known: TypeSet): ParsedDeclarations {
  const messages: CMessage[] = [];
  const cursor = new CCursor(tokens, messages);
  const definedTags = cursor.definedTags();
  /** Tags by `struct name`, with the place of their definition once they have one. */
  const tags = new Map<string, Tag>();
  /** Where each tag is named first: what clang calls its forward declaration. */
  const mentions = new Map<string, CToken>();
  const typedefs = new Map<string, TypedefType>();
  const enumerators = new Map<string, bigint>();
  const types: CType[] = [];

  while (cursor.peek() !== undefined) externalDeclaration();
  return { types, messages };

  function externalDeclaration(): void {
    if (cursor.accept(';')) return;
    if (cursor.is('_Static_assert') || cursor.is('static_assert')) return skipDeclaration();
    const start = cursor.peek()!;
    const specifiers = declarationSpecifiers();
    if (specifiers === undefined) {
      cursor.error(
        start.kind === 'identifier' ? `unknown type name '${start.text}'` : "expected identifier or '('",
        start,
      );
      if (cursor.peek() === start) cursor.take();
      return skipDeclaration();
    }
    if (specifiers.isTag && cursor.accept(';')) return;
    for (;;) {
      const { name, build } = declarator(specifiers.attributes);
      attributes();
      if (name === undefined) {
        if (specifiers.isTag) cursor.expect(';', `expected ';' after ${tagWord(specifiers.type)}`);
        else cursor.error("expected identifier or '('", cursor.peek());
        return specifiers.isTag ? undefined : skipDeclaration();
      }
      const type = build(specifiers.type);
      if (specifiers.isTypedef) declareTypedef(name, type);
      // A function of a real header: only its types matter.
      if (cursor.accept('{')) return void cursor.takeBalanced('{', '}');
      if (cursor.accept('=')) cursor.takeUntil([',', ';']);
      if (!cursor.accept(',')) break;
    }
    if (!cursor.expect(';', "expected ';' after top level declarator")) skipDeclaration();
  }

  function skipDeclaration(): void {
    cursor.takeUntil([';']);
    if (!cursor.accept(';')) cursor.take();
  }

  function declareTypedef(name: CToken, type: CType): void {
    const typedef: TypedefType = { kind: 'typedef', name: name.text, type };
    typedefs.set(name.text, typedef);
    types.push(typedef);
  }

  function declarationSpecifiers(): Specifiers | undefined {
    const words: string[] = [];
    const qualifiers: ('const' | 'volatile' | 'restrict')[] = [];
    const found: Attributes = {};
    let type: CType | undefined;
    let isTypedef = false;
    let isTag = false;
    for (let token = cursor.peek(); token !== undefined; token = cursor.peek()) {
      const { text } = token;
      if (Object.hasOwn(QUALIFIERS, text)) {
        qualifiers.push(QUALIFIERS[text]!);
        cursor.take();
      } else if (IGNORED.has(text)) {
        cursor.take();
      } else if (text === 'typedef') {
        isTypedef = true;
        cursor.take();
      } else if (isAttribute()) {
        Object.assign(found, attributes());
      } else if (
        INT_WORDS.has(text) ||
        (text === 'bool' && type === undefined && known.typedef('bool') === undefined)
      ) {
        words.push(...intWords(text));
        cursor.take();
      } else if (type !== undefined || words.some((word) => word !== 'long')) {
        break;
      } else if (Object.hasOwn(FLOATS, text)) {
        type = { kind: 'float', name: [...words, text].join(' '), size: words.length > 0 ? 16 : FLOATS[text]! };
        words.length = 0;
        cursor.take();
      } else if (words.length > 0) {
        break;
      } else if (text === 'void') {
        type = { kind: 'void' };
        cursor.take();
      } else if (text === 'struct' || text === 'union') {
        cursor.take();
        type = aggregateSpecifier(text);
        isTag = true;
      } else if (text === 'enum') {
        cursor.take();
        type = enumSpecifier();
        isTag = true;
      } else if (token.kind === 'identifier') {
        type = typeName(text);
        if (type === undefined) break;
        cursor.take();
      } else {
        break;
      }
    }
    if (words.length > 0) type = intFromWords(words) ?? C_INTS.int;
    if (type === undefined) return undefined;
    for (const qualifier of new Set(qualifiers)) type = { kind: 'qualifier', qualifier, type };
    return { type, isTypedef, isTag, attributes: found };
  }

  function typeName(name: string): CType | undefined {
    return typedefs.get(name) ?? known.typedef(name);
  }

  function startsType(token: CToken | undefined): boolean {
    if (token === undefined) return false;
    const { text } = token;
    return (
      INT_WORDS.has(text) ||
      Object.hasOwn(QUALIFIERS, text) ||
      Object.hasOwn(FLOATS, text) ||
      /^(void|struct|union|enum|typedef|__attribute__)$/.test(text) ||
      IGNORED.has(text) ||
      (token.kind === 'identifier' && typeName(text) !== undefined)
    );
  }

  /** The tag's type; created empty when the tokens define it further on, so that pointers to it are already right. */
  function tagged<T extends 'struct' | 'union'>(of: T, name: CToken): CType {
    const key = `${of} ${name.text}`;
    if (!mentions.has(key)) mentions.set(key, name);
    const own = tags.get(key);
    if (own !== undefined) return own.type;
    if (definedTags.has(key)) {
      const type: Aggregate = { kind: of, name: name.text, size: 0, members: [] };
      tags.set(key, { type });
      return type;
    }
    return (
      (of === 'struct' ? known.struct(name.text) : known.union(name.text)) ?? { kind: 'forward', name: name.text, of }
    );
  }

  function aggregateSpecifier(of: 'struct' | 'union'): CType {
    const found = attributes();
    const name = cursor.peek()?.kind === 'identifier' ? cursor.take() : undefined;
    Object.assign(found, attributes());
    if (!cursor.accept('{')) {
      if (name !== undefined) return tagged(of, name);
      cursor.error(`declaration of anonymous ${of} must be a definition`, cursor.peek());
      return C_INTS.int;
    }
    const entry = define(of, name);
    const declared = memberList();
    cursor.expect('}', "expected '}'");
    Object.assign(found, attributes());
    if (entry !== undefined) {
      applyLayout(
        entry,
        layoutAggregate(of, declared, {
          packed: found.packed === true,
          ...(found.align === undefined ? {} : { align: found.align }),
        }),
      );
      types.push(entry);
      const tag = tags.get(`${of} ${entry.name}`);
      if (tag?.type === entry) tag.complete = true;
    }
    return entry ?? tagged(of, name!);
  }

  /** The object to fill, or undefined after a complaint when the tag is defined already. */
  function define(of: 'struct' | 'union', name: CToken | undefined): Aggregate | undefined {
    const fresh: Aggregate = { kind: of, name: name?.text ?? '', size: 0, members: [] };
    if (name === undefined) return fresh;
    const key = `${of} ${name.text}`;
    const entry: Tag = tags.get(key) ?? { type: fresh };
    if (isRedefinition(entry, name)) return undefined;
    entry.defined = name;
    tags.set(key, entry);
    return entry.type as Aggregate;
  }

  function isRedefinition(entry: { readonly defined?: CToken }, name: CToken): boolean {
    if (entry.defined === undefined) return false;
    cursor.error(`redefinition of '${name.text}'`, name);
    cursor.note('previous definition is here', entry.defined);
    return true;
  }

  function memberList(): readonly DeclaredMember[] {
    const members: DeclaredMember[] = [];
    const places = new Map<string, CToken>();
    while (cursor.peek() !== undefined && !cursor.is('}')) {
      if (cursor.accept(';')) continue;
      const start = cursor.peek()!;
      let specifiers = declarationSpecifiers();
      if (specifiers === undefined) {
        if (start.kind !== 'identifier') {
          cursor.error("expected member name or ';' after declaration specifiers", start);
          // A bracket that nothing opened would stop us here for ever.
          if (cursor.takeUntil([';']).length === 0) cursor.take();
          continue;
        }
        cursor.error(`unknown type name '${start.text}'`, start);
        cursor.take();
        specifiers = { type: C_INTS.int, isTypedef: false, isTag: false, attributes: {} };
      }
      if (cursor.is(';')) {
        const bare = stripType(specifiers.type);
        if ((bare.kind === 'struct' || bare.kind === 'union') && bare.name === '') {
          members.push({ name: '', type: specifiers.type, ...alignment(specifiers.attributes) });
        }
      } else {
        memberDeclarators(specifiers, members, places);
      }
      if (!cursor.expect(';', "expected ';' at end of declaration list")) cursor.takeUntil([';']);
    }
    return members;
  }

  function memberDeclarators(specifiers: Specifiers, members: DeclaredMember[], places: Map<string, CToken>): void {
    do {
      const { name, build } = declarator(specifiers.attributes);
      const type = build(specifiers.type);
      const bits = cursor.accept(':') ? constant(cursor.takeUntil([',', ';', '__attribute__'])) : undefined;
      const late = { ...specifiers.attributes, ...attributes() };
      if (name === undefined && bits === undefined) {
        cursor.error("expected member name or ';' after declaration specifiers", cursor.peek());
        cursor.takeUntil([';']);
        return;
      }
      const size = sizeOf(type);
      if (size === undefined || isUnfinished(type)) {
        reportIncomplete(name!, type);
        continue;
      }
      if (bits !== undefined && Number(bits) > size * 8) {
        const label = name === undefined ? 'anonymous bit-field' : `bit-field '${name.text}'`;
        cursor.error(
          `width of ${label} (${bits} bits) exceeds the width of its type (${size * 8} bits)`,
          name ?? cursor.peek(),
        );
        continue;
      }
      const previous = name === undefined ? undefined : places.get(name.text);
      if (name !== undefined && previous !== undefined) {
        cursor.error(`duplicate member '${name.text}'`, name);
        cursor.note('previous declaration is here', previous);
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
    } while (cursor.accept(','));
  }

  function isUnfinished(type: CType): boolean {
    let bare = stripType(type);
    while (bare.kind === 'array') bare = stripType(bare.element);
    if (bare.kind !== 'struct' && bare.kind !== 'union') return false;
    const entry = tags.get(`${bare.kind} ${bare.name}`);
    return entry?.type === bare && entry.complete !== true;
  }

  function reportIncomplete(name: CToken, type: CType): void {
    let bare = stripType(type);
    while (bare.kind === 'array') bare = stripType(bare.element);
    if (bare.kind === 'function') return cursor.error(`field '${name.text}' declared as a function`, name);
    const text = 'name' in bare ? `${bare.kind === 'forward' ? bare.of : bare.kind} ${bare.name}` : 'void';
    cursor.error(`field has incomplete type '${text}'`, name);
    const begun = tags.get(text)?.defined;
    const mention = mentions.get(text);
    if (begun !== undefined) cursor.note(`definition of '${text}' is not complete until the closing '}'`, begun);
    else if (mention !== undefined) cursor.note(`forward declaration of '${text}'`, mention);
  }

  function enumSpecifier(): CType {
    const found = attributes();
    const name = cursor.peek()?.kind === 'identifier' ? cursor.take() : undefined;
    const underlying = isUnderlyingType() ? declarationSpecifiers()?.type : undefined;
    if (!cursor.accept('{')) {
      const own = name === undefined ? undefined : tags.get(`enum ${name.text}`)?.type;
      return own ?? known.enum(name?.text ?? '') ?? C_INTS.unsignedInt;
    }
    const values: { readonly name: string; readonly value: bigint }[] = [];
    let next = 0n;
    while (cursor.peek()?.kind === 'identifier') {
      const member = cursor.take()!;
      attributes();
      if (cursor.accept('=')) next = constant(cursor.takeUntil([',', '}'])) ?? next;
      values.push({ name: member.text, value: next });
      enumerators.set(member.text, next);
      next += 1n;
      if (!cursor.accept(',')) break;
    }
    cursor.expect('}', "expected '}'");
    Object.assign(found, attributes());
    const type: EnumType = { kind: 'enum', name: name?.text ?? '', ...enumShape(values, found, underlying), values };
    const entry = tags.get(`enum ${type.name}`);
    if (name !== undefined) {
      if (entry !== undefined && isRedefinition(entry, name)) return entry.type;
      tags.set(`enum ${name.text}`, { type, defined: name, complete: true });
    }
    types.push(type);
    return type;
  }

  /** `enum e : u8 {` names the type of its values, `enum e : 3;` is a bit field without a name. */
  function isUnderlyingType(): boolean {
    return cursor.is(':') && startsType(cursor.peek(1)) && cursor.accept(':');
  }

  function declarator(given: Attributes): Declarator {
    const pointers: ((to: CType) => CType)[] = [];
    let { tag } = given;
    for (;;) {
      const found = attributes();
      tag = found.tag ?? tag;
      if (cursor.accept('*')) {
        const mark = tag;
        pointers.push((to): PointerType => ({ kind: 'pointer', to, ...(mark === undefined ? {} : { tag: mark }) }));
        tag = undefined;
      } else if (Object.hasOwn(QUALIFIERS, cursor.peek()?.text ?? '')) {
        const qualifier = QUALIFIERS[cursor.take()!.text]!;
        pointers.push((type) => ({ kind: 'qualifier', qualifier, type }));
      } else {
        break;
      }
    }
    let inner: Declarator | undefined;
    let name: CToken | undefined;
    if (cursor.peek()?.kind === 'identifier') name = cursor.take();
    else if (cursor.is('(') && !startsType(cursor.peek(1)) && !cursor.is(')', 1)) {
      cursor.take();
      inner = declarator({});
      cursor.expect(')');
    }
    const suffixes: ((type: CType) => CType)[] = [];
    for (;;) {
      if (cursor.accept('[')) {
        const tokens = cursor.takeBalanced('[', ']');
        const length = tokens.length === 0 ? 0n : (constant(tokens) ?? 0n);
        suffixes.push((element) => ({ kind: 'array', element, length: Number(length) }));
      } else if (cursor.accept('(')) {
        const { parameters, variadic } = parameterList();
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

  function parameterList(): {
    readonly parameters: { readonly name: string; readonly type: CType }[];
    readonly variadic: boolean;
  } {
    const parameters: { readonly name: string; readonly type: CType }[] = [];
    let variadic = false;
    while (cursor.peek() !== undefined && !cursor.is(')')) {
      if (cursor.accept('...')) variadic = true;
      else {
        const start = cursor.peek();
        const specifiers = declarationSpecifiers();
        if (specifiers === undefined) {
          cursor.error(`unknown type name '${start!.text}'`, start);
          cursor.takeUntil([',']);
        } else {
          const { name, build } = declarator(specifiers.attributes);
          attributes();
          const type = decay(build(specifiers.type));
          if (type.kind !== 'void') parameters.push({ name: name?.text ?? '', type });
        }
      }
      if (!cursor.accept(',')) break;
    }
    cursor.expect(')');
    return { parameters, variadic };
  }

  function isAttribute(): boolean {
    return cursor.is('__attribute__') || cursor.is('__attribute') || cursor.is('_Alignas') || cursor.is('__asm__');
  }

  function attributes(): Attributes {
    const found: Attributes = {};
    while (isAttribute()) {
      const keyword = cursor.take()!;
      if (!cursor.expect('(')) break;
      const body = cursor.takeBalanced('(', ')');
      if (keyword.text === '_Alignas') found.align = alignmentValue(body);
      else if (keyword.text !== '__asm__') cursor.within(body.slice(1, -1), () => attributeList(found));
    }
    return found;
  }

  function attributeList(found: Attributes): void {
    for (let token = cursor.take(); token !== undefined; token = cursor.take()) {
      const body = cursor.accept('(') ? cursor.takeBalanced('(', ')') : undefined;
      const name = token.text.replace(/^__(\w+)__$/, '$1');
      if (name === 'packed') found.packed = true;
      // Without a number: the largest alignment of the machine.
      else if (name === 'aligned') found.align = body === undefined ? 16 : alignmentValue(body);
      else if (name === 'btf_type_tag' && body?.[0] !== undefined) found.tag = body[0].text.slice(1, -1);
    }
  }

  function alignmentValue(tokens: readonly CToken[]): number {
    if (startsType(tokens[0])) return cursor.within(tokens, () => alignOf(readTypeName() ?? C_INTS.int));
    return Number(constant(tokens) ?? 1n);
  }

  function readTypeName(): CType | undefined {
    const specifiers = declarationSpecifiers();
    return specifiers === undefined ? undefined : declarator(specifiers.attributes).build(specifiers.type);
  }

  function constant(tokens: readonly CToken[]): bigint | undefined {
    const result = evaluateConstant(tokens, {
      value: (name) => enumerators.get(name.text) ?? known.enumerator(name.text)?.value,
      isType: startsType,
      sizeOf(operand) {
        const size = startsType(operand[0])
          ? sizeOf(cursor.within(operand, readTypeName) ?? { kind: 'void' })
          : undefined;
        return size === undefined ? undefined : BigInt(size);
      },
    });
    if (result.ok) return result.value;
    cursor.error(result.text, result.at ?? cursor.peek());
    return undefined;
  }
}

function intWords(text: string): readonly string[] {
  if (text === '__int128_t') return ['__int128'];
  if (text === '__uint128_t') return ['unsigned', '__int128'];
  return [text.replace(/^__signed(__)?$/, 'signed')];
}

function alignment({ align }: Attributes): { readonly align?: number } {
  return align === undefined ? {} : { align };
}

function tagWord(type: CType): string {
  const bare = stripType(type);
  return bare.kind === 'forward' ? bare.of : bare.kind;
}

/** Arrays and functions are passed as pointers. */
function decay(type: CType): CType {
  if (type.kind === 'array') return { kind: 'pointer', to: type.element };
  return type.kind === 'function' ? { kind: 'pointer', to: type } : type;
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
