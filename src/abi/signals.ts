/** What strsignal(3) says of the standard signals of x86-64 Linux, by number. */
const SIGNAL_TEXTS: readonly string[] = [
  'Unknown signal 0',
  'Hangup',
  'Interrupt',
  'Quit',
  'Illegal instruction',
  'Trace/breakpoint trap',
  'Aborted',
  'Bus error',
  'Floating point exception',
  'Killed',
  'User defined signal 1',
  'Segmentation fault',
  'User defined signal 2',
  'Broken pipe',
  'Alarm clock',
  'Terminated',
  'Stack fault',
  'Child exited',
  'Continued',
  'Stopped (signal)',
  'Stopped',
  'Stopped (tty input)',
  'Stopped (tty output)',
  'Urgent I/O condition',
  'CPU time limit exceeded',
  'File size limit exceeded',
  'Virtual timer expired',
  'Profiling timer expired',
  'Window changed',
  'I/O possible',
  'Power failure',
  'Bad system call',
];
/** glibc keeps the first two real-time signals for itself. */
const FIRST_REAL_TIME = 34;

/** Text of a signal number from 0 to 64. */
export function signalText(number: number): string {
  if (number >= FIRST_REAL_TIME) return `Real-time signal ${number - FIRST_REAL_TIME}`;
  return SIGNAL_TEXTS[number] ?? `Unknown signal ${number}`;
}
