import { EEXIST } from '../../errno.ts';
import type { EventFile } from '../event-file.ts';
import type { Filter } from '../filter.ts';
import type { RecordView } from '../print-format.ts';

/** struct event_trigger_data: something that happens when an event does. */
export interface EventTrigger {
  readonly command: string;
  readonly filter: Filter | null;
  /** It can only run once the record is made: it has a filter, looks at fields, or waits until the record is kept. */
  readonly needsRecord: boolean;
  /** Runs behind the record in the buffer. */
  readonly isPost: boolean;
  /** Its line in the file `trigger`. */
  readonly text: string;
  readonly hit: (record: RecordView | null) => void;
  /** Lets go of what it holds. */
  readonly remove: () => void;
}

/** What a command does with the text behind its name: 0 or a negative error number. */
export type WriteTrigger = (file: EventFile, parameters: string, isRemoval: boolean) => number;

/** Hangs a trigger on an event: 0 or a negative error number. */
export function addTrigger(file: EventFile, trigger: EventTrigger, place: 'first' | 'last'): number {
  const error = file.useSoftly(1);
  if (error < 0) {
    trigger.remove();
    return error;
  }
  file.triggers = place === 'first' ? [trigger, ...file.triggers] : [...file.triggers, trigger];
  return 0;
}
/** Takes a trigger off, if there is such a one; none is no mistake. */
export function removeTrigger(file: EventFile, isWanted: (trigger: EventTrigger) => boolean): void {
  const found = file.triggers.find(isWanted);
  if (found === undefined) return;
  file.triggers = file.triggers.filter((trigger) => trigger !== found);
  found.remove();
  file.useSoftly(-1);
}
export function refuseSecond(file: EventFile, isSame: (trigger: EventTrigger) => boolean): number {
  return file.triggers.some(isSame) ? -EEXIST : 0;
}
