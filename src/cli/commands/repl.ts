import { createSimulation } from '../../pipeline/simulation.ts';
import { initialModel, type InitialOptions } from '../../repl/model/model.ts';
import type { Command } from '../golden/run-case.ts';
import type { CliHost } from '../host.ts';
import { openHistory } from '../repl/history-file.ts';
import { runOnScreen } from '../repl/on-screen.ts';
import { parseRepl } from '../repl/options.ts';
import { runPlain } from '../repl/plain.ts';

/** `tsbpftrace repl`: a place to write, run and look into scripts. */
export async function repl(args: readonly string[], host: CliHost, command: Command): Promise<number> {
  const parsed = parseRepl(args, host);
  if (parsed.kind === 'done') return parsed.exitCode;
  const { scenario, seed, cpus, speed, jit: engine, unsafe, plain } = parsed.config;
  const settings = { scenario, seed, cpus };
  const terminal = plain ? undefined : host.openTerminal?.();
  const history = openHistory(host.env);
  const options: Omit<InitialOptions, 'columns' | 'rows' | 'speed'> = {
    settings,
    cpus: createSimulation({ scenario, seed, ...(cpus === undefined ? {} : { cpus }) }).target.cpus,
    durationNs: undefined,
    isColored: (host.env['NO_COLOR'] ?? '') === '',
    history: history.read(),
  };
  const start = { settings, engine, unsafe, env: host.env };
  const shared = { host, command, history, start };
  if (terminal === undefined)
    return runPlain({ ...shared, first: initialModel({ ...options, columns: 80, rows: 24, speed: Infinity }) });
  return runOnScreen({ ...shared, terminal, first: initialModel({ ...options, ...terminal.size(), speed }) });
}
