import { printType } from '../btf/print.ts';
import type { Member } from '../btf/types.ts';
import { stripType } from '../btf/layout.ts';
import type { Target } from '../lang/target.ts';
import { typeName } from '../lang/type-name.ts';
import type { Type } from '../lang/types.ts';
import { createSource } from '../source/source.ts';
import { checkScript } from './compile.ts';

/** A field that may stand behind `.` or `->`. */
export interface MemberName {
  readonly name: string;
  readonly type: string;
}

/** Nobody writes a variable of this name. */
const PROBE_VARIABLE = '__completed_expression';

/** A script up to the statement in which an expression stands, and that expression. */
export interface Unfinished {
  /** Text with unclosed braces in which a statement may follow. */
  readonly before: string;
  readonly open: number;
  readonly expression: string;
}

/** The fields of an unfinished script's expression, found by checking the script as if it ended there. */
export function membersOf({ before, open, expression }: Unfinished, target: Target): readonly MemberName[] {
  const text = `${before} $${PROBE_VARIABLE} = ${expression}; ${'}'.repeat(open)}`;
  const { typed } = checkScript({ source: createSource('stdin', text), target });
  const symbol = typed && [...typed.variables.values()].find(({ name }) => name === PROBE_VARIABLE);
  return symbol === undefined ? [] : fieldsOf(symbol.type, target);
}

function fieldsOf(type: Type, target: Target): readonly MemberName[] {
  let at = type;
  while (at.kind === 'pointer') at = at.to;
  if (at.kind === 'record') return at.fields.map((field) => ({ name: field.name, type: typeName(field.type) }));
  if (at.kind !== 'c_struct') return [];
  const { struct } = at;
  // A pointer may lead to a structure that was only declared where it was seen.
  const whole = struct.members.length > 0 ? struct : (target.types[struct.kind](struct.name) ?? struct);
  const members = flatten(whole.members);
  // What every tracepoint's record begins with is seldom what somebody looks for.
  const isCommon = ({ name }: MemberName): boolean => name.startsWith('common_');
  return [...members.filter((member) => !isCommon(member)), ...members.filter(isCommon)];
}

/** Members of anonymous structures count as the outer one's. */
function flatten(members: readonly Member[]): readonly MemberName[] {
  return members.flatMap(({ name, type }) => {
    if (name !== '') return [{ name, type: printType(type) }];
    const inner = stripType(type);
    return inner.kind === 'struct' || inner.kind === 'union' ? flatten(inner.members) : [];
  });
}
