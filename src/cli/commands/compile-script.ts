import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { compile, type Compilation, type CompileInput } from '../../pipeline/compile.ts';
import type { HostFile } from '../../pipeline/outside-programs.ts';
import { readBtf } from '../../pipeline/btf-file.ts';
import { SCENARIO_NAMES } from '../../pipeline/settings.ts';
import { createSimulation, type Simulation, type SimulationOptions } from '../../pipeline/simulation.ts';
import { renderDiagnostics } from '../../source/render.ts';
import { useColor } from '../color.ts';
import type { CliHost } from '../host.ts';
import type { CliConfig } from '../options.ts';
import { readImport } from './read-import.ts';
import { CommandFailure, reason, type Script } from './script.ts';

/** The machine that the options describe, with the types of BPFTRACE_BTF. */
export async function openMachine(config: CliConfig, host: CliHost): Promise<Simulation> {
  if (host.simulation !== undefined) return host.simulation;
  const types = readTypes(host);
  const traceable = readTraceable(config, host);
  return createSimulation({
    scenario: host.scenario ?? (await findScenario(config, host)),
    seed: config.seed,
    kernel: config.kernel,
    readHostFile: (path) => readHostFile(resolve(host.directory ?? '.', path)),
    ...(config.cpus === undefined ? {} : { cpus: config.cpus }),
    ...(config.arch === undefined ? {} : { arch: config.arch }),
    ...(types === undefined ? {} : { types }),
    ...(traceable === undefined ? {} : { traceable }),
  });
}

async function findScenario({ scenario: text }: CliConfig, host: CliHost): Promise<SimulationOptions['scenario']> {
  const known = SCENARIO_NAMES.find((name) => name === text);
  if (known !== undefined) return known;
  let yaml: string;
  try {
    yaml = readFileSync(resolve(host.directory ?? '.', text), 'utf8');
  } catch (error) {
    throw new CommandFailure(`failed to open scenario '${text}': ${reason(error)}`);
  }
  // Loaded only here: most runs read no file.
  const { readScenario } = await import('../../pipeline/scenario-file/read-scenario.ts');
  const { scenario, diagnostics } = readScenario(text, yaml);
  host.stderr(renderDiagnostics(diagnostics, { color: useColor(host) }));
  if (scenario === undefined) throw new CommandFailure(`${text} is not a scenario that can be run`);
  return scenario;
}

/** A program that a script names by a path; what is no file, or none that may be read, is as good as absent. */
function readHostFile(path: string): HostFile | undefined {
  try {
    const { mode } = statSync(path);
    return statSync(path).isFile() ? { bytes: readFileSync(path), executable: (mode & 0o111) !== 0 } : undefined;
  } catch {
    return undefined;
  }
}

function readTypes({ env, directory }: CliHost): SimulationOptions['types'] {
  const path = env['BPFTRACE_BTF'];
  if (path === undefined || path === '') return undefined;
  const failure = `BTF: failed to parse BTF from ${path}`;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(resolve(directory ?? '.', path));
  } catch (error) {
    throw new CommandFailure(`${failure}: ${reason(error)}`);
  }
  const read = readBtf(bytes);
  if ('problem' in read) throw new CommandFailure(failure);
  return read.value;
}

/** --traceable-functions: a file in the format of tracefs's available_filter_functions, `name` or `name [module]` a line. */
function readTraceable(
  { traceableFunctions: path }: CliConfig,
  { directory }: CliHost,
): ReadonlySet<string> | undefined {
  if (path === undefined) return undefined;
  try {
    const lines = readFileSync(resolve(directory ?? '.', path), 'utf8').split('\n');
    return new Set(lines.flatMap((line) => line.trim().split(/\s+/, 1)).filter((name) => name !== ''));
  } catch (error) {
    throw new CommandFailure(`Failed to open kernel function info: failed to open ${path} (${reason(error)})`);
  }
}

/** -d of early stages runs no later ones. */
function lastStage(debug: CliConfig['debug']): Pick<CompileInput, 'until'> {
  if (debug.length === 0) return {};
  if (debug.every((stage) => stage === 'tokens' || stage === 'ast')) return { until: 'program' };
  return debug.every((stage) => stage === 'tokens' || stage === 'ast' || stage === 'types') ? { until: 'types' } : {};
}

/** The process that -p or -c names. */
export interface TracedProcess {
  readonly pid?: number;
  readonly childPid?: number;
}

/** Compiles and prints what the stages have to say. */
export function compileScript(
  script: Script,
  config: CliConfig,
  machine: Simulation,
  host: CliHost,
  traced: TracedProcess = {},
): Compilation {
  const directory = host.directory ?? '.';
  const readInclude = (name: string): string | undefined => {
    const path = ['.', ...config.includeDirs]
      .map((folder) => resolve(directory, folder, name))
      .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
    return path === undefined ? undefined : readFileSync(path, 'utf8');
  };
  const compilation = compile({
    ...traced,
    source: script.source,
    target: machine.target,
    positional: script.positional,
    named: script.named,
    env: host.env,
    readInclude,
    readImport: (path) => readImport(resolve(directory, path)),
    includes: config.includes,
    unsafe: config.unsafe,
    kprobeSessions: !config.withoutFeatures.includes('kprobe_session'),
    reportHelperErrors: config.warnings === 2,
    verifierLog: config.debug.includes('verifier'),
    ...lastStage(config.debug),
    explain: config.explain,
  });
  const shown =
    config.warnings === 0
      ? compilation.diagnostics.filter(({ severity }) => severity === 'error')
      : compilation.diagnostics;
  host.stderr(renderDiagnostics(shown, { color: useColor(host) }));
  return compilation;
}
