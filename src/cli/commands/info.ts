import { describeSystem } from '../../pipeline/describe-system.ts';
import type { CliHost } from '../host.ts';
import type { CliConfig } from '../options.ts';
import { openMachine } from './compile-script.ts';

/** --info: what the machine and this build can do. */
export function info(config: CliConfig, host: CliHost): number {
  host.stdout(describeSystem(openMachine(config, host), config.withoutFeatures));
  return 0;
}
