import { readFileSync } from 'node:fs';
import { areTerminals, isKeyboard, writeError, writeOutput } from './output.ts';
import { runCli } from './run-cli.ts';
import { openTerminal } from './terminal.ts';

/** Runs the command in this process. */
export async function main(): Promise<void> {
  process.exitCode = await runCli(process.argv.slice(2), {
    stdout: writeOutput,
    stderr: writeError,
    env: process.env,
    clock: () => Number(process.hrtime.bigint()) / 1e9,
    entry: [process.execPath, ...process.execArgv, process.argv[1]!],
    isTerminal: areTerminals(),
    isInteractive: () => areTerminals() && isKeyboard(),
    openTerminal,
    onInterrupt: (handler) => {
      process.on('SIGINT', handler);
      process.on('SIGTERM', handler);
    },
    onUserSignal: (handler) => {
      process.on('SIGUSR1', handler);
    },
    stdin: () => readFileSync(0, 'utf8'),
    stdinChunks: () => process.stdin,
  });
}

const NOTHING = (): void => undefined;

/** Runs what every run runs, without a word: the build takes the code cache after it. */
export async function warmUp(): Promise<void> {
  const script =
    'begin { printf("%s %d\\n", comm, pid); } kprobe:vfs_read /tid/ { @[comm] = count(); @h = hist(arg2); }';
  const host = {
    stdout: NOTHING,
    stderr: NOTHING,
    env: {},
    isTerminal: false,
    onInterrupt: NOTHING,
    onUserSignal: NOTHING,
    stdin: () => '',
    stdinChunks: async function* () {},
  };
  await runCli(['--duration', '10ms', '-e', script], host);
}
