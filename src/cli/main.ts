import { readFileSync } from 'node:fs';
import { runCli } from './run-cli.ts';

process.exitCode = await runCli(process.argv.slice(2), {
  stdout: (bytes) => process.stdout.write(bytes),
  stderr: (bytes) => process.stderr.write(bytes),
  env: process.env,
  isTerminal: process.stdout.isTTY === true && process.stderr.isTTY === true,
  onInterrupt: (handler) => {
    process.on('SIGINT', handler);
    process.on('SIGTERM', handler);
  },
  stdin: () => readFileSync(0, 'utf8'),
});
