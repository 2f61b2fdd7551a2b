import { expect, test } from 'vitest';
import { compile } from '../../src/pipeline/compile.ts';
import { runCompiled } from '../../src/pipeline/run.ts';
import { createSimulation, type Simulation } from '../../src/pipeline/simulation.ts';
import type { EngineName } from '../../src/runtime/engines.ts';
import { createSource } from '../../src/source/source.ts';
import { evaluate } from './evaluator/evaluate.ts';
import { printedLines } from './evaluator/printed-lines.ts';
import { randomScript } from './evaluator/random-script.ts';
import { randomSource } from './random-source.ts';

/**
 * Random typed scripts print what a walk over their trees says, in the interpreter and in the compiler.
 * `EVALUATOR_FUZZ=10000` tries that many; `EVALUATOR_FUZZ_SEED` starts elsewhere.
 */
const ROUNDS = Number(process.env['EVALUATOR_FUZZ'] ?? 6);
const SEED = Number(process.env['EVALUATOR_FUZZ_SEED'] ?? 11);
/** Maps of a script stay in its machine's memory. */
const SCRIPTS_PER_MACHINE = 40;
/** Time series take the time from the script's own map. */
const CLOCK = { BPFTRACE_DUMMY_TS_MAP: 'clock' };

async function printed(machine: Simulation, compiled: ReturnType<typeof compile>, engine: EngineName): Promise<string> {
  let output = '';
  await runCompiled({
    machine,
    verified: compiled.verified!,
    resources: compiled.generated!.resources,
    engine,
    format: 'json',
    quiet: true,
    warnings: false,
    dryRun: false,
    interrupt: new AbortController().signal,
    stdout: (bytes) => (output += typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)),
    stderr: () => undefined,
  });
  return printedLines(output);
}

test(
  `random scripts print what their trees say (seed ${SEED}, ${ROUNDS} scripts)`,
  { timeout: 3_600_000 },
  async () => {
    const random = randomSource(SEED);
    let machine = createSimulation({ scenario: 'idle', seed: 1 });
    const failures: string[] = [];
    const refusals = new Map<string, number>();
    let ran = 0;
    for (let round = 0; round < ROUNDS && failures.length < 5; round++) {
      const text = randomScript(random);
      const compiled = compile({ source: createSource('fuzz', text), target: machine.target, env: CLOCK });
      if (compiled.verified === undefined) {
        const error = compiled.diagnostics.find(({ severity }) => severity === 'error')!;
        // What the compiler made must be code that the verifier takes, unless it is too much; other errors are of the script.
        if (error.code === 'verifier-rejection' && !/too (complex|large)/.test(error.message))
          failures.push(`${error.message}\n${text}`);
        refusals.set(error.message, (refusals.get(error.message) ?? 0) + 1);
        continue;
      }
      const expected = evaluate(compiled.typed!);
      for (const engine of ['interp', 'auto'] as const) {
        const output = await printed(machine, compiled, engine);
        // A session ends with empty lines where maps would be printed.
        if (output.trimEnd() !== expected.trimEnd())
          failures.push(`${engine} printed\n${output}not\n${expected}of\n${text}`);
      }
      if (++ran % SCRIPTS_PER_MACHINE === 0) machine = createSimulation({ scenario: 'idle', seed: 1 });
    }
    if (process.env['EVALUATOR_FUZZ'] !== undefined)
      console.log(
        ran,
        [...refusals].sort((a, b) => b[1] - a[1]),
      );
    expect(failures).toEqual([]);
    expect(ran).toBeGreaterThan(ROUNDS / 2);
  },
);
