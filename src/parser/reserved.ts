/** Words that name a builtin wherever they stand, so that they never name a type, a macro's parameter or a record's field. */
const RESERVED: ReadonlySet<string> = new Set([
  'args',
  'ctx',
  'kstack',
  'nsecs',
  'pid',
  'tid',
  'ustack',
  '__builtin_comm',
  '__builtin_cpid',
  '__builtin_cpu',
  '__builtin_dw_ustack',
  '__builtin_elapsed',
  '__builtin_func',
  '__builtin_ncpus',
  '__builtin_probe',
  '__builtin_retval',
  '__builtin_usermode',
]);

/** Whether the parser knows the word as a builtin; most builtins (`comm`, `cpu`) are macros of the library instead. */
export function isReserved(word: string): boolean {
  return RESERVED.has(word) || /^s?arg\d+$/.test(word);
}

/** Words that name a type of the language, as opposed to one that the kernel's types must supply. */
export function isTypeWord(word: string): boolean {
  return TYPE_WORDS.has(word);
}

const TYPE_WORDS: ReadonlySet<string> = new Set(
  [
    'bool void int8 int16 int32 int64 uint8 uint16 uint32 uint64 string buffer inet timestamp username_t',
    'macaddr_t cgroup_path_t count_t min_t max_t sum_t avg_t stats_t umin_t umax_t usum_t uavg_t ustats_t',
  ].flatMap((line) => line.split(' ')),
);

/** Words that a tag follows, and so words that start a type. */
export function isAggregate(word: string): boolean {
  return word === 'struct' || word === 'union' || word === 'enum';
}
