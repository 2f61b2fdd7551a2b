import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { listProbesOfScript, listSearch } from '../../pipeline/list-command.ts';
import type { CliHost } from '../host.ts';
import type { CliConfig } from '../options.ts';
import { compileScript, openMachine } from './compile-script.ts';
import { loadScript } from './script.ts';

/** -l: probes of the machine that match a pattern, or those that a script would attach to. */
export function list(config: CliConfig, operands: readonly string[], host: CliHost): number {
  const machine = openMachine(config, host);
  if (typeof machine === 'string') {
    host.stderr(`ERROR: ${machine}\n`);
    return 1;
  }
  const print = (lines: readonly string[]): number => {
    if (lines.length > 0) host.stdout(`${lines.join('\n')}\n`);
    return 0;
  };
  const [search = '*:*', ...rest] = operands;
  const isFile =
    config.program !== undefined || (operands.length > 0 && existsSync(resolve(host.directory ?? '.', search)));
  if (!isFile) {
    if (rest.length > 0) {
      host.stderr('ERROR: USAGE: -l takes one search pattern. Quote it, so that the shell does not expand it.\n');
      return 1;
    }
    if (/^[^:*]*\.[^:*]*$/.test(search) && !config.noWarnings)
      host.stderr(
        `WARNING: It appears that '${search}' is a filename but the file does not exist. Treating '${search}' as a search pattern.\n`,
      );
    return print(listSearch(machine.target, search, config.verbose));
  }
  const script = loadScript(config, operands, host);
  if (typeof script === 'string') {
    host.stderr(`ERROR: ${script}\n`);
    return 1;
  }
  const compilation = compileScript(script, config, machine, host);
  return compilation.typed === undefined
    ? 1
    : print(listProbesOfScript(machine.target, compilation.typed, config.verbose));
}
