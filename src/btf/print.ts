import { exhausted } from './invalid.ts';
import { alignOf, sizeOf } from './layout.ts';
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
        if (inner) declarator = `(*${declarator})`;
        else declarator = declarator.startsWith('(') ? `* ${declarator}` : `*${declarator}`;
        at = at.to;
        break;
      }
      case 'array':
        declarator = `${declarator}[${at.length}]`;
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
    if (at.kind === 'array') text += `[${at.length}]`;
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
  const packed = type.kind === 'struct' && isPacked(type);
  const inner = `${indent}\t`;
  const lines: string[] = [];
  let end = 0;
  let wasBitfield = false;
  for (const member of type.members) {
    const isBitfield = member.bitfieldSize !== undefined;
    const align = packed ? 1 : alignOf(member.type);
    lines.push(...padding(end, member.offsetBits, align, wasBitfield && isBitfield));
    lines.push(printMember(member, inner));
    end = member.offsetBits + (member.bitfieldSize ?? (sizeOf(member.type) ?? 0) * 8);
    wasBitfield = isBitfield;
  }
  if (type.kind === 'struct') lines.push(...padding(end, type.size * 8, packed ? 1 : alignOf(type), false));
  if (lines.length === 0) return `${head} {}`;
  const suffix = packed ? ' __attribute__((packed))' : '';
  return `${head} {\n${lines.map((line) => `${inner}${line};\n`).join('')}${indent}}${suffix}`;
}

function printMember(member: Member, indent: string): string {
  const text = printDeclaration(member.type, member.name, indent);
  return member.bitfieldSize === undefined ? text : `${text}: ${member.bitfieldSize}`;
}

const PADS = [
  { name: 'long', bits: 64 },
  { name: 'int', bits: 32 },
  { name: 'short', bits: 16 },
  { name: 'char', bits: 8 },
] as const;

/**
 * Unnamed bit fields that move the next member from `from` to `to`, where alignment alone would not: first up to a boundary of the widest type that
 * fits, then in whole units of it, then a rest of the narrowest type that holds it. The choices are those of libbpf's printer.
 */
function padding(from: number, to: number, alignBytes: number, betweenBitfields: boolean): readonly string[] {
  if (from >= to) return [];
  const lines: string[] = [];
  let at = from;
  const unit = PADS.find(({ bits }) => roundUp(at, bits) <= to) ?? PADS[3];
  const boundary = roundUp(at, unit.bits);
  if (boundary > at && boundary <= to) {
    const isMissed = boundary === to ? roundUp(at, alignBytes * 8) !== boundary : to - boundary <= boundary - at;
    if (betweenBitfields) lines.push(`${unit.name}: ${boundary - at}`);
    else if (isMissed) lines.push(`${unit.name}: 0`);
    at = boundary;
  }
  for (; to - at >= unit.bits; at += unit.bits) lines.push(`${unit.name}: ${unit.bits}`);
  const rest = to - at;
  if (rest > 0) lines.push(`${PADS.findLast(({ bits }) => bits >= rest)!.name}: ${rest}`);
  return lines;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

/** Packed is what lies less aligned than its members ask for; a packed struct whose members are all in place anyway is like any other. */
function isPacked(type: StructType): boolean {
  return alignOf(type) < Math.max(1, ...type.members.map((member) => alignOf(member.type)));
}

function printEnumBody(type: EnumType, indent: string): string {
  const head = type.name === '' ? 'enum' : `enum ${type.name}`;
  const suffix = type.size <= 4 ? '' : type.signed ? 'LL' : 'ULL';
  const lines = type.values.map(({ name, value }) => `${indent}\t${name} = ${value}${suffix},`);
  return `${head} {\n${lines.join('\n')}\n${indent}}`;
}
