import { build } from './build.ts';
import { containers } from './containers.ts';
import { disk } from './disk.ts';
import { idle } from './idle.ts';
import { memory } from './memory.ts';
import type { Scenario } from './scenario.ts';
import { interrupts } from './interrupts.ts';
import { network } from './network.ts';
import { server } from './server.ts';

/** The built-in scenarios by name; the first is the default. */
export const SCENARIOS = { server, idle, build, disk, memory, interrupts, network, containers } as const satisfies {
  readonly [name: string]: Scenario;
};
export type ScenarioName = keyof typeof SCENARIOS;
