import { exhausted } from './invalid.ts';
import { alignOf, stripType } from './layout.ts';
import type { CType, EnumType, FunctionProtoType, Member, StructType, UnionType } from './types.ts';

/**
 * Declares `name` with a type, as C reads from the inside out: `int (*name)(void)`, `char name[16]`. With an empty name this is the
 * type's text alone. Spacing as libbpf's btf_dump (the printer of vmlinux.h) has it.
 */
export function printDeclaration(type: CType, name: string, indent = ''): string {
  const { base, declarator } = unwind(type, name, indent);
  return declarator === '' ? base : `${base} ${declarator}`;
}

/** The text of a type, `struct task_struct *` or `char[16]`. */
export function printType(type: CType): string {
  return printDeclaration(type, '').replace(/(\w) \[/, '$1[');
}

function unwind(type: CType, name: string, indent: string): { readonly base: string; readonly declarator: string } {
  let declarator = name;
  let at = type;
  for (;;) {
    switch (at.kind) {
      case 'pointer': {
        const inner = at.to.kind === 'array' || at.to.kind === 'function';
        declarator = inner ? `(*${declarator})` : `*${declarator}`;
        at = at.to;
        break;
      }
      case 'array':
        declarator = `${declarator}[${at.length === 0 ? '' : at.length}]`;
        at = at.element;
        break;
      case 'function':
        declarator = `${declarator}(${printParameters(at)})`;
        at = at.returns;
        break;
      case 'qualifier':
        if (at.type.kind !== 'pointer')
          return { base: `${leadingQualifiers(at)}${baseText(innermost(at), indent)}`, ...restOf(at, declarator) };
        // A qualified pointer: the word stands behind its star.
        declarator = `* ${at.qualifier}${declarator === '' ? '' : ` ${declarator}`}`;
        at = at.type.to;
        break;
      default:
        return { base: baseText(at, indent), declarator };
    }
  }
}

function leadingQualifiers(type: CType): string {
  let words = '';
  for (let at = type; at.kind === 'qualifier'; at = at.type) words += `${at.qualifier} `;
  return words;
}

function innermost(type: CType): CType {
  let at = type;
  while (at.kind === 'qualifier' || at.kind === 'array') at = at.kind === 'array' ? at.element : at.type;
  return at;
}

function restOf(type: CType, declarator: string): { readonly declarator: string } {
  let at = type;
  let text = declarator;
  while (at.kind === 'qualifier' || at.kind === 'array') {
    if (at.kind === 'array') text += `[${at.length === 0 ? '' : at.length}]`;
    at = at.kind === 'array' ? at.element : at.type;
  }
  return { declarator: text };
}

function baseText(type: CType, indent: string): string {
  switch (type.kind) {
    case 'void':
      return 'void';
    case 'int':
    case 'float':
    case 'typedef':
      return type.name;
    case 'forward':
      return `${type.of} ${type.name}`;
    case 'struct':
    case 'union':
      return type.name === '' ? printBody(type, indent) : `${type.kind} ${type.name}`;
    case 'enum':
      return type.name === '' ? printEnumBody(type, indent) : `enum ${type.name}`;
    case 'pointer':
    case 'array':
    case 'function':
    case 'qualifier':
      return printType(type);
    default:
      return exhausted(type);
  }
}

function printParameters(type: FunctionProtoType): string {
  const texts = type.parameters.map(({ name, type: parameter }) => printDeclaration(parameter, name));
  if (type.variadic) texts.push('...');
  return texts.length === 0 ? 'void' : texts.join(', ');
}

/** `struct path { ... }` with its members, one a line. */
export function printDefinition(type: StructType | UnionType | EnumType): string {
  if (type.kind === 'enum') return `${printEnumBody(type, '')};`;
  return `${printBody(type, '')};`;
}

function printBody(type: StructType | UnionType, indent: string): string {
  const head = type.name === '' ? type.kind : `${type.kind} ${type.name}`;
  if (type.members.length === 0) return `${head} {}`;
  const lines: string[] = [];
  let end = 0;
  for (const member of type.members) {
    if (type.kind === 'struct') lines.push(...printPadding(member, end, `${indent}\t`));
    lines.push(`${indent}\t${printMember(member, `${indent}\t`)};`);
    end = member.offsetBits + (member.bitfieldSize ?? sizeBits(member.type));
  }
  const packed = isPacked(type) ? ' __attribute__((packed))' : '';
  return `${head} {\n${lines.join('\n')}\n${indent}}${packed}`;
}

function printMember(member: Member, indent: string): string {
  const text = printDeclaration(member.type, member.name, indent);
  return member.bitfieldSize === undefined ? text : `${text}: ${member.bitfieldSize}`;
}

/** A gap that alignment alone does not explain is spelt out, so that the text lays out as the original did. */
function printPadding(member: Member, endBits: number, indent: string): readonly string[] {
  const gap = member.offsetBits - endBits;
  const alignBits = alignOf(member.type) * 8;
  if (gap <= 0 || (member.bitfieldSize === undefined && gap < alignBits)) return [];
  if (member.bitfieldSize !== undefined && Math.ceil(endBits / alignBits) * alignBits === member.offsetBits) return [];
  const longs = Math.ceil(member.offsetBits / 64) - Math.ceil(endBits / 64);
  if (longs > 0 && member.offsetBits % 64 === 0) return Array.from({ length: longs }, () => `${indent}long: 64;`);
  return [`${indent}${alignBits <= 8 ? 'char' : 'int'}: ${gap};`];
}

function isPacked(type: StructType | UnionType): boolean {
  const aligns = type.members
    .filter((member) => member.bitfieldSize === undefined)
    .map((member) => alignOf(member.type));
  const wanted = Math.max(1, ...aligns);
  return (
    type.size % wanted !== 0 ||
    type.members.some(
      (member) => member.bitfieldSize === undefined && member.offsetBits % (alignOf(member.type) * 8) !== 0,
    )
  );
}

function sizeBits(type: CType): number {
  const bare = stripType(type);
  if (bare.kind === 'pointer') return 64;
  if (bare.kind === 'array') return sizeBits(bare.element) * bare.length;
  return 'size' in bare ? bare.size * 8 : 0;
}

function printEnumBody(type: EnumType, indent: string): string {
  const head = type.name === '' ? 'enum' : `enum ${type.name}`;
  const lines = type.values.map(({ name, value }) => `${indent}\t${name} = ${value},`);
  return `${head} {\n${lines.join('\n')}\n${indent}}`;
}
