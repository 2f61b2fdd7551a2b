import { expect, test } from 'vitest';
import { BATCH, compareEngines } from './compare-engines.ts';

/** `FUZZ_RUNS=1000000 FUZZ_SEED=1` runs that many programs from that seed. */
const LONGEST_MS = 48 * 3600 * 1000;
const REPORT_EVERY = 100;

test(
  'verified programs run alike interpreted, as JavaScript and as WebAssembly',
  () => {
    const first = Number(process.env['FUZZ_SEED'] ?? 1);
    const wanted = Number(process.env['FUZZ_RUNS'] ?? 200);
    let ran = 0;
    let batches = 0;
    while (ran < wanted) {
      ran += compareEngines(first + batches++ * BATCH);
      if (process.env['FUZZ_RUNS'] !== undefined && batches % REPORT_EVERY === 0) process.stderr.write(`${ran} ran\n`);
    }
    // A fuzzer whose programs are refused proves nothing.
    expect(ran).toBeGreaterThan(0.9 * batches * BATCH);
  },
  LONGEST_MS,
);
