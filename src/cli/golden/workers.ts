import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { CaseCommand } from './case.ts';
import type { CaseResult } from './run-case.ts';

/** Other processes of this command that run cases, a line of JSON for each: what they are asked and what they answer. */
export interface WorkerAnswer {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export const encodeResult = ({ stdout, stderr, exitCode }: CaseResult): WorkerAnswer => ({
  stdout: stdout.toString('base64'),
  stderr: stderr.toString('base64'),
  exitCode,
});
const decodeResult = ({ stdout, stderr, exitCode }: WorkerAnswer): CaseResult => ({
  stdout: Buffer.from(stdout, 'base64'),
  stderr: Buffer.from(stderr, 'base64'),
  exitCode,
});

export interface Worker {
  readonly run: (command: CaseCommand) => Promise<CaseResult>;
  readonly stop: () => void;
}

/** Starts one more process; `entry` are the words that start this command. */
export function startWorker(entry: readonly string[], subcommand: readonly string[]): Worker {
  const [program = process.execPath, ...rest] = entry;
  const child = spawn(program, [...rest, ...subcommand], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: ((answer: CaseResult) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) =>
    waiting.shift()?.(decodeResult(JSON.parse(line) as WorkerAnswer)),
  );
  // What a dead worker owes is a failure of its case.
  child.on('exit', (code) => {
    const message = Buffer.from(`the worker process ended with exit code ${code}\n`);
    for (const answer of waiting.splice(0)) answer({ stdout: Buffer.alloc(0), stderr: message, exitCode: -1 });
  });
  return {
    run: (command) =>
      new Promise((answer) => {
        waiting.push(answer);
        child.stdin.write(`${JSON.stringify(command)}\n`);
      }),
    stop: () => child.stdin.end(),
  };
}
