import { EBUSY, EEXIST, EINVAL, ENOENT } from '../../errno.ts';
import type { EventFile } from '../event-file.ts';
import type { Filter } from '../filter.ts';
import type { RecordView } from '../print-format.ts';
import { findSynthetic, SYNTHETIC } from '../synthetic-event.ts';
import type { SyntheticEvent } from '../synthetic-event.ts';
import { CLOCKS } from '../trace-clock.ts';
import type { ClockName } from '../trace-clock.ts';
import { parseTriggerFilter } from '../triggers/parameters.ts';
import { addTrigger, removeTrigger } from '../triggers/trigger.ts';
import type { EventTrigger, WriteTrigger } from '../triggers/trigger.ts';
import { createAction, setVariables } from './create-action.ts';
import { histTriggers, isReferredTo } from './hist-data.ts';
import type { HistData, HistTrigger } from './hist-data.ts';
import { definitionText, parseHistDefinition, wholeText } from './hist-definition.ts';
import type { HistDefinition } from './hist-definition.ts';
import type { HistHit, HistValue } from './hist-field.ts';
import { HistMap } from './hist-map.ts';
import { histErrorText, HistMistake } from './hist-mistake.ts';
import type { HistError } from './hist-mistake.ts';
import type { HistScope } from './hist-scope.ts';
import { histText } from './hist-text.ts';

/** `hist:keys=...` on an event, and `!hist:...` off it. */
export const histTrigger: WriteTrigger = (file, text, isRemoval) => {
  const complain = complaining(file, text);
  // The filter begins at the first `if` that is a word of its own.
  const at = /\sif\s/.exec(text)?.index ?? text.length;
  const written = text.slice(0, at).trim();
  try {
    if (written === '') return -EINVAL;
    const definition = parseHistDefinition(file, written, isRemoval, complain);
    const filter = parseTriggerFilter(file, text.slice(at).trim());
    if (typeof filter === 'number') return filter;
    const isSame = (trigger: EventTrigger): boolean => isSameHist(trigger, definition, filter);
    return isRemoval ? remove(file, isSame) : define(file, definition, filter, isSame, complain);
  } catch (error) {
    if (!(error instanceof HistMistake)) throw error;
    if (error.error !== null) complain(error.error, error.part);
    return -error.errno;
  }
};
const complaining =
  (file: EventFile, text: string): HistScope['complain'] =>
  (error, part) => {
    const command = `hist:${text}`;
    const position = part === '' ? 0 : Math.max(0, command.indexOf(part));
    file.array.logError(`hist:${file.key}: error: ${histErrorText(error)}`, command, position);
  };

function isSameHist(trigger: EventTrigger, definition: HistDefinition, filter: Filter | null): boolean {
  if (trigger.command !== 'hist') return false;
  const { data, filter: otherFilter } = trigger as HistTrigger;
  return (
    data.definition.name === definition.name &&
    definitionText(data.definition) === definitionText(definition) &&
    otherFilter?.text === filter?.text
  );
}
function remove(file: EventFile, isSame: (trigger: EventTrigger) => boolean): number {
  const found = histTriggers(file).find(isSame);
  if (found !== undefined && isReferredTo(found.data)) return -EBUSY;
  removeTrigger(file, isSame);
  return 0;
}

function define(
  file: EventFile,
  definition: HistDefinition,
  filter: Filter | null,
  isSame: (trigger: EventTrigger) => boolean,
  complain: HistScope['complain'],
): number {
  const { request, name } = definition;
  const known = histTriggers(file).find(isSame);
  if (known !== undefined) {
    if (request === null) throw mistake('TRIGGER_EEXIST', EEXIST);
    if (request === 'clear') known.data.map.clear();
    else known.isPaused = request === 'pause';
    return 0;
  }
  const named =
    name === null
      ? undefined
      : [...file.array.touchedFiles()].flatMap(histTriggers).find(({ data }) => data.definition.name === name);
  if (named !== undefined && definitionText(named.data.definition) !== definitionText(definition))
    throw new HistMistake('NAMED_MISMATCH', `name=${name}`);
  if (request === 'continue' || request === 'clear') throw mistake('TRIGGER_ENOENT_CLEAR', ENOENT);
  if (definition.isTimed) setClock(file, definition.clock);
  const data = named?.data ?? createData(file, definition, complain);
  return addTrigger(file, createTrigger(file, data, filter, request === 'pause'), 'last');
}
const mistake = (error: HistError, errno: number): HistMistake => new HistMistake(error, '', errno);
/** Timestamps of different events can only be compared by one clock. */
function setClock({ array }: EventFile, clock: string): void {
  if (!Object.hasOwn(CLOCKS, clock)) throw new HistMistake('SET_CLOCK_FAIL', clock);
  array.setClock(clock as ClockName);
}

