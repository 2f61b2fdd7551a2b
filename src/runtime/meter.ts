import type { EnginePrograms } from '../abi/execution.ts';
import type { VerifiedImage } from '../abi/verified-image.ts';
import { interpretProgram } from './interpreter/interpreter.ts';

/** What the programs of a metered image did so far. */
export interface Meter {
  /** Executed by all programs together. */
  instructions: number;
  /** r0 (low half) of the latest run. */
  result: number;
  /** Off: programs run faster, uncounted. */
  counting: boolean;
}

/**
 * Virtual time of one instruction in the reports of --test and --bench. The machine's clock stands still while a program
 * runs, so that tracing does not disturb what is traced; a constant keeps reports the same on every computer.
 */
export const NS_PER_INSTRUCTION = 1;

/** Programs that count what they execute, which the interpreter does; while nobody counts, `fast` runs them. */
export function meterImage(
  verified: VerifiedImage,
  fast: EnginePrograms,
): { readonly programs: EnginePrograms; readonly meter: Meter } {
  const meter: Meter = { instructions: 0, result: 0, counting: true };
  const programs: EnginePrograms = new Map(
    verified.programs.map(({ program, facts }) => [
      program.name,
      (environment) => {
        const counted = interpretProgram(program, environment, {
          accesses: facts.accesses,
          counted: (instructions) => (meter.instructions += instructions),
        });
        let uncounted = fast.get(program.name)!(environment, (faster) => (uncounted = faster));
        return (context) => (meter.result = meter.counting ? counted(context) : uncounted(context));
      },
    ]),
  );
  return { programs, meter };
}
