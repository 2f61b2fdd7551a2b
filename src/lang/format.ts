/** One conversion of a format string, e.g. `%-10lld`. */
export interface FormatSpec {
  readonly text: string;
  /** `d`, `s`, `rx`, ... */
  readonly specifier: string;
}

// Of bpftrace's own: r, rx, rh (buffers) and gr (gfp flags); the longer names first.
const SPEC = /%-?\+? ?#?0?(?:\*|\d+)?(?:\.(?:\*|\d+))?[hlLjzt]*([diouxXeEfFGaAcspn%]|gr|g|rh|rx|r)/g;

/** The format with its conversions replaced by texts, in order: for messages while compiling. */
export function formatLiterals(format: string, values: readonly (string | bigint | boolean)[]): string {
  let next = 0;
  return format.replace(SPEC, (_match, specifier: string) => {
    if (specifier === '%') return '%';
    const value = values[next++] ?? '';
    return typeof value === 'boolean' && specifier !== 's' ? String(Number(value)) : String(value);
  });
}

/** The conversions of a format string in order; `%%` is text. */
export function formatSpecs(format: string): readonly FormatSpec[] {
  const specs: FormatSpec[] = [];
  for (const match of format.matchAll(SPEC)) {
    const specifier = match[1]!;
    if (specifier !== '%') specs.push({ text: match[0], specifier });
  }
  return specs;
}
