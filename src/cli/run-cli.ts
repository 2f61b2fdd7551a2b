import { InternalError } from '../source/bug.ts';
import { VERSION } from '../pipeline/version.ts';
import { renderLine } from '../source/render.ts';
import { useColor, warnOfColor } from './color.ts';
import { format } from './commands/format.ts';
import { info } from './commands/info.ts';
import { list } from './commands/list.ts';
import { run } from './commands/run.ts';
import { CommandFailure } from './commands/script.ts';
import { parseCommandLine } from './command-line.ts';
import { helpText, type Subcommand } from './help.ts';
import type { CliHost } from './host.ts';
import type { Answer, CliConfig } from './options.ts';

/** What a program that found its own mistake returns (EX_SOFTWARE of sysexits.h). */
const BUG_STATUS = 70;

/** Loaded when asked for: no other start pays for them. */
const COMMANDS: Record<Subcommand, (args: readonly string[], host: CliHost) => Promise<number>> = {
  bpf: async (args, host) => (await import('./commands/bpf.ts')).bpf(args, host),
  lab: async (args, host) => (await import('./commands/lab.ts')).lab(args, host, runCli),
  golden: async (args, host) => (await import('./commands/golden.ts')).golden(args, host, runCli),
  repl: async (args, host) => (await import('./commands/repl.ts')).repl(args, host, runCli),
  completion: async (args, host) => (await import('./commands/completion.ts')).completion(args, host),
};

const ANSWERS: Record<Answer, (config: CliConfig, host: CliHost) => number | Promise<number>> = {
  help(_, host) {
    host.stdout(helpText());
    return 0;
  },
  version(_, host) {
    host.stdout(`tsbpftrace v${VERSION}\n`);
    return 0;
  },
  info,
};

/** The whole command: returns the exit code and touches the process only through `host`. */
export async function runCli(args: readonly string[], host: CliHost): Promise<number> {
  try {
    return await dispatch(args, host);
  } catch (error) {
    if (error instanceof CommandFailure) {
      host.stderr(renderLine('error', error.message, undefined, { color: useColor(host) }));
      return error.exitCode;
    }
    if (!(error instanceof InternalError)) throw error;
    host.stderr(
      `BUG: ${error.message}\nThis is a mistake of tsbpftrace, not of the script: please report it with the script.\n`,
    );
    return BUG_STATUS;
  }
}

async function dispatch(args: readonly string[], host: CliHost): Promise<number> {
  const [first = '', ...rest] = args;
  if (args.length === 0 && host.isInteractive?.() === true) return COMMANDS.repl([], host);
  // A script in a file of such a name is run as ./bpf.
  if (Object.hasOwn(COMMANDS, first)) return COMMANDS[first as Subcommand](rest, host);
  warnOfColor(host);
  const parsed = parseCommandLine(args);
  switch (parsed.kind) {
    case 'mistake':
      if (parsed.error !== undefined)
        host.stderr(renderLine('error', parsed.error, undefined, { color: useColor(host) }));
      host.stderr(parsed.text);
      return 1;
    case 'answer':
      return ANSWERS[parsed.answer](parsed.config, host);
    case 'run': {
      const { config, operands } = parsed;
      if (config.mode === 'format') return format(config, operands, host);
      return config.list ? list(config, operands, host) : run(config, operands, host);
    }
  }
}
