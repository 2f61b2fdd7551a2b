import { describeSystem } from '../../pipeline/describe-system.ts';
import type { CliHost } from '../host.ts';
import type { CliConfig } from '../options.ts';
import { openMachine } from './compile-script.ts';

/** --info: what the machine and this build can do. */
export async function info(config: CliConfig, host: CliHost): Promise<number> {
  host.stdout(describeSystem(await openMachine(config, host), config.withoutFeatures));
  return 0;
}
