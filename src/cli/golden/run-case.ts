import { Readable } from 'node:stream';
import type { CliHost } from '../host.ts';
import type { CaseCommand } from './case.ts';

/** What a run printed and how it ended. */
export interface CaseResult {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly exitCode: number;
}

/** The whole command, as `runCli` is it. */
export type Command = (args: readonly string[], host: CliHost) => Promise<number>;

/** Runs a command line in this process and keeps what it prints. */
export async function capture(
  command: Command,
  { args, env, directory }: CaseCommand,
  stdin: readonly (Uint8Array | string)[] = [],
): Promise<CaseResult> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const chunks = stdin.map((chunk) => Buffer.from(chunk));
  const exitCode = await command(args, {
    stdout: (bytes) => out.push(Buffer.from(bytes)),
    stderr: (bytes) => err.push(Buffer.from(bytes)),
    env,
    directory,
    isTerminal: false,
    onInterrupt: () => undefined,
    onUserSignal: () => undefined,
    stdin: () => Buffer.concat(chunks).toString('utf8'),
    stdinChunks: () => Readable.from(chunks),
  });
  return { stdout: Buffer.concat(out), stderr: Buffer.concat(err), exitCode };
}
