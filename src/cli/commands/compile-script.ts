import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { compile, type Compilation } from '../../pipeline/compile.ts';
import { readBtf } from '../../pipeline/btf-file.ts';
import { createSimulation, type Simulation, type SimulationOptions } from '../../pipeline/simulation.ts';
import { renderDiagnostics } from '../../source/render.ts';
import type { CliHost } from '../host.ts';
import type { CliConfig } from '../options.ts';
import { readImport } from './read-import.ts';
import { reason, type Script } from './script.ts';

/** The machine that the options describe, with the types of BPFTRACE_BTF; a string is the message of a mistake. */
export function openMachine(config: CliConfig, host: CliHost): Simulation | string {
  const types = readTypes(host);
  if (typeof types === 'string') return types;
  return createSimulation({
    scenario: config.scenario,
    seed: config.seed,
    ...(config.cpus === undefined ? {} : { cpus: config.cpus }),
    ...(types === undefined ? {} : { types }),
  });
}

function readTypes({ env, directory }: CliHost): SimulationOptions['types'] | string {
  const path = env['BPFTRACE_BTF'];
  if (path === undefined || path === '') return undefined;
  try {
    return readBtf(readFileSync(resolve(directory ?? '.', path))) ?? `BTF: failed to parse BTF from ${path}`;
  } catch (error) {
    return `BTF: failed to parse BTF from ${path}: ${reason(error)}`;
  }
}

/** BPFTRACE_COLOR decides; without it, useColor go to terminals only. */
export function useColor(host: CliHost): boolean {
  const mode = host.env['BPFTRACE_COLOR'] ?? 'auto';
  return mode === 'always' || (mode !== 'never' && host.isTerminal);
}

/** Compiles and prints what the stages have to say. */
export function compileScript(script: Script, config: CliConfig, machine: Simulation, host: CliHost): Compilation {
  const directory = host.directory ?? '.';
  const readInclude = (name: string): string | undefined => {
    const path = ['.', ...config.includeDirs]
      .map((folder) => resolve(directory, folder, name))
      .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
    return path === undefined ? undefined : readFileSync(path, 'utf8');
  };
  const compilation = compile({
    source: script.source,
    target: machine.target,
    positional: script.positional,
    named: script.named,
    env: host.env,
    readInclude,
    readImport: (path) => readImport(resolve(directory, path)),
    includes: config.includes,
    unsafe: config.unsafe,
    reportHelperErrors: config.warnings,
    verifierLog: config.debug.includes('verifier'),
  });
  const shown = config.noWarnings
    ? compilation.diagnostics.filter(({ severity }) => severity === 'error')
    : compilation.diagnostics;
  host.stderr(renderDiagnostics(shown, { color: useColor(host) }));
  return compilation;
}
