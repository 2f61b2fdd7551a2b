import type { Attachment } from '../lang/resources.ts';
import type { EventConsumer } from './events.ts';
import { NS_PER_INSTRUCTION, type Meter } from './meter.ts';
import { captureOutput } from './output/capture-output.ts';
import type { Output } from './output/output.ts';

/** What running `test` and `bench` probes needs of the session. */
export interface MeasuredHost {
  readonly consumer: EventConsumer;
  readonly output: Output;
  readonly meter: Meter;
  readonly run: (attachment: Attachment) => void;
  /** The code of an exit() since it was last asked for. */
  readonly takeExitCode: () => number;
  readonly error: (message: string) => void;
}

const nameOf = ({ target, probeName }: Attachment): string => ('name' in target ? target.name : probeName);

/** Runs that are counted of a long series; the rest costs the same on average. */
const COUNTED_RUNS = 1000;

/** The average time of a number of runs, in whole nanoseconds. */
function measure(host: MeasuredHost, probe: Attachment, runs: number): number {
  const { meter } = host;
  const counted = Math.min(runs, COUNTED_RUNS);
  const before = meter.instructions;
  for (let i = 0; i < counted; i++) host.run(probe);
  meter.counting = false;
  for (let i = counted; i < runs; i++) host.run(probe);
  meter.counting = true;
  return Math.floor(((meter.instructions - before) * NS_PER_INSTRUCTION) / counted);
}

/** --test: a test passes when it returns 0 and neither errorf(), a runtime error nor exit() with a code happened. */
export function runTests(host: MeasuredHost, probes: readonly Attachment[]): boolean {
  const names = probes.map(nameOf);
  const passed: boolean[] = [];
  probes.forEach((probe, index) => {
    const capture = captureOutput();
    host.consumer.redirect(capture.output);
    const durationNs = measure(host, probe, 1);
    host.consumer.drain();
    const exitCode = host.takeExitCode();
    passed.push(host.meter.result === 0 && exitCode === 0 && capture.errors() === 0);
    host.output.testResult({ names, index, durationNs, passed, text: capture.text() });
  });
  host.consumer.redirect(host.output);
  return passed.every((ok) => ok);
}

/** How many more runs a measurement of so many ns needs; 0 when it is long enough. */
const LENGTHEN: readonly (readonly [belowNs: number, factor: number])[] = [
  [1_000, 1_000],
  [10_000, 100],
  [100_000, 10],
  [1_000_000, 2],
];

/** --bench: each probe is repeated until that takes a millisecond; returning 1 skips it, errors and exit codes fail it. */
export function runBenchmarks(host: MeasuredHost, probes: readonly Attachment[]): boolean {
  const names = probes.map(nameOf);
  let succeeded = true;
  probes.forEach((probe, index) => {
    for (let runs = 1; ;) {
      const capture = captureOutput();
      host.consumer.redirect(capture.output);
      const averageNs = measure(host, probe, runs);
      host.consumer.drain();
      const exitCode = host.takeExitCode();
      if (exitCode === 0 && host.meter.result !== 0) break;
      const factor = LENGTHEN.find(([belowNs]) => averageNs * runs < belowNs)?.[1];
      if (factor !== undefined) {
        runs *= factor;
        continue;
      }
      if (exitCode !== 0 || capture.errors() > 0) {
        host.error(`Benchmark '${names[index]!}' failed.`);
        succeeded = false;
      } else host.output.benchmarkResult({ names, index, averageNs, runs });
      break;
    }
  });
  host.consumer.redirect(host.output);
  return succeeded;
}
