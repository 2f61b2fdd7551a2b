import type { EventFile } from '../event-file.ts';
import type { HistEntry } from './hist-map.ts';
import type { HistHit, HistValue } from './hist-field.ts';
import type { HistVariable } from './hist-data.ts';
import { HistMistake } from './hist-mistake.ts';

/** When an action runs: another event has left its variables, a variable is larger than ever, or another than before. */
export const HANDLERS = {
  onmatch: { label: '', exceeds: () => true },
  onmax: { label: 'max', exceeds: (now: bigint, before: bigint) => now > before },
  onchange: { label: 'changed', exceeds: (now: bigint, before: bigint) => now !== before },
} as const satisfies Record<
  string,
  { readonly label: string; readonly exceeds: (now: bigint, before: bigint) => boolean }
>;
export type Handler = keyof typeof HANDLERS;

/** `:onmatch(sched.sched_waking).wakeup_latency($lat,next_pid)`, `:onmax($lat).save(next_comm)` */
export interface ActionDefinition {
  readonly handler: Handler;
  /** The event of onmatch(). */
  readonly match: readonly [system: string, name: string] | null;
  /** In the handler's parentheses. */
  readonly subject: string;
  readonly action: 'trace' | 'save' | 'snapshot';
  /** As it is written: `trace`, or the synthetic event itself. */
  readonly name: string;
  readonly event: string;
  readonly parameters: readonly string[];
}
/** One that is in place. */
export interface HistAction {
  readonly definition: ActionDefinition;
  /** Where onmax() and onchange() keep what they have seen. */
  readonly track: HistVariable | null;
  readonly run: (hit: HistHit, entry: HistEntry, key: readonly HistValue[]) => void;
  readonly remove: () => void;
}

const HANDLER = /^(onmatch|onmax|onchange)\((.*)$/s;
export const isAction = (text: string): boolean => HANDLER.test(text);
/** The name of the action that takes the event as its first parameter. */
const TRACE = 'trace';
/** SYNTH_FIELDS_MAX */
const MOST_PARAMETERS = 64;

/** onmatch_parse(), track_data_parse() */
export function parseAction(file: EventFile, text: string): ActionDefinition {
  const [, handler, rest = ''] = HANDLER.exec(text)!;
  const end = rest.indexOf(')');
  const isMatch = handler === 'onmatch';
  if (end < 0) throw isMatch ? new HistMistake('NO_CLOSING_PAREN', rest) : new HistMistake(null);
  const subject = rest.slice(0, end);
  const match = isMatch ? matchedEvent(file, subject) : null;
  return { handler: handler as Handler, match, subject, ...parseCall(rest.slice(end + 1), isMatch) };
}
function matchedEvent({ array }: EventFile, text: string): readonly [string, string] {
  const dot = text.indexOf('.');
  if (dot < 0) throw new HistMistake('SUBSYS_NOT_FOUND', text);
  const [system, name] = [text.slice(0, dot), text.slice(dot + 1)];
  if (array.event(system, name) === undefined) throw new HistMistake('INVALID_SUBSYS_EVENT', name);
  return [system, name];
}

/** action_parse(): what is behind the handler. */
function parseCall(text: string, isMatch: boolean): Pick<ActionDefinition, 'action' | 'name' | 'event' | 'parameters'> {
  const dot = text.indexOf('.');
  const open = text.indexOf('(', dot);
  if (dot < 0 || open < 0) throw new HistMistake('ACTION_NOT_FOUND');
  const name = text.slice(dot + 1, open);
  const inside = text.slice(open + 1);
  const end = inside.indexOf(')');
  const list = end < 0 ? inside : inside.slice(0, end);
  const mismatch = new HistMistake('ACTION_MISMATCH', name);
  if (name.startsWith('save')) {
    const parameters = parseParameters(list);
    if (isMatch) throw mismatch;
    return { action: 'save', name, event: '', parameters };
  }
  if (name.startsWith('snapshot')) {
    if (end < 0) throw new HistMistake('NO_CLOSING_PAREN', list);
    if (isMatch) throw mismatch;
    return { action: 'snapshot', name, event: '', parameters: [] };
  }
  const parameters = parseParameters(list);
  if (!name.startsWith(TRACE)) return { action: 'trace', name, event: name, parameters };
  return { action: 'trace', name, event: parameters[0]!, parameters: parameters.slice(1) };
}
function parseParameters(text: string): readonly string[] {
  const parameters = text.split(',').map((part) => part.trim());
  if (parameters.length > MOST_PARAMETERS) throw new HistMistake('TOO_MANY_PARAMS');
  const short = parameters.find((parameter) => parameter.length < 2);
  if (short !== undefined) throw new HistMistake('INVALID_PARAM', short);
  return parameters;
}

/** print_actions_spec() */
export function actionText({ handler, subject, action, name, event, parameters }: ActionDefinition): string {
  const isKeyword = action === 'trace' && name.startsWith(TRACE);
  const list = action === 'snapshot' ? [] : isKeyword ? [event, ...parameters] : parameters;
  return `:${handler}(${subject}).${name}(${list.join(',')})`;
}
