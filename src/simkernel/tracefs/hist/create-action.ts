import { EBUSY, EEXIST, EINVAL } from '../../errno.ts';
import type { EventFile } from '../event-file.ts';
import { findSynthetic } from '../synthetic-event.ts';
import type { SyntheticEvent, SyntheticField } from '../synthetic-event.ts';
import { HANDLERS } from './hist-action.ts';
import type { ActionDefinition, HistAction } from './hist-action.ts';
import { histTriggers, referenceTo } from './hist-data.ts';
import type { ConditionalSnapshot, HistData, HistTrigger, HistVariable } from './hist-data.ts';
import type { HistField, HistHit } from './hist-field.ts';
import { parseExpression } from './hist-expression.ts';
import { HistMistake } from './hist-mistake.ts';
import { findVariable, variableOf } from './hist-scope.ts';
import type { FoundVariable, HistScope } from './hist-scope.ts';

/** What an action is made with. */
export interface ActionContext {
  readonly data: HistData;
  readonly complain: HistScope['complain'];
  /** Writes a hist trigger to another event, and gives what takes it off; undefined: it was refused. */
  readonly addHist: (file: EventFile, text: string) => (() => void) | undefined;
}
type Effect = Pick<HistAction, 'run' | 'remove'>;

/** onmatch_create(), track_data_create() */
export function createAction(context: ActionContext, definition: ActionDefinition): HistAction {
  const { handler } = definition;
  const tracked = handler === 'onmatch' ? null : trackedVariable(context, definition);
  const track = tracked === null ? null : trackVariable(handler, tracked.variable.field);
  const effect = EFFECTS[definition.action](context, definition, track);
  if (tracked === null || track === null) return { definition, track: null, ...effect };
  const { exceeds } = HANDLERS[handler];
  const at = referenceTo(context.data.references, tracked.owner, tracked.variable);
  return {
    definition,
    track,
    remove: effect.remove,
    run(hit, entry, key) {
      const now = number(hit.references[at]);
      if (!exceeds(now, number(entry.variables.get(track)))) return;
      entry.variables.set(track, now);
      effect.run(hit, entry, key);
    },
  };
}
const number = (value: unknown): bigint => (typeof value === 'bigint' ? value : 0n);

function trackedVariable({ data }: ActionContext, { subject }: ActionDefinition): FoundVariable {
  if (!subject.startsWith('$')) throw new HistMistake('ONX_NOT_VAR', subject);
  const found = ownVariable(data, subject.slice(1));
  if (found === undefined) throw new HistMistake('ONX_VAR_NOT_FOUND', subject.slice(1));
  return found;
}
const trackVariable = (handler: string, field: HistField): HistVariable => ({ name: `__${handler.slice(2)}`, field });
function ownVariable(data: HistData, name: string): FoundVariable | undefined {
  const variable = data.definition.variables.find((candidate) => candidate.name === name);
  return variable && { owner: data, variable };
}

const nothing = (): void => undefined;
type CreateEffect = (context: ActionContext, definition: ActionDefinition, track: HistVariable | null) => Effect;
const EFFECTS: Record<ActionDefinition['action'], CreateEffect> = {
  trace: traceEffect,
  save: saveEffect,
  snapshot: snapshotEffect,
};

/** save(FIELD,...): what the entry shows of the record that made the variable what it is. */
function saveEffect({ data, complain }: ActionContext, { parameters }: ActionDefinition): Effect {
  if (data.savedVariables.length > 0) throw new HistMistake('TOO_MANY_SAVE_ACTIONS', '', EEXIST);
  for (const name of parameters) {
    try {
      data.savedVariables.push(fieldVariable(data, name, complain));
    } catch (error) {
      if (!(error instanceof HistMistake)) throw error;
      if (error.error !== null) complain(error.error, error.part);
      throw new HistMistake('FIELD_VAR_CREATE_FAIL', name);
    }
  }
  return { remove: nothing, run: (hit, entry) => setVariables(entry, data.savedVariables, hit) };
}
/** What a hit leaves in variables of its entry. */
export function setVariables(
  entry: NonNullable<HistHit['entry']>,
  variables: readonly HistVariable[],
  hit: HistHit,
): void {
  for (const variable of variables) {
    const value = variable.field.read(hit);
    entry.variables.set(variable, typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : value);
    entry.unread.add(variable);
  }
}
/** STR_VAR_LEN_MAX, less the 0 at its end. */
const LONGEST_TEXT = 255;

/** snapshot(): the buffers as they were when the variable was largest, or changed last; there is one such for an array. */
function snapshotEffect({ data }: ActionContext, { handler }: ActionDefinition, track: HistVariable | null): Effect {
  const { array } = data.file;
  if (array.conditionalSnapshot !== null) throw new HistMistake(null, '', EBUSY);
  const snapshot: ConditionalSnapshot = { data, value: 0n, entry: null };
  array.allocateSnapshot();
  array.conditionalSnapshot = snapshot;
  return {
    remove: () => (array.conditionalSnapshot = null),
    run(_hit, entry) {
      const value = number(entry.variables.get(track!));
      if (!HANDLERS[handler].exceeds(value, snapshot.value)) return;
      snapshot.value = value;
      snapshot.entry = entry;
      array.takeSnapshot();
    },
  };
}

