/** How other assemblers begin an instruction, and what it is called here. */
const FOREIGN: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/^mov(32|64)?\b/i, 'r1 = r2'],
  [/^(add|sub|mul|div|or|and|lsh|rsh|mod|xor|arsh)(32|64)?\b/i, 'r1 += r2'],
  [/^neg(32|64)?\b/i, 'r1 = -r1'],
  [/^(le|be|bswap)(16|32|64)?\b/i, 'r1 = be16 r1'],
  [/^lddw\b/i, 'r1 = 0x123456789 ll'],
  [/^ldx(b|h|w|dw)?\b/i, 'r1 = *(u32 *)(r2 + 8)'],
  [/^stx?(b|h|w|dw)?\b/i, '*(u32 *)(r1 + 8) = r2'],
  [/^ja\b/i, 'goto label'],
  [/^j(eq|ne|gt|ge|lt|le|set|sgt|sge|slt|sle)(32)?\b/i, 'if r1 == r2 goto label'],
  [/^(lock|xadd)/i, 'lock *(u64 *)(r1 + 0) += r2'],
  [/^ret(urn)?\b/i, 'exit'],
  [/^r\d+ = \*\(/, 'r1 = *(u32 *)(r2 + 8)'],
  [/^if\b/, 'if r1 == r2 goto label'],
  [/^call\b/, 'call bpf_map_lookup_elem'],
];

/** How an instruction that cannot be read is probably to be written. */
export function foreignNotation(source: string): string | undefined {
  const row = FOREIGN.find(([pattern]) => pattern.test(source));
  return row && `instructions are written as the kernel prints them: \`${row[1]}\``;
}
