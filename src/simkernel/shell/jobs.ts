import { SIGNAL_NUMBERS } from './signal-numbers.ts';
import type { Job } from './state.ts';

const STATE_WIDTH = 24;
const CORE = 0x80;
/** What strsignal() says where it is not the signal's name. */
const SIGNAL_TEXTS: Readonly<Record<string, string>> = {
  HUP: 'Hangup',
  INT: 'Interrupt',
  QUIT: 'Quit',
  ILL: 'Illegal instruction',
  ABRT: 'Aborted',
  BUS: 'Bus error',
  FPE: 'Floating point exception',
  KILL: 'Killed',
  USR1: 'User defined signal 1',
  SEGV: 'Segmentation fault',
  USR2: 'User defined signal 2',
  PIPE: 'Broken pipe',
  ALRM: 'Alarm clock',
  TERM: 'Terminated',
};

/** How a job stands: running, ended with a status, or by which signal. */
function jobState({ task: { exitState, exitCode } }: Job): string {
  if (exitState === 0) return 'Running';
  const signal = exitCode & 0x7f;
  const name = Object.keys(SIGNAL_NUMBERS).find((key) => SIGNAL_NUMBERS[key] === signal) ?? '';
  if (signal !== 0)
    return `${SIGNAL_TEXTS[name] ?? `Signal ${signal}`}${(exitCode & CORE) === 0 ? '' : ' (core dumped)'}`;
  const status = (exitCode >> 8) & 0xff;
  return status === 0 ? 'Done' : `Exit ${status}`;
}
/** `[1]+  Running                 sleep 10 &`; the mark says which one `fg` would take. */
export function jobText(job: Job, mark: string): string {
  const state = jobState(job);
  return `[${job.number}]${mark}  ${state.padEnd(STATE_WIDTH)}${job.text}${state === 'Running' ? ' &' : ''}`;
}
