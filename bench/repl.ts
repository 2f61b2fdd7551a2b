/**
 * How long a key takes in the REPL: what happens between a letter and the bytes for the terminal, in the thread of the
 * screen. Checking and completing are asked of the engine, which is another thread, and measured beside.
 * `npx tsx bench/repl.ts`; times are milliseconds of processor time, and ratios to a loop that is measured in the same run.
 */
import { Engine } from '../src/repl/engine/engine.ts';
import { initialModel, type Model } from '../src/repl/model/model.ts';
import { update } from '../src/repl/model/update.ts';

// As the command loads it.
process.env['NODE_ENV'] = 'production';
const { mount } = await import('../src/repl/view/mount.tsx');

const BAR_MS = 16;
const KEYS = 30;
const SETTINGS = { scenario: 'server', yaml: undefined, seed: 1, cpus: undefined, arch: undefined } as const;
const PROBE = `kprobe:vfs_read /pid > 1/ {
  $file = (struct file *)arg0;
  @start[tid, comm] = nsecs;
  if ($file->f_flags > 3) {
    @bytes[comm] = hist(arg2);
    printf("%s %d\\n", comm, arg2);
  }
}
`;

const quantile = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(share * times.length))]!;

/** Processor time of this process: what others do at the same moment does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A loop of additions, to know how fast this computer is at the moment. */
function reference(): number {
  const started = cpuMs();
  let sum = 0;
  for (let i = 0; i < 10_000_000; i++) sum = (sum + i) | 0;
  return sum === 1 ? 0 : cpuMs() - started;
}

function scriptOf(lines: number): string {
  const probes = Math.ceil(lines / (PROBE.split('\n').length - 1));
  return PROBE.repeat(probes).split('\n').slice(0, lines).join('\n');
}

async function keysIn(lines: number): Promise<readonly number[]> {
  let model: Model = initialModel({
    columns: 80,
    rows: 24,
    isColored: true,
    settings: SETTINGS,
    durationNs: undefined,
    speed: 1,
    history: [],
  });
  let drawn = (): void => undefined;
  const view = mount(model, () => drawn());
  model = update(model, { kind: 'paste', text: scriptOf(lines) }).model;
  const times: number[] = [];
  for (let i = 0; i < KEYS; i++) {
    const started = cpuMs();
    model = update(model, { kind: 'text', text: 'abcdefghij '[i % 11]! }).model;
    const painted = new Promise<void>((resolve) => (drawn = resolve));
    view.show(model);
    await painted;
    times.push(cpuMs() - started);
  }
  view.unmount();
  return times;
}

function engineOn(lines: number): { readonly check: number; readonly complete: number } {
  const text = scriptOf(lines);
  const engine = new Engine({
    settings: SETTINGS,
    engine: 'auto',
    unsafe: false,
    env: {},
    clock: () => 0,
    post: () => undefined,
  });
  const time = (action: (id: number) => void): number => {
    const times = Array.from({ length: 10 }, (_, id) => {
      const started = cpuMs();
      action(id);
      return cpuMs() - started;
    });
    return quantile(times, 0.5);
  };
  return {
    check: time((id) => engine.handle({ kind: 'check', id, text: `${text}\n// ${id}` })),
    complete: time((id) =>
      engine.handle({ kind: 'complete', id, text: `${text}\nkprobe:vfs_`, cursor: text.length + 12 }),
    ),
  };
}

const unit = reference();
console.log(`reference loop: ${unit.toFixed(1)} ms`);
let isMet = true;
for (const lines of [1, 50, 200]) {
  await keysIn(lines);
  const times = await keysIn(lines);
  const [median, late] = [quantile(times, 0.5), quantile(times, 0.95)];
  const { check, complete } = engineOn(lines);
  isMet &&= median < BAR_MS;
  console.log(
    `${String(lines).padStart(4)} lines: a key ${median.toFixed(1)} ms (95 %: ${late.toFixed(1)} ms, ${(median / unit).toFixed(2)} loops); ` +
      `in the engine's thread: check ${check.toFixed(0)} ms, complete ${complete.toFixed(0)} ms`,
  );
}
console.log(isMet ? `met: less than ${BAR_MS} ms a key` : `MISSED: ${BAR_MS} ms a key`);
process.exitCode = isMet ? 0 : 1;
