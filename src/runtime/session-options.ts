import type { EnginePrograms } from '../abi/execution.ts';
import type { ProgramImage } from '../abi/program-image.ts';
import type { Resources } from '../lang/resources.ts';
import type { Kernel, SpawnedProcess } from './kernel.ts';
import type { Meter } from './meter.ts';
import type { OutputStreams } from './output/output.ts';

/** What a session runs, on what, and how it reports. */
export interface SessionOptions {
  readonly image: ProgramImage;
  readonly resources: Resources;
  /** The image's programs as an engine readied them. */
  readonly programs: EnginePrograms;
  readonly kernel: Kernel;
  readonly output: OutputStreams;
  readonly format: 'text' | 'json';
  /** -q: no "Attached" line. */
  readonly quiet?: boolean;
  /** False for --no-warnings. */
  readonly warnings?: boolean;
  /** -v: what is attached is told. */
  readonly verbose?: boolean;
  /** --dry-run: attaches, then ends. */
  readonly dryRun?: boolean;
  /** --test and --bench run such probes instead of attaching the others; `programs` are metered then. */
  readonly measure?: { readonly kind: 'test' | 'bench'; readonly meter: Meter };
  /** --probe-filter: only probes whose names match it. */
  readonly probeFilter?: string;
  /** -p: the session ends with this process. */
  readonly pid?: number;
  /** -c: starts once everything is attached; the session ends with it. */
  readonly child?: SpawnedProcess;
  readonly seed?: number;
  /** Called when everything is attached and the machine is about to run. */
  readonly onAttached?: () => void;
  /** Called before each run of an attached program, with its name. */
  readonly onFire?: (program: string) => void;
}