function createData(file: EventFile, definition: HistDefinition, complain: HistScope['complain']): HistData {
  const { keys, values, sort, size } = definition;
  const data: HistData = {
    file,
    definition,
    map: new HistMap(keys, values, sort, size),
    references: definition.references,
    fieldVariables: [],
    savedVariables: [],
    actions: [],
    undo: [],
  };
  const context = { data, complain, addHist };
  try {
    for (const action of definition.actions) data.actions.push(createAction(context, action));
  } catch (error) {
    letGo(data);
    throw error;
  }
  return data;
}
function addHist(file: EventFile, text: string): (() => void) | undefined {
  return histTrigger(file, text, false) < 0 ? undefined : () => void histTrigger(file, text, true);
}
function letGo(data: HistData): void {
  for (const action of data.actions) action.remove();
  for (const undo of data.undo) undo();
}

/** One with the name of another fills the same histogram, and the last of them takes it away. */
function createTrigger(file: EventFile, data: HistData, filter: Filter | null, isPaused: boolean): HistTrigger {
  const synthetic = syntheticOf(file);
  if (synthetic !== undefined) synthetic.users += 1;
  return {
    command: 'hist',
    data,
    isPaused,
    filter,
    needsRecord: true,
    isPost: false,
    get text() {
      const state = this.isPaused ? '[paused]' : '[active]';
      return `hist:${wholeText(data.definition)}${filter === null ? '' : ` if ${filter.text}`} ${state}\n`;
    },
    hit(view) {
      if (view !== null && !this.isPaused) hitHist(data, view);
    },
    remove() {
      if (synthetic !== undefined) synthetic.users -= 1;
      const isShared = [...file.array.touchedFiles()].some((other) =>
        histTriggers(other).some((trigger) => trigger !== this && trigger.data === data),
      );
      if (!isShared) letGo(data);
    },
  };
}
const syntheticOf = ({ array, event }: EventFile): SyntheticEvent | undefined =>
  event.system === SYNTHETIC ? findSynthetic(array, event.name) : undefined;

/** event_hist_trigger(): without the variables that it refers to a hit does not count. */
function hitHist(data: HistData, view: RecordView): void {
  const { map, definition, fieldVariables } = data;
  const references: HistValue[] = [];
  const before: HistHit = { array: data.file.array, view, entry: null, references };
  const key = map.keyOf(before);
  if (!resolve(data, key, references, 'others')) return;
  const entry = map.insert(key, before);
  if (entry === undefined) return;
  const hit: HistHit = { ...before, entry };
  map.sum(entry, hit);
  setVariables(entry, definition.variables, hit);
  setVariables(entry, fieldVariables, hit);
  if (resolve(data, key, references, 'own')) for (const { run } of data.actions) run(hit, entry, key);
}
/** resolve_var_refs(): the values of an entry with the same key; false: one of them has none. */
function resolve(data: HistData, key: readonly HistValue[], values: HistValue[], which: 'others' | 'own'): boolean {
  return data.references.every(({ owner, variable, isReadOnce }, i) => {
    if ((owner === data) !== (which === 'own')) return true;
    const entry = owner.map.find(key);
    if (entry === undefined || !entry.unread.has(variable)) return false;
    if (isReadOnce && which === 'others') entry.unread.delete(variable);
    values[i] = entry.variables.get(variable)!;
    return true;
  });
}

/** The file `hist` of an event. */
export function histsText(file: EventFile): string {
  return histTriggers(file)
    .map(({ text, data }) => `# event histogram\n#\n# trigger info: ${text}#\n\n${histText(file.array.machine, data)}`)
    .join('\n\n');
}
