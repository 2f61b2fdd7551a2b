import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { formatSource } from '../../pipeline/format.ts';
import { renderDiagnostics } from '../../source/render.ts';
import type { CliHost } from '../host.ts';
import type { CliConfig } from '../options.ts';
import { useColor } from '../color.ts';
import { CommandFailure, loadScript, reason } from './script.ts';

/** --fmt: prints the script in bpftrace's own layout; -o writes it to a file. */
export function format(config: CliConfig, operands: readonly string[], host: CliHost): number {
  const { text, diagnostics } = formatSource(loadScript(config, operands, host).source);
  host.stderr(renderDiagnostics(diagnostics, { color: useColor(host) }));
  if (text === undefined) return 1;
  if (config.output === undefined) {
    host.stdout(text);
    return 0;
  }
  try {
    writeFileSync(resolve(host.directory ?? '.', config.output), text);
    return 0;
  } catch (error) {
    throw new CommandFailure(`failed to open file '${config.output}': ${reason(error)}`);
  }
}