const MOST_FIELD_VARIABLES = 64;
/** create_field_var(): a field of the event itself as a variable. */
function fieldVariable(data: HistData, name: string, complain: HistScope['complain']): HistVariable {
  const scope: HistScope = {
    file: data.file,
    isRemoval: false,
    actions: [],
    texts: new Map(),
    references: data.references,
    complain,
    usesTime: false,
    isInMicroseconds: false,
  };
  if (data.fieldVariables.length >= MOST_FIELD_VARIABLES) throw new HistMistake('TOO_MANY_FIELD_VARS', name);
  let field: HistField;
  try {
    field = parseExpression(scope, name, 'forVariables');
  } catch (error) {
    if (!(error instanceof HistMistake)) throw error;
    if (error.error !== null) complain(error.error, error.part);
    throw new HistMistake('FIELD_VAR_PARSE_FAIL', name);
  }
  const isTaken = ownVariable(data, name) !== undefined || variableOf(data.file, name) !== undefined;
  if (isTaken) throw new HistMistake('VAR_CREATE_FIND_FAIL', name);
  return { name, field };
}

/** A synthetic event from variables and fields (trace_action_create). */
function traceEffect(context: ActionContext, definition: ActionDefinition): Effect {
  const { data, complain } = context;
  const { event: name, parameters } = definition;
  const event = findSynthetic(data.file.array, name);
  if (event === undefined) throw new HistMistake('SYNTH_EVENT_NOT_FOUND', name);
  const places = parameters.map((parameter, i) => {
    const { owner, variable } = parameterVariable(context, definition, parameter);
    if (!fits(event.parts[i], variable.field)) throw new HistMistake('SYNTH_TYPE_MISMATCH', parameter);
    return referenceTo(data.references, owner, variable);
  });
  if (places.length !== event.parts.length) {
    complain('SYNTH_COUNT_MISMATCH', event.name);
    throw new HistMistake(null, '', EINVAL);
  }
  return holding(event, (hit) => event.fire(places.map((at) => hit.references[at]!)));
}
function holding(event: SyntheticEvent, run: (hit: HistHit) => void): Effect {
  event.users += 1;
  return { run, remove: () => (event.users -= 1) };
}

/** `$lat`, `next_pid`, `sched.sched_waking.prio`, `sched.sched_waking.$ts0` */
function parameterVariable(context: ActionContext, { match }: ActionDefinition, parameter: string): FoundVariable {
  const { data, complain } = context;
  const parts = parameter.split('.');
  // A field may have one dot and a modifier behind it only without its event.
  if (parts.length === 2) throw new HistMistake(null);
  const event = parts.length > 2 ? ([parts[0]!, parts[1]!] as const) : null;
  const name = parts.length > 2 ? parts.slice(2).join('.') : parameter;
  const isOwn = event === null || (event[0] === data.file.event.system && event[1] === data.file.event.name);
  if (name.startsWith('$')) {
    const scope = { file: data.file, actions: data.definition.actions, complain };
    const found =
      (isOwn ? ownVariable(data, name.slice(1)) : undefined) ?? findVariable(scope, event ?? match, name.slice(1));
    if (found === undefined) throw new HistMistake('PARAM_NOT_FOUND', name.slice(1));
    return found;
  }
  if (isOwn) {
    const own = ownField(context, name);
    if (own !== undefined) return own;
  }
  const from = event ?? match;
  if (from === null) throw new HistMistake(null);
  return otherField(context, from, name);
}
function ownField({ data, complain }: ActionContext, name: string): FoundVariable | undefined {
  const known = data.fieldVariables.find((variable) => variable.name === name);
  if (known !== undefined) return { owner: data, variable: known };
  try {
    const variable = fieldVariable(data, name, complain);
    data.fieldVariables.push(variable);
    return { owner: data, variable };
  } catch (error) {
    if (!(error instanceof HistMistake)) throw error;
    if (error.error !== null) complain(error.error, error.part);
    return undefined;
  }
}

/** create_field_var_hist(): a trigger of its own on the other event, with keys and filter of one that is there. */
function otherField(context: ActionContext, [system, name]: readonly [string, string], field: string): FoundVariable {
  const { data, addHist } = context;
  const { array } = data.file;
  const event = array.event(system, name);
  if (event === undefined) throw new HistMistake('EVENT_FILE_NOT_FOUND', field);
  const file = array.file(event);
  const model = histTriggers(file).find((trigger) => hasKeysOf(trigger, data));
  if (model === undefined) throw new HistMistake('HIST_NOT_FOUND', field);
  const variable = `synthetic_${field}`;
  const known = variableOf(file, variable);
  if (known !== undefined) return known;
  const keys = model.data.definition.keys.map((key) => key.name).join(',');
  const filter = model.filter === null ? '' : ` if ${model.filter.text}`;
  const remove = addHist(file, `keys=${keys}:${variable}=${field}${filter}`);
  const found = variableOf(file, variable);
  if (remove === undefined || found === undefined) throw new HistMistake('HIST_CREATE_FAIL', field);
  data.undo.push(remove);
  return found;
}
/** compatible_keys() */
function hasKeysOf({ data: { definition } }: HistTrigger, other: HistData): boolean {
  const keys = other.definition.keys;
  return (
    definition.keys.length === keys.length &&
    definition.keys.every(
      ({ type, size, isSigned }, i) =>
        type === keys[i]!.type && size === keys[i]!.size && isSigned === keys[i]!.isSigned,
    )
  );
}

/** check_synth_field() */
function fits(part: SyntheticField | undefined, field: HistField): boolean {
  if (part === undefined) return false;
  if (part.kind === 'text' && part.isDynamic && field.type.includes('char[')) return true;
  if (part.kind === 'stack' && field.type.includes('long[')) return true;
  if (part.type === field.type) return true;
  return part.size === field.size && (part.kind === 'text' || part.isSigned === field.isSigned);
}
