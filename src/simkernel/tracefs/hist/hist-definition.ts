import type { EventFile } from '../event-file.ts';
import { parseCount } from '../triggers/parameters.ts';
import { actionText, isAction, parseAction } from './hist-action.ts';
import type { ActionDefinition } from './hist-action.ts';
import type { HistVariable, VariableReference } from './hist-data.ts';
import { parseExpression } from './hist-expression.ts';
import type { HistField } from './hist-field.ts';
import type { SortKey } from './hist-map.ts';
import { HistMistake } from './hist-mistake.ts';
import { variableOf } from './hist-scope.ts';
import type { HistScope } from './hist-scope.ts';

/** A hist trigger as it was written, without its filter. */
export interface HistDefinition {
  readonly keys: readonly HistField[];
  readonly values: readonly HistField[];
  readonly variables: readonly HistVariable[];
  readonly references: VariableReference[];
  readonly sort: readonly SortKey[];
  readonly size: number;
  readonly name: string | null;
  /** It has timestamps, of this clock. */
  readonly isTimed: boolean;
  readonly clock: string;
  readonly hidesHits: boolean;
  readonly actions: readonly ActionDefinition[];
  /** What is to be done to one that is there already. */
  readonly request: 'pause' | 'continue' | 'clear' | null;
}

const MOST_KEYS = 3;
/** The hit count is the third. */
const MOST_VALUES = 2;
const MOST_SORT_KEYS = 2;
const MOST_VARIABLES = 16;
const MOST_ACTIONS = 8;
const DEFAULT_SIZE = 2048;
/** TRACING_MAP_BITS_MIN, TRACING_MAP_BITS_MAX */
const SMALLEST_BITS = 7;
const LARGEST_BITS = 17;
const DEFAULT_CLOCK = 'global';

type Attribute = 'keys' | 'values' | 'sort' | 'size' | 'name' | 'clock';
const ASSIGNMENTS: Readonly<Record<string, Attribute>> = {
  key: 'keys',
  keys: 'keys',
  val: 'values',
  vals: 'values',
  values: 'values',
  sort: 'sort',
  size: 'size',
  name: 'name',
  clock: 'clock',
};
const REQUESTS: Readonly<Record<string, HistDefinition['request']>> = {
  pause: 'pause',
  cont: 'continue',
  continue: 'continue',
  clear: 'clear',
};

/** The parts between colons, sorted out (parse_hist_trigger_attrs). */
interface Attributes {
  readonly given: Partial<Record<Attribute, string>>;
  readonly assignments: readonly string[];
  readonly actions: readonly string[];
  readonly size: number;
  readonly hidesHits: boolean;
  readonly request: HistDefinition['request'];
}
function parseAttributes(text: string): Attributes {
  const given: Partial<Record<Attribute, string>> = {};
  const assignments: string[] = [];
  const actions: string[] = [];
  let request: HistDefinition['request'] = null;
  let hidesHits = false;
  let size = DEFAULT_SIZE;
  for (const part of text.split(':')) {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(0, equals));
    if (equals >= 0 && equals + 1 === part.length) throw new HistMistake('EMPTY_ASSIGNMENT', part);
    if (equals >= 0 && Object.hasOwn(ASSIGNMENTS, name)) {
      given[ASSIGNMENTS[name]!] = part.slice(equals + 1);
      if (name === 'size') size = parseSize(part.slice(equals + 1));
    } else if (equals >= 0) {
      if (assignments.push(part) > MOST_VARIABLES) throw new HistMistake('TOO_MANY_VARS', part);
    } else if (Object.hasOwn(REQUESTS, part)) request = REQUESTS[part]!;
    else if (part === 'nohitcount' || part === 'NOHC') hidesHits = true;
    else if (!isAction(part) || actions.push(part) > MOST_ACTIONS) throw new HistMistake(null, part);
  }
  if (given.keys === undefined) throw new HistMistake(null);
  return { given, assignments, actions, size, hidesHits, request };
}

/** parse_var_defs(): `ts0=common_timestamp,p=prio` between two colons. */
function variableTexts(assignments: readonly string[]): ReadonlyMap<string, string> {
  const pairs = assignments
    .flatMap((assignment) => assignment.split(','))
    .map((part): readonly [string, string] => {
      const equals = part.indexOf('=');
      if (equals < 0) throw new HistMistake('MALFORMED_ASSIGNMENT', part);
      return [part.slice(0, equals), part.slice(equals + 1)];
    });
  if (pairs.length > MOST_VARIABLES) throw new HistMistake('TOO_MANY_VARS', pairs[MOST_VARIABLES]![0]);
  const second = pairs.find(([name], i) => pairs.findIndex((pair) => pair[0] === name) < i);
  if (second !== undefined) throw new HistMistake('DUPLICATE_VAR', second[0]);
  return new Map(pairs);
}

