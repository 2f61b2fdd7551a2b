import { Command, CommanderError } from 'commander';
import { commanderOptions, type CliConfig } from './options.ts';

export type ParsedCommandLine =
  | { readonly kind: 'run'; readonly config: CliConfig; readonly operands: readonly string[] }
  /** Help, version or a mistake: text is printed already. */
  | { readonly kind: 'done'; readonly exitCode: number };

export interface CommandLineOutput {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

const USAGE = `tsbpftrace - bpftrace without a kernel: scripts run on a simulated Linux machine

USAGE:
    tsbpftrace [options] filename [arguments]
    tsbpftrace [options] - <stdin input>
    tsbpftrace [options] -e 'program' [arguments]
    use -- after filename/-e 'program' for named script parameters
    tsbpftrace bpf asm|dis|verify|run ...    raw eBPF without a script: see tsbpftrace bpf --help
`;

const EXAMPLES = `
EXAMPLES:
    tsbpftrace -e 'tracepoint:syscalls:sys_enter_openat { printf("%s %s\\n", comm, str(args.filename)); }'
        trace file opens with process name and path
    tsbpftrace --duration 5s -e 'profile:hz:99 { @[kstack] = count(); }'
        profile kernel stacks at 99 Hertz for five seconds of virtual time
    tsbpftrace --seed 7 -e 'kprobe:vfs_read { @[comm] = count(); }'
        another seed: the same machine on another day
    tsbpftrace -l 'tracepoint:syscalls:sys_enter_*'
        list probes
    tsbpftrace -d bytecode -e 'kprobe:vfs_read { @ = count(); }'
        show the eBPF that a script becomes
`;

/** The text of --help, made from the option rows. */
export function helpText(): string {
  const rows = commanderOptions();
  const sections = [...new Set(rows.map((row) => row.section))];
  const flagsOf = rows.map(
    (row) => [row, row.option.flags.replace(/<(\w+)>/, (_, name: string) => name.toUpperCase())] as const,
  );
  const width = 22;
  const text = sections.map((section) => {
    const lines = flagsOf
      .filter(([row]) => row.section === section)
      .map(([row, flags]) =>
        flags.length < width - 1
          ? `    ${flags.padEnd(width)}${row.option.description}`
          : `    ${flags}\n    ${''.padEnd(width)}${row.option.description}`,
      );
    if (section === 'OPTIONS')
      lines.push(
        `    ${'-h, --help'.padEnd(width)}show this help message`,
        `    ${'-V, --version'.padEnd(width)}print the version`,
      );
    return `\n${section}:\n${lines.join('\n')}\n`;
  });
  return USAGE + text.join('') + EXAMPLES;
}

/** Parses the arguments behind the program's name; prints help, version and mistakes itself. */
export function parseCommandLine(
  args: readonly string[],
  version: string,
  output: CommandLineOutput,
): ParsedCommandLine {
  const command = new Command('tsbpftrace');
  const rows = commanderOptions();
  command
    .argument('[operands...]')
    .version(`tsbpftrace ${version}`, '-V, --version')
    .helpOption('-h, --help')
    .configureHelp({ formatHelp: helpText })
    .configureOutput({
      writeOut: output.stdout,
      writeErr: (text) => output.stderr(text.replace(/^error: /, 'ERROR: USAGE: ')),
    })
    .showHelpAfterError("Try 'tsbpftrace --help'.")
    .exitOverride();
  for (const { option } of rows) command.addOption(option);
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return { kind: 'done', exitCode: error.exitCode };
    throw error;
  }
  const values = command.opts<Record<string, unknown>>();
  const config = Object.fromEntries(
    rows.map(({ key, option }) => [key, values[option.attributeName()]]),
  ) as unknown as CliConfig;
  return { kind: 'run', config, operands: command.args };
}
