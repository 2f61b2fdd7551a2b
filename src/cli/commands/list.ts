import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { listProbesOfScript, listSearch } from '../../pipeline/list-command.ts';
import type { CliHost } from '../host.ts';
import type { CliConfig } from '../options.ts';
import { compileScript, openMachine } from './compile-script.ts';
import { loadScript } from './script.ts';
import { findTraced } from './traced-process.ts';

const EVERYTHING = '*:*';

/** -l: probes of the machine that match a pattern, or those that a script would attach to. */
export async function list(config: CliConfig, operands: readonly string[], host: CliHost): Promise<number> {
  const machine = await openMachine(config, host);
  const print = (lines: readonly string[]): number => {
    if (lines.length > 0) host.stdout(`${lines.join('\n')}\n`);
    return 0;
  };
  const [operand = EVERYTHING] = operands;
  const isFile = operands.length > 0 && operand !== '' && existsSync(resolve(host.directory ?? '.', operand));
  if (config.program === undefined && !isFile) {
    const { pid } = findTraced(config, machine);
    if (/^[^:*]*\.[^:*]*$/.test(operand) && config.warnings > 0)
      host.stderr(
        `WARNING: It appears that '${operand}' is a filename but the file does not exist. Treating '${operand}' as a search pattern.\n`,
      );
    // Cutting nothing at its commas leaves bpftrace no pattern at all.
    if (operand === '') return 0;
    return print(listSearch(machine.target, operand === '*' ? EVERYTHING : operand, config.verbose, pid));
  }
  // Listing is about probes only: warnings would be about what they do.
  const compilation = compileScript(loadScript(config, operands, host), { ...config, warnings: 0 }, machine, host);
  return compilation.typed === undefined
    ? 1
    : print(listProbesOfScript(machine.target, compilation.typed, config.verbose));
}
