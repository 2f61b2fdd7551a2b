import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Readable } from 'node:stream';
import { runCli } from '../src/cli/run-cli.ts';

export interface CaseResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Arguments as a shell line would give them: words, with single or double quotes around spaces. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]!);
}

/** `// tsbpftrace: --scenario disk --duration 5s` in the first lines of a script. */
function headerOptions(script: string): string[] {
  const header = script.split('\n', 5).flatMap((line) => /^(?:\/\/|#)\s*tsbpftrace:\s*(.*)$/.exec(line)?.[1] ?? []);
  return header.flatMap(splitWords);
}

/** Runs a script file in this process, exactly as the command would, from the script's folder. */
export async function runCase(path: string, options: readonly string[]): Promise<CaseResult> {
  const base = path.slice(0, -'.bt'.length);
  const script = readFileSync(path, 'utf8');
  const line = existsSync(`${base}.args`) ? readFileSync(`${base}.args`, 'utf8') : '';
  const words = splitWords(line).map((word) => (word === '{}' ? basename(path) : word));
  const operands = words.includes(basename(path)) ? words : [...words, basename(path)];
  const env = existsSync(`${base}.env`)
    ? Object.fromEntries(
        readFileSync(`${base}.env`, 'utf8')
          .split('\n')
          .filter((line) => line.includes('='))
          .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
      )
    : {};
  return runArguments([...options, ...headerOptions(script), ...operands], env, dirname(path));
}

/** Runs the command line in this process and keeps what it prints. */
export async function runArguments(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  directory = '.',
  stdin: readonly (Uint8Array | string)[] = [],
): Promise<CaseResult> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  const exitCode = await runCli(args, {
    stdout: (bytes) => out.push(Buffer.from(bytes)),
    stderr: (bytes) => err.push(Buffer.from(bytes)),
    env,
    directory,
    isTerminal: false,
    onInterrupt: () => undefined,
    onUserSignal: () => undefined,
    stdin: () => Buffer.concat(stdin.map((chunk) => Buffer.from(chunk))).toString('utf8'),
    stdinChunks: () => Readable.from(stdin.map((chunk) => Buffer.from(chunk))),
  });
  // latin1 keeps every byte apart: some outputs are not UTF-8.
  const text = (chunks: readonly Buffer[]): string => Buffer.concat(chunks).toString('utf8');
  return { stdout: text(out), stderr: text(err), exitCode };
}
