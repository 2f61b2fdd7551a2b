import type { VerifiedImage } from '../abi/verified-image.ts';
import type { Resources } from '../lang/resources.ts';
import { ENGINES, type EngineName } from '../runtime/engines.ts';
import { runSession } from '../runtime/session.ts';
import type { Simulation } from './simulation.ts';

export interface RunOptions {
  readonly machine: Simulation;
  readonly verified: VerifiedImage;
  readonly resources: Resources;
  readonly engine: EngineName;
  readonly format: 'text' | 'json';
  readonly quiet: boolean;
  readonly warnings: boolean;
  readonly dryRun: boolean;
  /** Virtual time; the scenario's length when absent. */
  readonly durationNs?: number;
  /** Ctrl-C. */
  readonly interrupt: AbortSignal;
  readonly stdout: (bytes: Uint8Array | string) => void;
  readonly stderr: (text: string) => void;
}

/** Attaches a compiled script to a machine and runs both; returns the exit code. */
export async function runCompiled(options: RunOptions): Promise<number> {
  const { machine, verified, resources, engine, stdout, stderr } = options;
  const { exitCode } = await runSession({
    image: verified.image,
    resources,
    programs: ENGINES[engine](verified),
    kernel: machine.kernel,
    output: { stdout, stderr },
    format: options.format,
    durationNs: options.durationNs ?? machine.durationNs,
    signal: options.interrupt,
    quiet: options.quiet,
    warnings: options.warnings,
    dryRun: options.dryRun,
    seed: machine.seed,
  });
  return exitCode;
}
