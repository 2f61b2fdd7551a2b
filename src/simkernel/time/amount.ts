import type { Random } from './random.ts';

/** A quantity that may vary from time to time: a duration, a size, a number of pages. */
export type Amount =
  | { readonly kind: 'exactly'; readonly value: number }
  /** Log-normal: most values are near the median, few are far above it. */
  | { readonly kind: 'about'; readonly median: number }
  /** Uniform, whole numbers. */
  | { readonly kind: 'between'; readonly low: number; readonly high: number }
  /** Exponential: gaps between events that know nothing of each other. */
  | { readonly kind: 'mean'; readonly mean: number };

const ABOUT_SIGMA = 0.5;

/** One whole, non-negative value of an amount. */
export function draw(random: Random, amount: Amount): number {
  switch (amount.kind) {
    case 'exactly':
      return amount.value;
    case 'about':
      return Math.round(random.logNormal(amount.median, ABOUT_SIGMA));
    case 'between':
      return random.between(amount.low, amount.high);
    case 'mean':
      return Math.round(random.exponential(amount.mean));
  }
}
