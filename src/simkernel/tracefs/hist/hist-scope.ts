import type { EventFile } from '../event-file.ts';
import type { ActionDefinition } from './hist-action.ts';
import { histsOf, histTriggers } from './hist-data.ts';
import type { HistData, HistVariable, VariableReference } from './hist-data.ts';
import type { HistError } from './hist-mistake.ts';

/** What the parts of one definition are read with, and what they leave there. */
export interface HistScope {
  readonly file: EventFile;
  /** It is only read to find the trigger that it takes off. */
  readonly isRemoval: boolean;
  readonly actions: readonly ActionDefinition[];
  /** Definitions of its own variables, as they are written. */
  readonly texts: ReadonlyMap<string, string>;
  readonly references: VariableReference[];
  /** It has a timestamp somewhere; one of them in microseconds makes all of them so. */
  usesTime: boolean;
  isInMicroseconds: boolean;
  /** Leaves a line in error_log and goes on. */
  readonly complain: (error: HistError, part: string) => void;
}

/** A variable with the histogram that keeps it. */
export interface FoundVariable {
  readonly owner: HistData;
  readonly variable: HistVariable;
}

const variableIn = (owner: HistData, name: string): FoundVariable | undefined => {
  const variable = owner.definition.variables.find((candidate) => candidate.name === name);
  return variable && { owner, variable };
};
/** find_var(): a variable of any trigger of an event. */
export function variableOf(file: EventFile, name: string): FoundVariable | undefined {
  for (const { data } of histTriggers(file)) {
    const found = variableIn(data, name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** find_event_var(): a variable by its event or, without one, of the events of onmatch() or else of any. */
export function findVariable(
  { file, actions, complain }: Pick<HistScope, 'file' | 'actions' | 'complain'>,
  event: readonly [system: string, name: string] | null,
  name: string,
): FoundVariable | undefined {
  const { array } = file;
  const inEvent = (system: string, eventName: string): FoundVariable | undefined => {
    const found = array.event(system, eventName);
    return found && variableOf(array.file(found), name);
  };
  if (event !== null) return inEvent(...event);
  const matched = new Set(actions.flatMap(({ match }) => (match === null ? [] : [match.join('.')])));
  const ofMatches = [...matched].flatMap((key) => inEvent(...(key.split('.') as [string, string])) ?? []);
  if (ofMatches.length === 1) return ofMatches[0];
  const found =
    ofMatches.length > 1 ? ofMatches : [...histsOf(array)].flatMap((owner) => variableIn(owner, name) ?? []);
  if (found.length > 1) complain('VAR_NOT_UNIQUE', name);
  return found.length === 1 ? found[0] : undefined;
}
