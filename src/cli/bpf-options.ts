import { InvalidArgumentError } from 'commander';
import { BINARY_FORMATS, type BinaryFormat } from '../pipeline/bpf-file.ts';
import { parseMap, RAW_PROGRAM_TYPES } from '../pipeline/bpf-program.ts';
import type { EngineName } from '../pipeline/settings.ts';
import { ENGINE_OPTION } from './machine-options.ts';
import type { OptionRows } from './subcommand.ts';

type MapDefinition = Exclude<ReturnType<typeof parseMap>, string>;
type ProgramType = (typeof RAW_PROGRAM_TYPES)[number];

/** Reads one of a few words. */
const oneOf =
  <T extends string>(...choices: readonly T[]) =>
  (text: string): T => {
    const choice = choices.find((name) => name === text);
    if (choice === undefined) throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}.`);
    return choice;
  };

/** What the command line of `bpf` says, over all its subcommands. */
export interface BpfConfig {
  readonly output: string | undefined;
  readonly format: BinaryFormat | undefined;
  readonly program: string | undefined;
  readonly type: ProgramType | undefined;
  readonly attach: string | undefined;
  readonly maps: readonly MapDefinition[];
  readonly verbose: boolean;
  readonly jsonl: boolean;
  readonly memory: string | undefined;
  readonly memoryFile: string | undefined;
  readonly showMemory: boolean;
  readonly jit: EngineName;
}

function collectMap(text: string, previous: readonly MapDefinition[]): readonly MapDefinition[] {
  const map = parseMap(text);
  if (typeof map === 'string') throw new InvalidArgumentError(map);
  return [...previous, map];
}

/** Every option of the subcommands once. */
export const BPF_OPTIONS: OptionRows<BpfConfig> = {
  output: { flags: '-o, --output <file>', help: 'write to a file instead of standard output' },
  format: {
    flags: '--format <format>',
    help: 'what to write: an ELF object, raw bytes or hex digits (default: elf to FILE.o, raw to other files, else hex)',
    parse: oneOf(...BINARY_FORMATS),
  },
  program: { flags: '--program <name>', help: 'of several programs in the file, the one of this name' },
  type: {
    flags: '--type <type>',
    help: `program type (${RAW_PROGRAM_TYPES.join(', ')}; default: what the file says, else kprobe)`,
    parse: oneOf(...RAW_PROGRAM_TYPES),
  },
  attach: { flags: '--attach <target>', help: "where it attaches, as libbpf's section names say: fentry/vfs_read" },
  maps: {
    flags: '--map <map>',
    help: 'a map, NAME:TYPE:KEY SIZE:VALUE SIZE:ENTRIES[:FLAGS]; may be repeated',
    default: [],
    parse: collectMap,
  },
  verbose: { flags: '-v, --verbose', help: "print the verifier's log", default: false },
  jsonl: {
    flags: '--jsonl',
    help: 'read programs as JSON lines from standard input, write a line for each',
    default: false,
  },
  memory: { flags: '--mem <hex>', help: 'packet or context of the run' },
  memoryFile: { flags: '--mem-file <file>', help: 'the same, from a file of bytes' },
  showMemory: { flags: '--show-mem', help: 'print the packet or context as the program left it', default: false },
  jit: ENGINE_OPTION,
};
