import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { capture } from '../src/cli/golden/run-case.ts';
import { runCli } from '../src/cli/run-cli.ts';
import { SCENARIO_NAMES } from '../src/pipeline/settings.ts';

/**
 * Runs the scripts of other projects, each in a scenario that gives it something to see: `npx tsx scripts/run-tools.ts DIR...`
 * with checkouts at hand, such as bpftrace's tools/. Prints scenario, probes, events and lines of output for each. `--show NAME`
 * prints that script's output instead, `--save FOLDER` writes all outputs there; `--duration TIME` changes the 10 virtual seconds, `--kernel PROFILE` the kernel's names.
 */
interface Setting {
  readonly scenario: string;
  /** Positional arguments. */
  readonly args?: readonly string[];
}
/** Processes of the scenario `server` that scripts ask for by their number. */
const SSH_SESSION = '18988';
const MYSQLD = '18644';
/** The PID namespace of a web application in the scenario `containers`. */
const SHOP_NAMESPACE = '4026532256';
/** bpftrace keeps scripts for older kernels in a folder of this name. */
const OLD = /^old\//;
const OLD_KERNEL = '5.0-book';

/** Scripts whose subject is elsewhere than in the scenario `server`. */
const SETTINGS: readonly (readonly [pattern: RegExp, setting: Setting])[] = [
  [/^shellsnoop/, { scenario: 'server', args: [SSH_SESSION] }],
  [/^overlayfs/, { scenario: 'containers', args: [SHOP_NAMESPACE] }],
  [/^(pidnss|blkthrot)/, { scenario: 'containers' }],
  [/^modsnoop/, { scenario: 'idle' }],
  [/^threaded/, { scenario: 'server', args: [MYSQLD] }],
  [/^(threadsnoop|eperm|mlock|mysqld|naptime)/, { scenario: 'server' }],
  [/^smpcalls/, { scenario: 'interrupts' }],
  [/^(swapin|oomkill|vmscan|drsnoop|kswapd|shrink|hfaults|faults|vmstat)/, { scenario: 'memory' }],
  [
    /^(bio|bitesize|blk|disk|io|seeksize|mdflush|nvme|scsi|xfs|sync|writeback|fsrwstat|ext4|cachestat|readahead|writesync|dcsnoop|bufgrow|icstat|filetype|fileslower|elv)/,
    { scenario: 'disk' },
  ],
  [
    /^(exec|brkstack|ffaults|mmapfiles|filelife|pidpersec|elfsnoop|statsnoop|forks|syscount|runq|dcstat|vfssize|vfs(count|stat)|fmapfault)/,
    { scenario: 'build' },
  ],
  [/^(tcp|so|udp|net|nic|ip|undump|gethost|ssl|superping|qdisc|skb|nettx|connect|sock)/, { scenario: 'network' }],
  [/^(hardirq|softirq|irq|ttysnoop|napi|kvm)/, { scenario: 'interrupts' }],
];
const DEFAULT: Setting = { scenario: 'server' };

const options = process.argv.slice(2);
function take(name: string): string | undefined {
  const at = options.indexOf(name);
  return at < 0 ? undefined : options.splice(at, 2)[1];
}
const show = take('--show');
const save = take('--save');
const duration = take('--duration') ?? '10s';
const kernel = take('--kernel');
const only = take('--only');
if (options.length === 0 || !options.every((path) => existsSync(path))) {
  console.error('usage: run-tools.ts [--show NAME] [--only PATTERN] [--duration TIME] [--kernel PROFILE] DIR...');
  process.exit(2);
}

const settingOf = (name: string): Setting =>
  SETTINGS.find(([pattern, { scenario }]) => pattern.test(name) && isBuiltIn(scenario))?.[1] ?? DEFAULT;
const isBuiltIn = (scenario: string): boolean => SCENARIO_NAMES.some((known) => known === scenario);
/** Not the lines that a script prints even when nothing happens: headings and empty ones. */
const isEvent = (line: string): boolean =>
  /\d|^\w+: \w+$/.test(line) && !/Ctrl-C|^Attached|^\d\d:\d\d:\d\d$/.test(line);

interface Row {
  readonly script: string;
  readonly scenario: string;
  readonly probes: string;
  readonly events: number;
  readonly lines: number;
  readonly problem: string;
}
async function runScript(directory: string, path: string): Promise<Row> {
  const name = basename(path, '.bt');
  const { scenario, args = [] } = settingOf(name);
  const profile = kernel ?? (OLD.test(relative(directory, path)) ? OLD_KERNEL : undefined);
  const machine = [
    '--scenario',
    scenario,
    '--duration',
    duration,
    ...(profile === undefined ? [] : ['--kernel', profile]),
  ];
  const { stdout, stderr, exitCode } = await capture(
    runCli,
    { args: ['--unsafe', ...machine, resolve(path), ...args], env: {}, directory: '.' },
    [],
  );
  const output = stdout.toString('utf8');
  if (save !== undefined) writeFileSync(join(save, `${name}.out`), Buffer.concat([stdout, stderr]));
  if (show !== undefined) process.stdout.write(output + stderr.toString('utf8'));
  const lines = output.split('\n').filter((line) => line !== '');
  const error = /^.*ERROR: (.*)$/m.exec(stderr.toString('utf8'))?.[1] ?? '';
  return {
    script: relative(directory, path),
    scenario,
    probes: /Attached (\d+) probes?/.exec(output + stderr.toString('utf8'))?.[1] ?? '-',
    events: lines.filter(isEvent).length,
    lines: lines.length,
    problem: exitCode === 0 ? '' : error,
  };
}

let silent = 0;
let refused = 0;
let total = 0;
console.log('script                                    scenario    probes  events   lines  problem');
for (const directory of options) {
  const paths = statSync(directory).isDirectory()
    ? readdirSync(directory, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.bt'))
        .sort()
        .map((file) => join(directory, file))
    : [directory];
  for (const path of paths) {
    const name = basename(path, '.bt');
    if ((show !== undefined && name !== show) || (only !== undefined && !new RegExp(only).test(name))) continue;
    const row = await runScript(directory, path);
    total += 1;
    if (row.problem !== '') refused += 1;
    else if (row.events === 0) silent += 1;
    console.log(
      `${row.script.padEnd(42)}${row.scenario.padEnd(12)}${row.probes.padStart(6)}${String(row.events).padStart(8)}` +
        `${String(row.lines).padStart(8)}  ${row.problem}`.trimEnd(),
    );
  }
}
console.log(`${total} scripts: ${total - refused - silent} with events, ${silent} without, ${refused} refused`);
