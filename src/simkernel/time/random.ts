import { bug } from '../../source/bug.ts';

/** A seeded source of chance (xoshiro128**, Blackman and Vigna 2018): one stream per purpose, so that adding a draw somewhere shifts nothing elsewhere. */
export interface Random {
  /** A stream of its own; the same name under the same seed gives the same numbers. */
  stream(name: string): Random;
  /** 32 uniform bits, as int32. */
  bits(): number;
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Uniform integer in [low, high]. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  /** Exponential with this mean: gaps between independent arrivals. */
  exponential(mean: number): number;
  /** Log-normal with this median; sigma 0.3 is mild, 1 has a long tail. */
  logNormal(median: number, sigma: number): number;
  /** An element with probability proportional to its weight. */
  weighted<T>(table: readonly (readonly [weight: number, value: T])[]): T;
  pick<T>(items: readonly T[]): T;
}

/** FNV-1a, 32 bits. */
export function hashText(text: string, basis = 0x811c9dc5): number {
  let hash = basis;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

export function createRandom(seed: number, name = ''): Random {
  // splitmix32 spreads the seed over the state; xoshiro must not start at all zeros.
  let mixing = hashText(name, seed ^ 0x811c9dc5) | 0;
  const mix = (): number => {
    mixing = (mixing + 0x9e3779b9) | 0;
    let z = mixing;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let a = mix();
  let b = mix();
  let c = mix();
  let d = mix() | 1;
  const bits = (): number => {
    const m = Math.imul(b, 5);
    const result = Math.imul((m << 7) | (m >>> 25), 9);
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  const uniform = (): number => (bits() >>> 0) / 4294967296;
  const random: Random = {
    stream: (stream) => createRandom(seed, `${name}/${stream}`),
    bits,
    uniform,
    between: (low, high) => low + Math.floor(uniform() * (high - low + 1)),
    chance: (probability) => uniform() < probability,
    exponential: (mean) => -Math.log(1 - uniform()) * mean,
    logNormal: (median, sigma) => {
      const normal = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
      return median * Math.exp(sigma * normal);
    },
    weighted: (table) => {
      let total = 0;
      for (const [weight] of table) total += weight;
      let left = uniform() * total;
      for (const [weight, value] of table) {
        left -= weight;
        if (left < 0) return value;
      }
      const last = table.at(-1);
      if (last === undefined) bug('no entries to choose from');
      return last[1];
    },
    pick: (items) => {
      const item = items[Math.floor(uniform() * items.length)];
      if (item === undefined) bug('no items to pick from');
      return item;
    },
  };
  return random;
}
