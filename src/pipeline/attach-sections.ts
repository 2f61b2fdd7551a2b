import { KERNEL_MODULE, type AttachKind, type AttachTarget } from '../lang/attach-target.ts';

/** The target of a kind; some kinds share a shape. */
type Target<Kind extends AttachKind, T = AttachTarget> = T extends { readonly kind: AttachKind }
  ? Kind extends T['kind']
    ? T
    : never
  : never;

const signed = (offset: number): string => (offset === 0 ? '' : `+${offset}`);
const moduleOf = (module: string | undefined): string =>
  module === undefined || module === KERNEL_MODULE ? '' : `${module}:`;
/** User space starts these programs itself (BPF_PROG_TEST_RUN): there is nothing to attach them to. */
const special = (): string => 'raw_tp';
/** User space opens the event and attaches the program to it. */
const perfEvent = (): string => 'perf_event';

/**
 * The section of an object that libbpf attaches to a target by itself (its documentation, "Program Types and ELF Sections"), or, without anything behind
 * the kind, leaves for its user to attach.
 */
const SECTIONS: { readonly [Kind in AttachKind]: (target: Target<Kind>) => string } = {
  begin: special,
  end: special,
  self: special,
  test: special,
  bench: special,
  kprobe: (target) => (target.address === undefined ? `kprobe/${target.function}${signed(target.offset)}` : 'kprobe'),
  kretprobe: (target) => `kretprobe/${target.function}`,
  fentry: (target) => `fentry/${moduleOf(target.module)}${target.function}`,
  fexit: (target) => `fexit/${moduleOf(target.module)}${target.function}`,
  tracepoint: (target) => `tp/${target.category}/${target.name}`,
  rawtracepoint: (target) => `tp_btf/${target.name}`,
  uprobe: (target) => userSection('uprobe', target),
  uretprobe: (target) => userSection('uretprobe', target),
  // libbpf attaches only USDT programs that hold its own maps of argument places.
  usdt: () => 'usdt',
  profile: perfEvent,
  interval: perfEvent,
  software: perfEvent,
  hardware: perfEvent,
  watchpoint: perfEvent,
  iter: (target) => `iter/${target.name}`,
};

function userSection(kind: 'uprobe' | 'uretprobe', target: Target<'uprobe' | 'uretprobe'>): string {
  if (target.address !== undefined) return kind;
  return `${kind}/${target.path}:${target.function}${signed(target.offset)}`;
}

const sectionOf = (target: AttachTarget): string => (SECTIONS[target.kind] as (target: AttachTarget) => string)(target);

/** What libbpf reads as a pattern of functions. */
const PATTERN = /^[\w.*?]+$/;

/** The sections of the program that attaches to a target: one, but for functions that match no pattern of libbpf's. */
export function sectionsOf(target: AttachTarget): readonly string[] {
  if (target.kind === 'kprobe' && target.session === true)
    return (target.functions === undefined || PATTERN.test(target.function) ? [target.function] : target.functions).map(
      (name) => `kprobe.session/${name}`,
    );
  if (!('functions' in target)) return [sectionOf(target)];
  if (PATTERN.test(target.function)) return [sectionOf(target).replace('/', '.multi/')];
  return target.functions.map((name) => sectionOf({ ...target, function: name }));
}