/** `keys=common_pid.execname:vals=bytes_req:sort=hitcount.descending:size=256` */
export function parseHistDefinition(
  file: EventFile,
  text: string,
  isRemoval: boolean,
  complain: HistScope['complain'],
): HistDefinition {
  const { given, assignments, size, hidesHits, request, ...written } = parseAttributes(text);
  const actions = written.actions.map((action) => parseAction(file, action));
  const texts = variableTexts(assignments);
  const references: VariableReference[] = [];
  const scope: HistScope = {
    file,
    isRemoval,
    actions,
    texts,
    references,
    complain,
    usesTime: false,
    isInMicroseconds: false,
  };
  const values = parseValues(scope, given.values);
  if (hidesHits && values.length === 0) throw new HistMistake('NEED_NOHC_VAL', text);
  const variables = [...texts].map(([name, definition]) => parseVariable(scope, name, definition));
  const keys = parseKeys(scope, given.keys!);
  return {
    keys,
    values,
    variables,
    references,
    sort: parseSort(given.sort, [...values, ...keys]),
    size,
    name: given.name ?? null,
    isTimed: scope.usesTime,
    clock: given.clock?.trim() ?? DEFAULT_CLOCK,
    hidesHits,
    actions,
    request,
  };
}
function parseValues(scope: HistScope, text: string | undefined): readonly HistField[] {
  const written = (text ?? '').split(',').filter((field) => field !== '' && field !== 'hitcount');
  const values = written.map((field) => parseExpression(scope, field, 'forValues'));
  if (values.length > MOST_VALUES) throw new HistMistake(null);
  return values;
}
function parseVariable(scope: HistScope, name: string, definition: string): HistVariable {
  if (!scope.isRemoval && variableOf(scope.file, name) !== undefined) throw new HistMistake('DUPLICATE_VAR', name);
  return { name, field: parseExpression(scope, definition, 'forVariables') };
}
function parseKeys(scope: HistScope, text: string): readonly HistField[] {
  const keys = text.split(',').map((field) => {
    const before = scope.references.length;
    const key = parseExpression(scope, field, 'forKeys');
    if (scope.references.length > before) throw new HistMistake('INVALID_REF_KEY', field);
    return key;
  });
  if (keys.length > MOST_KEYS) throw new HistMistake(null);
  return keys;
}

function parseSize(text: string): number {
  const count = parseCount(text) ?? 0;
  const bits = Math.ceil(Math.log2(Math.max(1, count)));
  if (bits < SMALLEST_BITS || bits > LARGEST_BITS) throw new HistMistake(null);
  return 2 ** bits;
}

function parseSort(text: string | undefined, fields: readonly HistField[]): readonly SortKey[] {
  if (text === undefined) return [{ index: 0, isDescending: false }];
  const written = text.split(',');
  if (written.length > MOST_SORT_KEYS) throw new HistMistake('TOO_MANY_SORT_FIELDS', 'sort=');
  return written.map((word) => {
    const [name = '', modifier] = word.split('.');
    if (name === '') throw new HistMistake('EMPTY_SORT_FIELD', 'sort=');
    const index = name === 'hitcount' ? 0 : 1 + fields.findIndex((field) => field.name === name);
    if (name !== 'hitcount' && index === 0) throw new HistMistake('INVALID_SORT_FIELD', name);
    if (modifier !== undefined && modifier !== 'descending' && modifier !== 'ascending')
      throw new HistMistake('INVALID_SORT_MODIFIER', modifier);
    return { index, isDescending: modifier === 'descending' };
  });
}

/** What two triggers must agree in to be the same one, without their actions. */
function fieldsText({ keys, values, variables, sort, hidesHits }: HistDefinition): string {
  const fields = [...values, ...keys];
  const shownValues = [...(hidesHits ? [] : ['hitcount']), ...values.map(({ definition }) => definition)];
  const shownVariables = variables.map(({ name, field }) => `${name}=${field.definition}`);
  const order = sort.map(({ index, isDescending }) => {
    const name = index === 0 ? 'hitcount' : fields[index - 1]!.definition;
    return `${name}${isDescending ? '.descending' : ''}`;
  });
  return (
    `keys=${keys.map(({ definition }) => definition).join(',')}:vals=${shownValues.join(',')}` +
    `${variables.length === 0 ? '' : `:${shownVariables.join(',')}`}:sort=${order.join(',')}`
  );
}
const actionsText = ({ actions }: HistDefinition): string => actions.map(actionText).join('');
/** hist_trigger_match() */
export const definitionText = (definition: HistDefinition): string => fieldsText(definition) + actionsText(definition);
/** The whole, as the file shows it, without state and filter. */
export function wholeText(definition: HistDefinition): string {
  const { name, size, isTimed, clock, hidesHits } = definition;
  return (
    `${name === null ? '' : `name=${name}:`}${fieldsText(definition)}:size=${size}` +
    `${isTimed ? `:clock=${clock}` : ''}${hidesHits ? ':nohitcount' : ''}${actionsText(definition)}`
  );
}
