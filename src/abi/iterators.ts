/** What the kernel says of a member of an iterator's context: behind the last element it is null; whether it vouches for it. */
export interface IteratorMember {
  readonly trusted: boolean;
}

/**
 * Iterators of BPF programs and those members of their contexts that may be null (bpf_iter_reg's ctx_arg_info in
 * kernel/bpf/task_iter.c); all others are vouched for.
 */
const ITERATORS: Readonly<Record<string, Readonly<Record<string, IteratorMember>>>> = {
  task: { task: { trusted: true } },
  task_file: { task: { trusted: false }, file: { trusted: false } },
  task_vma: { task: { trusted: false }, vma: { trusted: false } },
};

export const ITERATOR_NAMES: readonly string[] = Object.keys(ITERATORS);

/** The row of a member that may be null, undefined of one that may not. */
export function iteratorMember(iterator: string, member: string): IteratorMember | undefined {
  return ITERATORS[iterator]?.[member];
}

/** The kernel function whose parameters are the members of an iterator's context (DEFINE_BPF_ITER_FUNC). */
export const iteratorFunction = (iterator: string): string => `bpf_iter_${iterator}`;
