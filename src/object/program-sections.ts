import type { Program, ProgramType } from '../abi/program-image.ts';

/** A kind of section that programs stand in. */
interface SectionRow {
  /** What libbpf calls it; a `/` and the target follow. */
  readonly section: string;
  readonly type: ProgramType;
  /** Other spellings. */
  readonly aliases?: readonly string[];
}

/**
 * Section names that libbpf knows (its documentation, "Program Types and ELF Sections") for the program types that we load. The first row of a type
 * is the section of a program that says no more than its type.
 */
const PROGRAM_SECTIONS: readonly SectionRow[] = [
  { section: 'socket', type: 'socket_filter' },
  { section: 'kprobe', type: 'kprobe' },
  { section: 'kretprobe', type: 'kprobe' },
  { section: 'uprobe', type: 'kprobe', aliases: ['uprobe.s'] },
  { section: 'uretprobe', type: 'kprobe', aliases: ['uretprobe.s'] },
  { section: 'usdt', type: 'kprobe', aliases: ['usdt.s'] },
  { section: 'ksyscall', type: 'kprobe' },
  { section: 'kretsyscall', type: 'kprobe' },
  { section: 'kprobe.multi', type: 'kprobe' },
  { section: 'kretprobe.multi', type: 'kprobe' },
  { section: 'kprobe.session', type: 'kprobe' },
  { section: 'uprobe.multi', type: 'kprobe', aliases: ['uprobe.multi.s'] },
  { section: 'uretprobe.multi', type: 'kprobe', aliases: ['uretprobe.multi.s'] },
  { section: 'tc', type: 'sched_cls', aliases: ['tcx', 'classifier', 'netkit'] },
  { section: 'tracepoint', type: 'tracepoint', aliases: ['tp', 'tracepoint.s', 'tp.s'] },
  { section: 'raw_tracepoint', type: 'raw_tracepoint', aliases: ['raw_tp', 'raw_tracepoint.s', 'raw_tp.s'] },
  { section: 'tp_btf', type: 'tracing', aliases: ['tp_btf.s'] },
  { section: 'fentry', type: 'tracing', aliases: ['fentry.s'] },
  { section: 'fexit', type: 'tracing', aliases: ['fexit.s'] },
  { section: 'iter', type: 'tracing', aliases: ['iter.s'] },
  { section: 'xdp', type: 'xdp', aliases: ['xdp.frags'] },
  { section: 'perf_event', type: 'perf_event' },
];

const ROW_BY_NAME: ReadonlyMap<string, SectionRow> = new Map(
  PROGRAM_SECTIONS.flatMap((row) => [row.section, ...(row.aliases ?? [])].map((name) => [name, row] as const)),
);

/** Type and attach point of the programs in a section; undefined when we cannot load them. */
export function describeSection(section: string): Pick<Program, 'type' | 'attach'> | undefined {
  // libbpf does not load a program behind a `?` unless it is told to.
  const [kind, ...target] = section.replace(/^\?/, '').split('/');
  const row = ROW_BY_NAME.get(kind!);
  if (row === undefined) return undefined;
  // What a program may do depends on how it attaches only for these.
  if (row.type !== 'tracing' && row.section !== 'kprobe.session') return { type: row.type };
  return { type: row.type, attach: [row.section, ...target].join('/') };
}

/** The section of a program that came with no more than its type and, for tracing, its attach point. */
export function defaultSection(program: Pick<Program, 'type' | 'attach'>): string {
  return program.attach ?? PROGRAM_SECTIONS.find(({ type }) => type === program.type)!.section;
}
