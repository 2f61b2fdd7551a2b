const UINT64_MAX = (1n << 64n) - 1n;

/** What may follow the digits: C's suffixes with the largest value of their type, and units of time in nanoseconds. */
const SUFFIXES: Readonly<Record<string, { readonly most: bigint; readonly factor: bigint }>> = {
  '': { most: UINT64_MAX, factor: 1n },
  u: { most: 0xffff_ffffn, factor: 1n },
  ul: { most: UINT64_MAX, factor: 1n },
  ull: { most: UINT64_MAX, factor: 1n },
  l: { most: UINT64_MAX >> 1n, factor: 1n },
  ll: { most: UINT64_MAX >> 1n, factor: 1n },
  ns: { most: UINT64_MAX, factor: 1n },
  us: { most: UINT64_MAX, factor: 1_000n },
  ms: { most: UINT64_MAX, factor: 1_000_000n },
  s: { most: UINT64_MAX, factor: 1_000_000_000n },
  m: { most: UINT64_MAX, factor: 60_000_000_000n },
  h: { most: UINT64_MAX, factor: 3_600_000_000_000n },
  d: { most: UINT64_MAX, factor: 86_400_000_000_000n },
};

/** An integer from outside the script (a parameter, an option), in the spellings of the script's own literals. */
export function parseInteger(text: string): bigint | undefined {
  if (!text.startsWith('-')) return parseMagnitude(text);
  const magnitude = parseMagnitude(text.slice(1));
  return magnitude === undefined || magnitude > 1n << 63n ? undefined : -magnitude;
}

function parseMagnitude(text: string): bigint | undefined {
  const match = /^(0x[0-9a-f]+|0b[01]+|0[0-7]+|\d+)(?:e([1-9]\d*))?([a-z]*)$/i.exec(text.replaceAll('_', ''));
  if (match === null) return undefined;
  const [, digits, exponent, suffix] = match as unknown as [string, string, string | undefined, string];
  let value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (exponent !== undefined) {
    // Scientific notation: one digit and a power of ten that fits.
    if (value < 1n || value > 9n || exponent.length > 2) return undefined;
    value *= 10n ** BigInt(exponent);
  }
  const unit = SUFFIXES[suffix];
  if (unit === undefined || value > unit.most / unit.factor) return undefined;
  return value * unit.factor;
}
