import { commandOf } from '../src/cli/golden/case.ts';
import { capture } from '../src/cli/golden/run-case.ts';
import { runCli } from '../src/cli/run-cli.ts';

/** What a run printed, as text. */
export interface TextResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs a script file in this process, exactly as the command would, from the script's folder. */
export function runCase(path: string, options: readonly string[]): Promise<TextResult> {
  const { args, env, directory } = commandOf({ name: path, script: path, base: path.slice(0, -'.bt'.length) });
  return runArguments([...options, ...args], env, directory);
}

/** Runs the command line in this process and keeps what it prints. */
export async function runArguments(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  directory = '.',
  stdin: readonly (Uint8Array | string)[] = [],
): Promise<TextResult> {
  const { stdout, stderr, exitCode } = await capture(runCli, { args, env, directory }, stdin);
  return { stdout: stdout.toString('utf8'), stderr: stderr.toString('utf8'), exitCode };
}
