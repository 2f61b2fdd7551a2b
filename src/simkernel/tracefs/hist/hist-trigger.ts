import { EEXIST, EINVAL, ENOENT } from '../../errno.ts';
import type { EventFile } from '../event-file.ts';
import type { Filter } from '../filter.ts';
import { parseTriggerFilter } from '../triggers/parameters.ts';
import { addTrigger, removeTrigger } from '../triggers/trigger.ts';
import type { EventTrigger, WriteTrigger } from '../triggers/trigger.ts';
import { definitionText, parseHistDefinition, wholeText } from './hist-definition.ts';
import type { HistDefinition } from './hist-definition.ts';
import { HistMap } from './hist-map.ts';
import { HistMistake } from './hist-mistake.ts';
import type { HistError } from './hist-mistake.ts';
import { histText } from './hist-text.ts';

/** A trigger that sums up records. */
export interface HistTrigger extends EventTrigger {
  readonly definition: HistDefinition;
  readonly map: HistMap;
  isPaused: boolean;
}
const histTriggers = ({ triggers }: EventFile): readonly HistTrigger[] =>
  triggers.filter((trigger): trigger is HistTrigger => 'map' in trigger);

/** `hist:keys=...` on an event, and `!hist:...` off it. */
export const histTrigger: WriteTrigger = (file, text, isRemoval) => {
  // The filter begins at the first `if` that is a word of its own.
  const at = /\sif\s/.exec(text)?.index ?? text.length;
  const written = text.slice(0, at).trim();
  try {
    if (written === '') return -EINVAL;
    const definition = parseHistDefinition(file.event, written);
    const filter = parseTriggerFilter(file, text.slice(at).trim());
    if (typeof filter === 'number') return filter;
    const isSame = (trigger: EventTrigger): boolean => isSameHist(trigger, definition, filter);
    if (!isRemoval) return define(file, definition, filter, isSame);
    removeTrigger(file, isSame);
    return 0;
  } catch (error) {
    if (!(error instanceof HistMistake)) throw error;
    if (error.error !== null) report(file, text, error);
    return -error.errno;
  }
};
function report(file: EventFile, text: string, { message, part }: HistMistake): void {
  const command = `hist:${text}`;
  file.array.logError(
    `hist:${file.key}: error: ${message}`,
    command,
    part === '' ? 0 : Math.max(0, command.indexOf(part)),
  );
}

function isSameHist(trigger: EventTrigger, definition: HistDefinition, filter: Filter | null): boolean {
  if (!('map' in trigger)) return false;
  const other = trigger as HistTrigger;
  return (
    other.definition.name === definition.name &&
    definitionText(other.definition) === definitionText(definition) &&
    other.filter?.text === filter?.text
  );
}

function define(
  file: EventFile,
  definition: HistDefinition,
  filter: Filter | null,
  isSame: (trigger: EventTrigger) => boolean,
): number {
  const { request, name } = definition;
  const known = histTriggers(file).find(isSame);
  if (known !== undefined) {
    if (request === null) throw mistake('TRIGGER_EEXIST', EEXIST);
    if (request === 'clear') known.map.clear();
    else known.isPaused = request === 'pause';
    return 0;
  }
  const named =
    name === null
      ? undefined
      : [...file.array.touchedFiles()].flatMap(histTriggers).find((other) => other.definition.name === name);
  if (named !== undefined && definitionText(named.definition) !== definitionText(definition))
    throw new HistMistake('NAMED_MISMATCH', `name=${name}`);
  if (request === 'continue' || request === 'clear') throw mistake('TRIGGER_ENOENT_CLEAR', ENOENT);
  return addTrigger(file, createHist(definition, filter, named?.map), 'last');
}
const mistake = (error: HistError, errno: number): HistMistake => new HistMistake(error, '', errno);

/** One with the name of another fills the same histogram. */
function createHist(definition: HistDefinition, filter: Filter | null, shared: HistMap | undefined): HistTrigger {
  const { keys, values, sort, size, request } = definition;
  const map = shared ?? new HistMap(keys, values, sort, size);
  return {
    command: 'hist',
    definition,
    map,
    isPaused: request === 'pause',
    filter,
    needsRecord: true,
    isPost: false,
    get text() {
      const state = this.isPaused ? '[paused]' : '[active]';
      return `hist:${wholeText(definition)}${filter === null ? '' : ` if ${filter.text}`} ${state}\n`;
    },
    hit(view) {
      if (view !== null && !this.isPaused) map.add(view);
    },
    remove: () => undefined,
  };
}

/** The file `hist` of an event. */
export function histsText(file: EventFile): string {
  return histTriggers(file)
    .map(
      ({ text, map, definition }) =>
        `# event histogram\n#\n# trigger info: ${text}#\n\n${histText(file.array.machine, map, definition.hidesHits)}`,
    )
    .join('\n\n');
}
