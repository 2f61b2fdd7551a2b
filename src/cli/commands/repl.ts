import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { initialModel, type InitialOptions } from '../../repl/model/model.ts';
import type { MachineSettings } from '../../repl/protocol.ts';
import type { Command } from '../golden/run-case.ts';
import type { CliHost } from '../host.ts';
import { isScenarioFile } from '../option-values.ts';
import { openHistory } from '../repl/history-file.ts';
import { runOnScreen } from '../repl/on-screen.ts';
import { parseRepl, type ReplConfig } from '../repl/options.ts';
import { runPlain } from '../repl/plain.ts';
import { CommandFailure, reason } from './script.ts';

/** Of the plain REPL: nothing is drawn, but the model wants a size. */
const NO_SCREEN = { columns: 80, rows: 24 };

/** `tsbpftrace repl`: a place to write, run and look into scripts. */
export async function repl(args: readonly string[], host: CliHost, command: Command): Promise<number> {
  const parsed = parseRepl(args, host);
  if (parsed.kind === 'done') return parsed.exitCode;
  const { config } = parsed;
  try {
    return await start(config, host, command);
  } catch (error) {
    // Not left to the caller: in the bundle that is another copy of this class.
    if (!(error instanceof CommandFailure)) throw error;
    host.stderr(`ERROR: ${error.message}\n`);
    return error.exitCode;
  }
}

async function start(config: ReplConfig, host: CliHost, command: Command): Promise<number> {
  const settings = await readSettings(config, host);
  const history = openHistory(host.env);
  const options: Omit<InitialOptions, 'columns' | 'rows' | 'speed'> = {
    settings,
    durationNs: undefined,
    isColored: (host.env['NO_COLOR'] ?? '') === '',
    history: history.read(),
  };
  const { jit: engine, unsafe, speed, plain } = config;
  const shared = { host, command, history, start: { settings, engine, unsafe, env: host.env } };
  const terminal = plain ? undefined : host.openTerminal?.();
  return terminal === undefined
    ? runPlain({ ...shared, first: initialModel({ ...options, ...NO_SCREEN, speed: Infinity }) })
    : runOnScreen({ ...shared, terminal, first: initialModel({ ...options, ...terminal.size(), speed }) });
}

async function readSettings(
  { scenario, seed, cpus, arch }: ReplConfig,
  { directory }: CliHost,
): Promise<MachineSettings> {
  const settings = {
    scenario,
    seed,
    cpus,
    arch,
    yaml: isScenarioFile(scenario) ? readYaml(scenario, directory) : undefined,
  };
  const { simulate } = await import('../../repl/engine/simulate.ts');
  const made = simulate(settings);
  if ('rendered' in made) throw new CommandFailure(made.rendered.replace(/^ERROR: /, '').trimEnd());
  return settings;
}

function readYaml(path: string, directory = '.'): string {
  try {
    return readFileSync(resolve(directory, path), 'utf8');
  } catch (error) {
    throw new CommandFailure(`failed to open scenario '${path}': ${reason(error)}`);
  }
}
