interface SignalRow {
  readonly number: number;
  /** What strsignal(3) says of it. */
  readonly text: string;
}

/** Signals of x86-64 Linux by name without `SIG` (include/uapi/asm-generic/signal.h). */
const SIGNALS = {
  HUP: { number: 1, text: 'Hangup' },
  INT: { number: 2, text: 'Interrupt' },
  QUIT: { number: 3, text: 'Quit' },
  ILL: { number: 4, text: 'Illegal instruction' },
  TRAP: { number: 5, text: 'Trace/breakpoint trap' },
  ABRT: { number: 6, text: 'Aborted' },
  BUS: { number: 7, text: 'Bus error' },
  FPE: { number: 8, text: 'Floating point exception' },
  KILL: { number: 9, text: 'Killed' },
  USR1: { number: 10, text: 'User defined signal 1' },
  SEGV: { number: 11, text: 'Segmentation fault' },
  USR2: { number: 12, text: 'User defined signal 2' },
  PIPE: { number: 13, text: 'Broken pipe' },
  ALRM: { number: 14, text: 'Alarm clock' },
  TERM: { number: 15, text: 'Terminated' },
  STKFLT: { number: 16, text: 'Stack fault' },
  CHLD: { number: 17, text: 'Child exited' },
  CONT: { number: 18, text: 'Continued' },
  STOP: { number: 19, text: 'Stopped (signal)' },
  TSTP: { number: 20, text: 'Stopped' },
  TTIN: { number: 21, text: 'Stopped (tty input)' },
  TTOU: { number: 22, text: 'Stopped (tty output)' },
  URG: { number: 23, text: 'Urgent I/O condition' },
  XCPU: { number: 24, text: 'CPU time limit exceeded' },
  XFSZ: { number: 25, text: 'File size limit exceeded' },
  VTALRM: { number: 26, text: 'Virtual timer expired' },
  PROF: { number: 27, text: 'Profiling timer expired' },
  WINCH: { number: 28, text: 'Window changed' },
  IO: { number: 29, text: 'I/O possible' },
  PWR: { number: 30, text: 'Power failure' },
  SYS: { number: 31, text: 'Bad system call' },
} as const satisfies Record<string, SignalRow>;
export type SignalName = keyof typeof SIGNALS;

/** glibc keeps the first two real-time signals for itself. */
const FIRST_REAL_TIME = 34;
/** The largest signal number, SIGRTMAX. */
export const LAST_SIGNAL = 64;

const TEXTS: ReadonlyMap<number, string> = new Map(Object.values(SIGNALS).map(({ number, text }) => [number, text]));

/** The number of a signal by its name, with or without `SIG`, in any case. */
export function signalNumber(text: string): number | undefined {
  const name = text.toUpperCase().replace(/^SIG/, '');
  return Object.hasOwn(SIGNALS, name) ? SIGNALS[name as SignalName].number : undefined;
}

/** Text of a signal number from 0 to 64. */
export function signalText(number: number): string {
  if (number >= FIRST_REAL_TIME) return `Real-time signal ${number - FIRST_REAL_TIME}`;
  return TEXTS.get(number) ?? `Unknown signal ${number}`;
}
