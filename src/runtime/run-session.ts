import { openSession, Session } from './session.ts';
import type { SessionOptions } from './session-options.ts';

export interface RunSessionOptions extends SessionOptions {
  /** Virtual time after which the session ends as by Ctrl-C. */
  readonly durationNs: number;
  /** Ctrl-C: when aborted the session detaches, runs the end probes and prints the maps. */
  readonly signal?: AbortSignal;
  /** Calls back when the tracer is sent a signal that probes may wait for. */
  readonly onUserSignal?: (handler: () => void) => void;
  /** Lets the host's event loop run between slices of the machine. */
  readonly pause?: () => Promise<void>;
}

/** Runs a loaded script from its begin probes to the maps printed at exit. */
export async function runSession(options: RunSessionOptions): Promise<{ readonly exitCode: number }> {
  const session = openSession(options);
  if (!(session instanceof Session)) return session;
  if (session.isWaiting) await runMachine(session, options);
  return { exitCode: session.close() };
}

async function runMachine(session: Session, options: RunSessionOptions): Promise<void> {
  const { kernel, signal, durationNs, pause = nextTurn } = options;
  const until = kernel.now() + durationNs;
  const stop = (): void => kernel.stop();
  let signalled = false;
  signal?.addEventListener('abort', stop);
  if (session.takesSignals)
    options.onUserSignal?.(() => {
      signalled = true;
      kernel.stop();
    });
  while (!session.isOver() && signal?.aborted !== true && kernel.now() < until) {
    kernel.run(until);
    await pause();
    if (!signalled) continue;
    signalled = false;
    session.runSignalProbes();
  }
  signal?.removeEventListener('abort', stop);
}

/** A timer would wait for a millisecond, but not every host has setImmediate. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
