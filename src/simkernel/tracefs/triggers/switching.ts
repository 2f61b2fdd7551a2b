import { EINVAL } from '../../errno.ts';
import type { EventFile } from '../event-file.ts';
import { limitText, parseTriggerParameters, separateFilter } from './parameters.ts';
import type { TriggerParameters } from './parameters.ts';
import { addTrigger, refuseSecond, removeTrigger } from './trigger.ts';
import type { EventTrigger, WriteTrigger } from './trigger.ts';

/** A trigger that does something to another event. */
export interface SwitchingTrigger {
  readonly isDone: (target: EventFile) => boolean;
  readonly act: (target: EventFile) => void;
}
const hist = (target: EventFile, isPaused: boolean): void => {
  for (const trigger of target.triggers) if ('isPaused' in trigger) trigger.isPaused = isPaused;
};
export const SWITCHING_TRIGGERS = {
  enable_event: {
    isDone: ({ isRecording }) => isRecording,
    act: (target) => void target.enable(true),
  },
  disable_event: {
    isDone: ({ isRecording }) => !isRecording,
    act: (target) => void target.enable(false),
  },
  enable_hist: { isDone: () => false, act: (target) => hist(target, false) },
  disable_hist: { isDone: () => false, act: (target) => hist(target, true) },
} as const satisfies Record<string, SwitchingTrigger>;

interface ActiveSwitch extends EventTrigger {
  readonly target: EventFile;
}

/** `enable_event:SYSTEM:EVENT[:N] [if FILTER]`; there is one for each other event. */
export function switchingTrigger(command: keyof typeof SWITCHING_TRIGGERS): WriteTrigger {
  const row: SwitchingTrigger = SWITCHING_TRIGGERS[command];
  return (file, text, isRemoval) => {
    const [parameter, filter] = separateFilter(text, true);
    const [system = '', name, count = '', ...more] = parameter.split(':');
    const event = name === undefined ? undefined : file.array.event(system, name);
    if (event === undefined || more.length > 0) return -EINVAL;
    const target = file.array.file(event);
    const isSame = (trigger: EventTrigger): boolean =>
      trigger.command === command && (trigger as ActiveSwitch).target === target;
    if (isRemoval) {
      removeTrigger(file, isSame);
      return 0;
    }
    const parameters = parseTriggerParameters(file, count, filter);
    if (typeof parameters === 'number') return parameters;
    const second = refuseSecond(file, isSame);
    if (second < 0) return second;
    // The other event is listened to from now on, so that switching it costs nothing (soft mode).
    const held = target.useSoftly(1);
    return held < 0 ? held : addTrigger(file, createSwitch(command, row, target, parameters), 'first');
  };
}

function createSwitch(
  command: string,
  { isDone, act }: SwitchingTrigger,
  target: EventFile,
  { count, filter }: TriggerParameters,
): ActiveSwitch {
  let left = count;
  return {
    command,
    target,
    filter,
    needsRecord: filter !== null,
    isPost: false,
    get text() {
      return `${command}:${target.key}${limitText(left, filter)}`;
    },
    hit() {
      if (left === 0 || isDone(target)) return;
      if (left !== null) left -= 1;
      act(target);
    },
    remove() {
      target.useSoftly(-1);
    },
  };
}
