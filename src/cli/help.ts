import { OPTIONS, type OptionRow, type Section } from './options.ts';

const USAGE = `tsbpftrace - bpftrace without a kernel: scripts run on a simulated Linux machine

USAGE:
    tsbpftrace [options] filename
    tsbpftrace [options] - <stdin input>
    tsbpftrace (on a terminal: the REPL)
    tsbpftrace [options] -e 'program'
    use -- after filename/-e 'program' for named script parameters
`;

/** Subcommands; each answers to --help itself. */
export const SUBCOMMANDS = {
  repl: {
    operands: '[options]',
    help: 'write, run and look into scripts on a live machine (also without any arguments)',
  },
  lab: {
    operands: '[options] [script]',
    help: 'a shell on the machine: tracefs, kprobe_events, perf, modules, bpftrace',
  },
  bpf: { operands: 'asm|dis|verify|run ...', help: 'raw eBPF without a script' },
  golden: { operands: '[options] [paths]', help: 'compare what scripts print with what was recorded beside them' },
  completion: { operands: 'bash|zsh|fish', help: 'print the completion script of a shell' },
} as const satisfies Record<string, { readonly operands: string; readonly help: string }>;
export type Subcommand = keyof typeof SUBCOMMANDS;

const CONFIGURATION = `
CONFIGURATION:
    Scripts, the config block and BPFTRACE_ environment variables tune the
    behavior as they do in bpftrace.

EXAMPLES:
    tsbpftrace -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }'
        count syscalls by process name
    tsbpftrace -e 'tracepoint:syscalls:sys_enter_openat { printf("%s %s\\n", comm, str(args.filename)); }'
        trace file opens with process name and path
    tsbpftrace --duration 5s -e 'profile:hz:99 { @[kstack] = count(); }'
        profile kernel stacks at 99 Hertz for five seconds of virtual time
    tsbpftrace --seed 7 -e 'tracepoint:block:block_rq_issue { @ = hist(args.bytes); }'
        histogram of block I/O request sizes of the same machine on another day
    tsbpftrace -l 'tracepoint:syscalls:sys_enter_*'
        list probes
    tsbpftrace -d bytecode -e 'kprobe:vfs_read { @ = count(); }'
        show the eBPF that a script becomes
`;

const INDENT = 4;
const NAME_WIDTH = 15;

/** An option as help and manual page show it: `-p, --pid PID`. */
export function flagsOf({ short, long, value, operand }: OptionRow): string {
  const names = [...(short === undefined ? [] : [`-${short}`]), ...(long === undefined ? [] : [`--${long}`])];
  return [names.join(', '), ...(value === undefined ? [] : [value]), ...(operand === undefined ? [] : [operand])].join(
    ' ',
  );
}

/** A name and its explanation; a name that is too long has a line of its own. */
function entry(name: string, help: readonly string[]): string {
  const indented = ' '.repeat(INDENT) + name;
  const lines = help.map((line) => ' '.repeat(INDENT + NAME_WIDTH) + line);
  if (name.length < NAME_WIDTH) lines[0] = indented.padEnd(INDENT + NAME_WIDTH) + help[0]!;
  else lines.unshift(indented);
  return lines.map((line) => `${line}\n`).join('');
}

/** Option rows that help tells of, by section. */
export function shownOptions(): ReadonlyMap<Section, readonly OptionRow[]> {
  const sections = new Map<Section, OptionRow[]>();
  for (const row of Object.values<OptionRow>(OPTIONS)) {
    if (row.help === undefined) continue;
    sections.set(row.section, [...(sections.get(row.section) ?? []), row]);
  }
  return sections;
}

/** The text of --help, made from the option rows. */
export function helpText(): string {
  const sections = [...shownOptions()].map(([section, rows]) => {
    const entries = rows.map((row) => (row.group ? '\n' : '') + entry(flagsOf(row), row.help ?? []));
    return `\n${section}:\n${entries.join('')}`;
  });
  const subcommands = Object.entries(SUBCOMMANDS).map(([name, { operands, help }]) =>
    entry(`${name} ${operands}`, [help]),
  );
  return `${USAGE}${sections.join('')}\nCOMMANDS:\n${subcommands.join('')}${CONFIGURATION}`;
}
