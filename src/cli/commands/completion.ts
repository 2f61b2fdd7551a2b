import { COMPLETIONS } from '../completion.ts';
import type { CliHost } from '../host.ts';
import { CommandFailure } from './script.ts';

type Shell = keyof typeof COMPLETIONS;
const SHELLS = Object.keys(COMPLETIONS) as Shell[];

/** `tsbpftrace completion SHELL`: prints what the shell is to read at its start. */
export function completion([name, ...rest]: readonly string[], host: CliHost): number {
  const shell = SHELLS.find((candidate) => candidate === name);
  if (shell === undefined || rest.length > 0)
    throw new CommandFailure(`USAGE: tsbpftrace completion ${SHELLS.join('|')}`);
  host.stdout(COMPLETIONS[shell]());
  return 0;
}
