// Start-up: a hello-world one-liner from process start to exit, against an empty Node process, interleaved.
// Usage: npm run build && node bench/startup.mjs [runs]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../dist/tsbpftrace.cjs', import.meta.url));
const runs = Number(process.argv[2] ?? 15);
const CASES = {
  'empty node': ['-e', ''],
  'hello world': [command, '-e', 'begin { printf("hello world\\n"); }'],
  'list syscalls': [command, '-l', 'tracepoint:syscalls:sys_enter_*'],
  'count syscalls, 1 s': [
    command,
    '--duration',
    '1s',
    '-e',
    'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }',
  ],
};

const times = Object.fromEntries(Object.keys(CASES).map((name) => [name, []]));
for (let run = 0; run < runs; run++) {
  for (const [name, args] of Object.entries(CASES)) {
    const start = process.hrtime.bigint();
    const result = spawnSync(process.execPath, args, { encoding: 'utf8' });
    times[name].push(Number(process.hrtime.bigint() - start) / 1e6);
    if (result.status !== 0) throw new Error(`${name} failed: ${result.stderr}`);
  }
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const base = median(times['empty node']);
console.log('case                  min ms  median ms  max ms  ratio to empty node');
for (const [name, values] of Object.entries(times)) {
  const row = [Math.min(...values), median(values), Math.max(...values)].map((ms) => ms.toFixed(0));
  console.log(
    `${name.padEnd(22)}${row[0].padStart(6)}${row[1].padStart(11)}${row[2].padStart(8)}${(median(values) / base).toFixed(2).padStart(21)}`,
  );
}
