import type { VerifiedImage } from '../abi/verified-image.ts';
import type { Resources } from '../lang/resources.ts';
import { ENGINES, type EngineName } from '../runtime/engines.ts';
import { linkVariables } from '../runtime/kernel-variables.ts';
import type { SpawnedProcess } from '../runtime/kernel.ts';
import { meterImage } from '../runtime/meter.ts';
import { runSession } from '../runtime/run-session.ts';
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
  readonly verbose?: boolean;
  /** --test, --bench. */
  readonly measure?: 'test' | 'bench';
  readonly probeFilter?: string;
  /** -p */
  readonly pid?: number;
  /** -c */
  readonly child?: SpawnedProcess;
  readonly onUserSignal?: (handler: () => void) => void;
  readonly onAttached?: () => void;
  /** Virtual time; the scenario's length when absent. */
  readonly durationNs?: number;
  /** Ctrl-C. */
  readonly interrupt: AbortSignal;
  readonly stdout: (bytes: Uint8Array | string) => void;
  readonly stderr: (text: string) => void;
  /** Messages are red or yellow. */
  readonly color?: boolean;
}

/** Attaches a compiled script to a machine and runs both; returns the exit code. */
export async function runCompiled(options: RunOptions): Promise<number> {
  const { machine, resources, engine, stdout, stderr, measure, interrupt } = options;
  const verified = linkVariables(options.verified, machine.kernel);
  const programs = ENGINES[engine](verified);
  const metered = measure === undefined ? undefined : meterImage(verified, programs);
  const { exitCode } = await runSession({
    ...pick(options, [
      'format',
      'quiet',
      'warnings',
      'dryRun',
      'verbose',
      'probeFilter',
      'pid',
      'child',
      'onUserSignal',
      'onAttached',
    ]),
    image: verified.image,
    resources,
    programs: metered?.programs ?? programs,
    kernel: machine.kernel,
    output: { stdout, stderr, ...pick(options, ['color']) },
    durationNs: options.durationNs ?? machine.durationNs,
    signal: interrupt,
    seed: machine.seed,
    ...(measure === undefined || metered === undefined ? {} : { measure: { kind: measure, meter: metered.meter } }),
  });
  return exitCode;
}

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.filter((key) => key in from).map((key) => [key, from[key]])) as Pick<T, K>;
}
