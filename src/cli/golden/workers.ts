import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { CaseCommand } from './case.ts';
import type { CaseResult } from './run-case.ts';

/** Other processes of this command that run cases, a line of JSON for each: what they are asked and what they answer. */
export type WorkerAnswer =
  | { readonly stdout: string; readonly stderr: string; readonly exitCode: number }
  /** The case could not be run to its end. */
  | { readonly failure: string };

export const encodeResult = ({ stdout, stderr, exitCode }: CaseResult): WorkerAnswer => ({
  stdout: stdout.toString('base64'),
  stderr: stderr.toString('base64'),
  exitCode,
});
function decodeResult(answer: WorkerAnswer): CaseResult {
  if ('failure' in answer) throw new CaseFailure(answer.failure);
  const { stdout, stderr, exitCode } = answer;
  return { stdout: Buffer.from(stdout, 'base64'), stderr: Buffer.from(stderr, 'base64'), exitCode };
}

/** Why a case has no result. */
class CaseFailure extends Error {}

/** What to tell of something thrown while a case ran: of mistakes of our own also where they are. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isExpected = error instanceof CaseFailure || 'syscall' in error;
  return isExpected ? error.message : (error.stack ?? error.message);
}

/** Runs one case after the other in another process. */
export interface Worker {
  /** Fails with the case that its process dies of; the next case gets a new process. */
  readonly run: (command: CaseCommand) => Promise<CaseResult>;
  readonly stop: () => void;
}

/** A process and whoever waits for its answer. */
interface WorkerProcess {
  readonly ask: (command: CaseCommand, settle: Settle) => void;
  readonly stop: () => void;
}
type Settle = (result: () => CaseResult) => void;

/** A worker; `entry` are the words that start this command. */
export function createWorker(entry: readonly string[], subcommand: readonly string[]): Worker {
  let current: WorkerProcess | undefined;
  const forget = (): void => {
    current = undefined;
  };
  return {
    run: (command) =>
      new Promise<() => CaseResult>((settle) => {
        current ??= startProcess([...entry, ...subcommand], forget);
        current.ask(command, settle);
      }).then((result) => result()),
    stop: () => current?.stop(),
  };
}

function startProcess([program = process.execPath, ...args]: readonly string[], onEnd: () => void): WorkerProcess {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let waiting: Settle | undefined;
  let hasEnded = false;
  const settle = (result: () => CaseResult): void => {
    waiting?.(result);
    waiting = undefined;
  };
  const end = (reason: string): void => {
    // 'error' and then 'close' tell of one end.
    if (hasEnded) return;
    hasEnded = true;
    onEnd();
    settle(() => {
      throw new CaseFailure(reason);
    });
  };
  createInterface({ input: child.stdout }).on('line', (line) =>
    settle(() => decodeResult(JSON.parse(line) as WorkerAnswer)),
  );
  child.on('error', ({ message }) => end(`the worker process did not start: ${message}`));
  // Not 'exit': what the process wrote last may still be under way then.
  child.on('close', (code, signal) =>
    end(`the worker process ended ${signal === null ? `with exit code ${code}` : `by ${signal}`}`),
  );
  // A process that is gone breaks the pipe to it; 'close' tells the same with its reason.
  child.stdin.on('error', () => undefined);
  return {
    ask(command, answer) {
      waiting = answer;
      child.stdin.write(`${JSON.stringify(command)}\n`);
    },
    stop: () => child.stdin.end(),
  };
}
