import { EINVAL } from '../../errno.ts';
import type { EventFile } from '../event-file.ts';
import { histTriggers, isReferredTo } from '../hist/hist-data.ts';
import { histTrigger } from '../hist/hist-trigger.ts';
import { simpleTrigger } from './simple.ts';
import { switchingTrigger } from './switching.ts';
import { removeTrigger } from './trigger.ts';
import type { WriteTrigger } from './trigger.ts';

/** In the order in which the kernel registers them. */
const COMMANDS: Readonly<Record<string, WriteTrigger>> = {
  traceon: simpleTrigger('traceon'),
  traceoff: simpleTrigger('traceoff'),
  snapshot: simpleTrigger('snapshot'),
  stacktrace: simpleTrigger('stacktrace'),
  enable_event: switchingTrigger('enable_event'),
  disable_event: switchingTrigger('disable_event'),
  enable_hist: switchingTrigger('enable_hist'),
  disable_hist: switchingTrigger('disable_hist'),
  hist: histTrigger,
};
export const TRIGGER_NAMES: readonly string[] = Object.keys(COMMANDS);

/** A write to the file `trigger`: 0 or a negative error number. */
export function writeTrigger(file: EventFile, written: string): number {
  const [, mark, command = '', parameters = ''] = /^(!?)([^: \t]*)[: \t]?(.*)$/s.exec(written.trim()) ?? [];
  const write = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  return write === undefined ? -EINVAL : write(file, parameters, mark === '!');
}

const REMOVED_BY_TRUNCATION: ReadonlySet<string> = new Set(['hist', 'enable_hist', 'disable_hist']);
/** Opening the file `trigger` with `>` takes off histograms, if no other uses their variables, and what switches them (unreg_all). */
export function removeHists(file: EventFile): void {
  const isKept = histTriggers(file).some(({ data }) => isReferredTo(data));
  for (const trigger of file.triggers)
    if (REMOVED_BY_TRUNCATION.has(trigger.command) && !(isKept && trigger.command === 'hist'))
      removeTrigger(file, (other) => other === trigger);
}

/** The file `trigger`: what is set, or what could be. */
export function triggersText({ triggers }: EventFile): string {
  if (triggers.length > 0) return triggers.map(({ text }) => text).join('');
  return `# Available triggers:\n# ${TRIGGER_NAMES.join(' ')}\n`;
}
