import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { runCli } from './run-cli.ts';

/** Runs the command in this process. */
export async function main(): Promise<void> {
  // `| head` closes the pipe early: that ends the run, it is no mistake.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  process.exitCode = await runCli(process.argv.slice(2), {
    stdout: (bytes) => process.stdout.write(bytes),
    stderr: (bytes) => process.stderr.write(bytes),
    env: process.env,
    isTerminal: process.stdout.isTTY === true && process.stderr.isTTY === true,
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
    stdinChunks: () => Readable.from([]),
  };
  await runCli(['--duration', '10ms', '-e', script], host);
}
