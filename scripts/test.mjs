// `npm test`: formatter, linter, types, then every vitest suite (import table, unit, golden, fuzz). Stops at nothing, fails if any failed.
import { spawnSync } from 'node:child_process';

const report = process.env.TSBPFTRACE_TEST_REPORT;
const vitest = [
  'vitest',
  'run',
  ...(report ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`] : []),
];
const steps = [
  ['prettier', '--check', '--log-level=warn', 'src', 'tests', 'bench', 'scripts'],
  ['eslint', '--max-warnings=0', '.'],
  ['tsc', '--noEmit', '-p', '.'],
  [...vitest, ...process.argv.slice(2)],
];
const failed = steps.filter(([command, ...args]) => {
  console.log(`> ${command} ${args.join(' ')}`);
  return spawnSync('npx', ['--no-install', command, ...args], { stdio: 'inherit' }).status !== 0;
});
for (const [command] of failed) console.error(`failed: ${command}`);
process.exitCode = failed.length === 0 ? 0 : 1;
