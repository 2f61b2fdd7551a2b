import { readScenario } from '../../pipeline/scenario-file/read-scenario.ts';
import { SCENARIO_NAMES } from '../../pipeline/settings.ts';
import { createSimulation, type Simulation } from '../../pipeline/simulation.ts';
import { renderDiagnostics } from '../../source/render.ts';
import type { MachineSettings } from '../protocol.ts';

/** The machine that settings describe, or what is wrong with their scenario. */
export function simulate({
  scenario,
  yaml,
  seed,
  cpus,
  arch,
}: MachineSettings): Simulation | { readonly rendered: string } {
  const others = { seed, ...(cpus === undefined ? {} : { cpus }), ...(arch === undefined ? {} : { arch }) };
  if (yaml !== undefined) {
    const read = readScenario(scenario, yaml);
    if (read.scenario === undefined) return { rendered: renderDiagnostics(read.diagnostics) };
    return createSimulation({ scenario: read.scenario, ...others });
  }
  const known = SCENARIO_NAMES.find((name) => name === scenario);
  return known === undefined
    ? { rendered: `ERROR: no scenario ${scenario}\n` }
    : createSimulation({ scenario: known, ...others });
}
