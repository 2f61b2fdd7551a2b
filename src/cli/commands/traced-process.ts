import { parsePid } from '../../pipeline/pid.ts';
import type { Simulation } from '../../pipeline/simulation.ts';
import type { CliConfig } from '../options.ts';
import { CommandFailure } from './script.ts';

type Child = Exclude<ReturnType<Simulation['kernel']['spawn']>, string>;

/** The process of the machine that -p names or -c starts. */
export interface Traced {
  readonly pid?: number;
  readonly child?: Child;
}

/** Finds or prepares the process that is to be traced, if any. */
export function findTraced(config: CliConfig, machine: Simulation): Traced {
  if (config.pid !== undefined) return { pid: findPid(config.pid, machine) };
  if (config.command !== undefined) return { child: spawn(config.command, machine) };
  return {};
}

function findPid(text: string, { kernel }: Simulation): number {
  const pid = parsePid(text);
  if (typeof pid === 'string') throw new CommandFailure(pid);
  if (!kernel.hasProcess(pid))
    throw new CommandFailure('Failed to attach to pid: Unable to open pidfd (No such process)');
  return pid;
}

function spawn(command: string, { kernel }: Simulation): Child {
  // Empty words stay, as bpftrace cuts at each space.
  const child = kernel.spawn(command.split(' '));
  if (typeof child === 'string') throw new CommandFailure(`Failed to fork child: ${child}`);
  return child;
}
