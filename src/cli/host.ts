import type { Scenario } from '../pipeline/settings.ts';
import type { Simulation } from '../pipeline/simulation.ts';
import type { Terminal } from './terminal.ts';

/** What the command needs of the process that runs it; tests hand in a double. */
export interface CliHost {
  readonly stdout: (bytes: Uint8Array | string) => void;
  readonly stderr: (bytes: Uint8Array | string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Words that start this command in another process; without them there is only this one. */
  readonly entry?: readonly string[];
  /** What the machine does, in place of --scenario. */
  readonly scenario?: Scenario;
  /** A machine that is there already, in place of a new one. */
  readonly simulation?: Simulation;
  /** Called with the machine when everything is attached and it is about to run. */
  readonly onAttached?: (machine: Simulation['kernel']) => void;
  /** Seconds on the wall, for reports of how long tests took. */
  readonly clock?: () => number;
  /** Relative paths start here; the process's own directory when absent. */
  readonly directory?: string;
  /** Both outputs go to a terminal: colours may be used. */
  readonly isTerminal: boolean;
  /** Somebody sits at a terminal: without arguments the REPL begins. */
  readonly isInteractive?: () => boolean;
  /** Takes the terminal over, key by key; undefined when there is none. */
  readonly openTerminal?: () => Terminal | undefined;
  /** Calls the handler at each Ctrl-C. */
  readonly onInterrupt: (handler: () => void) => void;
  /** Calls the handler when the process is sent SIGUSR1. */
  readonly onUserSignal: (handler: () => void) => void;
  /** All of standard input. */
  readonly stdin: () => string;
  /** Standard input piece by piece, for what may be longer than memory. */
  readonly stdinChunks: () => AsyncIterable<Uint8Array>;
}
