import type { EventFile } from '../event-file.ts';
import type { EventTrigger } from '../triggers/trigger.ts';
import type { TraceArray } from '../trace-array.ts';
import type { HistAction } from './hist-action.ts';
import type { HistDefinition } from './hist-definition.ts';
import type { HistField } from './hist-field.ts';
import type { HistEntry, HistMap } from './hist-map.ts';

/** A name that an entry of a histogram keeps a value under: `ts0=common_timestamp`. */
export interface HistVariable {
  readonly name: string;
  /** What its value comes from. */
  readonly field: HistField;
}
/** A use of a variable: each hit looks its value up in its owner's entry with the same key. */
export interface VariableReference {
  readonly owner: HistData;
  readonly variable: HistVariable;
  /** A value that has been used in an expression is gone until its event happens again. */
  isReadOnce: boolean;
}

/** struct hist_trigger_data: a histogram with what hangs on it; triggers of one name share it. */
export interface HistData {
  readonly file: EventFile;
  readonly definition: HistDefinition;
  readonly map: HistMap;
  readonly references: VariableReference[];
  /** Fields that actions take as they are, kept as variables. */
  readonly fieldVariables: HistVariable[];
  /** Those of save(). */
  readonly savedVariables: HistVariable[];
  readonly actions: HistAction[];
  /** Takes off what was made for it on other events. */
  readonly undo: (() => void)[];
}

/** Of the action snapshot(): at whose value, and for which entry, the last one was taken. */
export interface ConditionalSnapshot {
  readonly data: HistData;
  value: bigint;
  entry: HistEntry | null;
}

/** A trigger that sums up records. */
export interface HistTrigger extends EventTrigger {
  readonly data: HistData;
  isPaused: boolean;
}
export const histTriggers = ({ triggers }: EventFile): readonly HistTrigger[] =>
  triggers.filter((trigger): trigger is HistTrigger => trigger.command === 'hist');

/** All histograms of a trace array, each once. */
export const histsOf = (array: TraceArray): ReadonlySet<HistData> =>
  new Set([...array.touchedFiles()].flatMap(histTriggers).map(({ data }) => data));

/** check_var_refs(): another histogram uses one of its variables. */
export function isReferredTo(data: HistData): boolean {
  return [...histsOf(data.file.array)].some(
    (other) => other !== data && other.references.some(({ owner }) => owner === data),
  );
}

/** The place of a reference among those of a histogram; one variable has one. */
export function referenceTo(references: VariableReference[], owner: HistData, variable: HistVariable): number {
  const known = references.findIndex((reference) => reference.variable === variable);
  return known >= 0 ? known : references.push({ owner, variable, isReadOnce: false }) - 1;
}
