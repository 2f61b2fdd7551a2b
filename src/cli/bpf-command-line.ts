import { Command } from 'commander';
import { BPF_OPTIONS, type BpfConfig } from './bpf-options.ts';
import { addOptions, configOf, configure, parsed, type CommandLineOutput } from './subcommand.ts';

interface SubcommandRow {
  readonly summary: string;
  readonly options: readonly (keyof BpfConfig)[];
  /** The file may be left out when an option says where the programs are. */
  readonly file: '<file>' | '[file]';
}

/** The subcommands of `tsbpftrace bpf`. */
export const BPF_SUBCOMMANDS = {
  asm: { summary: 'assemble text to an ELF object or bytes', options: ['output', 'format'], file: '<file>' },
  dis: { summary: 'disassemble an ELF object or bytes to text', options: ['program'], file: '<file>' },
  verify: {
    summary: 'judge programs as Linux would, and explain a rejection',
    options: ['program', 'type', 'attach', 'maps', 'verbose', 'jsonl'],
    file: '[file]',
  },
  run: {
    summary: 'verify a program, run it once on given memory and print r0',
    options: ['program', 'type', 'attach', 'maps', 'memory', 'memoryFile', 'showMemory', 'jit', 'jsonl'],
    file: '[file]',
  },
} as const satisfies Record<string, SubcommandRow>;
export type BpfSubcommand = keyof typeof BPF_SUBCOMMANDS;

export type ParsedBpf =
  | {
      readonly kind: 'run';
      readonly subcommand: BpfSubcommand;
      readonly config: BpfConfig;
      readonly file: string | undefined;
    }
  /** Help or a mistake: text is printed already. */
  | { readonly kind: 'done'; readonly exitCode: number };

const FILES = `
FILE is an ELF object (ours or clang's), assembly text, hex digits or bytes, and - is standard input.
Assembly text is what 'bpf dis' prints, with labels instead of numbers where you like, and may say
what it needs:
    .type xdp                         program type
    .attach kprobe/vfs_read           where it attaches, in the words of libbpf's sections
    .map counts array 4 8 16          name, type, key size, value size, entries, perhaps flags
    .data counts 2a00                 first bytes of a map's only value, as hex
    .program second                   begins another program; .license GPL
    r1 = map[counts]                  loads the map;  r1 = map[counts]+0  its value's address
    call map_lookup_elem              calls a helper, or a label
`;

/** Parses the arguments behind `bpf`; prints help and mistakes itself. */
export function parseBpfCommandLine(args: readonly string[], output: CommandLineOutput): ParsedBpf {
  let outcome: ParsedBpf | undefined;
  const withManners = (command: Command): Command =>
    configure(command, output).showHelpAfterError("Try 'tsbpftrace bpf --help'.");
  const bpf = withManners(new Command('tsbpftrace bpf'))
    .description('Raw eBPF: assemble, disassemble, verify and run programs without a script.')
    .addHelpText('after', FILES)
    .helpCommand(false);
  for (const name of Object.keys(BPF_SUBCOMMANDS) as BpfSubcommand[]) {
    const { summary, options, file }: SubcommandRow = BPF_SUBCOMMANDS[name];
    const command = withManners(bpf.command(name)).description(summary).argument(file).allowExcessArguments(false);
    addOptions(
      command,
      options.map((key) => BPF_OPTIONS[key]),
    );
    command.action((operand: string | undefined) => {
      outcome = { kind: 'run', subcommand: name, config: configOf(command, BPF_OPTIONS), file: operand };
    });
  }
  if (args.length === 0) {
    output.stderr(bpf.helpInformation() + FILES);
    return { kind: 'done', exitCode: 1 };
  }
  const exitCode = parsed(bpf, args);
  return exitCode === undefined && outcome !== undefined ? outcome : { kind: 'done', exitCode: exitCode ?? 1 };
}
