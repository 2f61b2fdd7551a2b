import { InternalError } from '../source/bug.ts';
import { VERSION } from '../pipeline/version.ts';
import { bpf } from './commands/bpf.ts';
import { format } from './commands/format.ts';
import { list } from './commands/list.ts';
import { run } from './commands/run.ts';
import { helpText, parseCommandLine } from './command-line.ts';
import type { CliHost } from './host.ts';

const COLOR_MODES = ['auto', 'always', 'never'];

/** What a program that found its own mistake returns (EX_SOFTWARE of sysexits.h). */
const BUG_STATUS = 70;

/** The whole command: returns the exit code and touches the process only through `host`. */
export async function runCli(args: readonly string[], host: CliHost): Promise<number> {
  try {
    return await dispatch(args, host);
  } catch (error) {
    if (!(error instanceof InternalError)) throw error;
    host.stderr(
      `BUG: ${error.message}\nThis is a mistake of tsbpftrace, not of the script: please report it with the script.\n`,
    );
    return BUG_STATUS;
  }
}

async function dispatch(args: readonly string[], host: CliHost): Promise<number> {
  if (args.length === 0) {
    host.stderr(helpText());
    return 1;
  }
  // A script in a file of that name is run as ./bpf.
  if (args[0] === 'bpf') return bpf(args.slice(1), host);
  const parsed = parseCommandLine(args, VERSION, host);
  if (parsed.kind === 'done') return parsed.exitCode;
  const { config, operands } = parsed;
  const color = host.env['BPFTRACE_COLOR'];
  if (color !== undefined && !COLOR_MODES.includes(color))
    host.stderr(
      `WARNING: Invalid env value! The valid values of \`BPFTRACE_COLOR\` are [auto|always|never]. The current value is ${color}!\n`,
    );
  if (config.warnings && config.noWarnings) {
    host.stderr('ERROR: USAGE: -k, --warnings conflicts with --no-warnings\n');
    return 1;
  }
  if (config.list) return list(config, operands, host);
  if (config.fmt) return format(config, operands, host);
  return run(config, operands, host);
}
