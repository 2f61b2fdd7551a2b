import type { EventFile } from '../event-file.ts';
import { printText } from '../print-text.ts';
import { recordKernelStack } from '../stack-records.ts';
import type { TraceArray } from '../trace-array.ts';
import { limitText, parseTriggerParameters, separateFilter } from './parameters.ts';
import { addTrigger, refuseSecond, removeTrigger } from './trigger.ts';
import type { EventTrigger, WriteTrigger } from './trigger.ts';

/** A trigger that acts on the buffers of its trace array. */
export interface SimpleTrigger {
  readonly isPost: boolean;
  /** Before it is there. */
  readonly prepare?: (array: TraceArray) => void;
  /** Nothing to do, so that it does not count. */
  readonly isIdle?: (array: TraceArray) => boolean;
  readonly act: (array: TraceArray) => void;
}
export const SIMPLE_TRIGGERS = {
  traceon: { isPost: false, isIdle: ({ isOn }) => isOn, act: (array) => (array.isOn = true) },
  traceoff: { isPost: false, isIdle: ({ isOn }) => !isOn, act: (array) => (array.isOn = false) },
  snapshot: {
    isPost: false,
    prepare: (array) => array.allocateSnapshot(),
    act: snapshotOrStop,
  },
  stacktrace: { isPost: true, act: recordKernelStack },
} as const satisfies Record<string, SimpleTrigger>;

/** tracing_snapshot_instance_cond(): somebody may have freed the buffer meanwhile. */
function snapshotOrStop(array: TraceArray): void {
  if (array.snapshotRings !== null) {
    array.takeSnapshot();
    return;
  }
  const title = 'tracing_snapshot_instance_cond: ';
  printText(array, title, '*** SNAPSHOT NOT ALLOCATED ***');
  printText(array, title, '*** stopping trace here!   ***');
  array.isOn = false;
}

/** `traceoff`, `stacktrace:5`, `snapshot if nr_rq > 1`; an event has one of each. */
export function simpleTrigger(command: keyof typeof SIMPLE_TRIGGERS): WriteTrigger {
  const row: SimpleTrigger = SIMPLE_TRIGGERS[command];
  const isSame = (trigger: EventTrigger): boolean => trigger.command === command;
  return (file, text, isRemoval) => {
    if (isRemoval) {
      removeTrigger(file, isSame);
      return 0;
    }
    const parameters = parseTriggerParameters(file, ...separateFilter(text, false));
    if (typeof parameters === 'number') return parameters;
    const second = refuseSecond(file, isSame);
    if (second < 0) return second;
    row.prepare?.(file.array);
    return addTrigger(file, createSimple(file, command, row, parameters), 'first');
  };
}

function createSimple(
  { array }: EventFile,
  command: string,
  { isPost, isIdle, act }: SimpleTrigger,
  { count, filter }: { readonly count: number | null; readonly filter: EventTrigger['filter'] },
): EventTrigger {
  let left = count;
  return {
    command,
    filter,
    needsRecord: filter !== null || isPost,
    isPost,
    get text() {
      return command + limitText(left, filter);
    },
    hit() {
      if (isIdle?.(array) === true || left === 0) return;
      if (left !== null) left -= 1;
      act(array);
    },
    remove: () => undefined,
  };
}
