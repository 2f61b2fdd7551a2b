import type { Acceptance, Verdict } from '../verifier/verify.ts';
import { verifyProgram } from '../verifier/verify.ts';
import { explain } from '../verifier/explain.ts';
import { ENGINES, type EngineName } from '../runtime/engines.ts';
import { testRun, type TestResult } from '../runtime/test-run.ts';
import { allKernelTypes } from '../simkernel/kernel-types.ts';
import type { RawProgram } from './bpf-program.ts';
import { createSimulation } from './simulation.ts';

/** Judges a raw program, which may follow the kernel's types from a task, a map or an argument. */
export function verifyRaw({ program, maps }: RawProgram, logLevel: 0 | 2 = 0): Verdict {
  return verifyProgram(program, maps, { types: allKernelTypes(), logLevel });
}

/** A verdict as text: what a person wants to know of it. */
export function describeVerdict({ program }: RawProgram, verdict: Verdict): readonly string[] {
  const walked = `${verdict.insnsProcessed} instructions processed`;
  if (verdict.verdict === 'accept') {
    const depths = verdict.facts.stackDepths.join('+');
    return [`${program.name}: accepted (${program.type}), ${walked}, stack depth ${depths}`];
  }
  const line = program.lines.findLast(({ slot }) => slot <= verdict.slot);
  const place = line === undefined ? '' : ` (${line.sourceName}:${line.line})`;
  return [
    `${program.name}: rejected (${program.type}) at instruction ${verdict.slot}${place}, ${walked}`,
    `  ${verdict.lines[0] ?? ''}`,
    ...explain(program, verdict, 'whole').map((line) => `  HINT: ${line}`),
  ];
}

export interface Runner {
  /** Runs an accepted program on a packet or context; a string says why it cannot run. */
  run(raw: RawProgram, verdict: Acceptance, input: Uint8Array): TestResult | string;
}

/** Runs raw programs on a machine that stands still; it boots for the first one. */
export function createRunner(engine: EngineName): Runner {
  const machine = createSimulation({ scenario: 'idle', seed: 1 });
  return {
    run: ({ program, maps }, { facts }, input) =>
      testRun({
        verified: { image: { programs: [program], maps }, programs: [{ program, facts }] },
        engine: ENGINES[engine],
        kernel: machine.kernel,
        input,
        seed: machine.seed,
      }),
  };
}
