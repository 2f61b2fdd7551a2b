/** 64-bit division on int32 halves for generated code: returns the low half, leaves the high half in `words[result]`. */
export interface Support {
  readonly udiv: Division;
  readonly umod: Division;
  readonly sdiv: Division;
  readonly smod: Division;
  /** Reverses the bytes of an int32. */
  readonly swap32: (value: number) => number;
}

type Division = (low: number, high: number, byLow: number, byHigh: number) => number;

const TWO_32 = 4294967296;
/** Multiplying by it moves the high word of a double product down. */
const TO_HIGH = 1 / TWO_32;
const TWO_21 = 0x200000;

/** High word of the product of two unsigned words. */
function highOfProduct(a: number, b: number): number {
  // The double product minus its low word is a multiple of 2 ** 32 up to rounding, which + 0.5 absorbs.
  return ((a * b - (Math.imul(a, b) >>> 0)) * TO_HIGH + 0.5) >>> 0;
}

/** Whether y * quotient > x, all unsigned, yh not 0. */
function exceeds(xl: number, xh: number, yl: number, yh: number, quotient: number): boolean {
  if (quotient >= TWO_32) return true;
  // yh * quotient may reach 2 ** 64, but with a wrong estimate only just; doubles compare it well enough.
  const top = highOfProduct(yl, quotient) + yh * quotient;
  const borrow = xl < Math.imul(yl, quotient) >>> 0 ? 1 : 0;
  return top + borrow > xh;
}

/**
 * Support functions that return their high halves through `words[result]`. They keep nothing else: what a function shares
 * with others by closed-over variables would cost more than the division.
 */
export function createSupport(words: Int32Array, result: number): Support {
  /** Quotient of unsigned words; the divisor is not zero. */
  function quotientOf(low: number, high: number, byLow: number, byHigh: number): number {
    const xl = low >>> 0;
    const xh = high >>> 0;
    const yl = byLow >>> 0;
    const yh = byHigh >>> 0;
    if (xh < TWO_21 && yh < TWO_21) {
      // Both below 2 ** 53: the rounded quotient cannot reach the next integer, so that its floor is exact.
      const quotient = Math.floor((xh * TWO_32 + xl) / (yh * TWO_32 + yl));
      words[result] = Math.floor(quotient * TO_HIGH);
      return quotient | 0;
    }
    if (yh === 0) {
      // Long division with digits of 32, 16 and 16 bits: every partial dividend stays below 2 ** 48. Remainders are taken by
      // multiplication, as `%` on doubles is a slow library call.
      const top = Math.floor(xh / yl);
      const first = (xh - top * yl) * 65536 + (xl >>> 16);
      const middle = Math.floor(first / yl);
      const second = (first - middle * yl) * 65536 + (xl & 0xffff);
      words[result] = top;
      return (middle << 16) | Math.floor(second / yl);
    }
    words[result] = 0;
    // The quotient is below 2 ** 32, so that the estimate from rounded doubles is wrong by at most one.
    const estimate = Math.min(Math.floor((xh * TWO_32 + xl) / (yh * TWO_32 + yl)), TWO_32 - 1);
    if (exceeds(xl, xh, yl, yh, estimate)) return (estimate - 1) | 0;
    return (exceeds(xl, xh, yl, yh, estimate + 1) ? estimate : estimate + 1) | 0;
  }

  /** What is left of a word after its quotient: x - y * quotient, modulo 2 ** 64. */
  function remainderOf(low: number, high: number, byLow: number, byHigh: number): number {
    const quotient = quotientOf(low, high, byLow, byHigh);
    const quotientHigh = words[result]!;
    const productLow = Math.imul(quotient, byLow);
    const productHigh =
      highOfProduct(quotient >>> 0, byLow >>> 0) + Math.imul(quotientHigh, byLow) + Math.imul(quotient, byHigh);
    const borrow = low >>> 0 < productLow >>> 0 ? 1 : 0;
    words[result] = high - productHigh - borrow;
    return (low - productLow) | 0;
  }

  /** Turns the sign of the result whose low half this is. */
  function negated(low: number): number {
    const turned = -low | 0;
    words[result] = ~words[result]! + (turned === 0 ? 1 : 0);
    return turned;
  }

  const negatedHigh = (low: number, high: number): number => (~high + (low === 0 ? 1 : 0)) | 0;

  return {
    udiv(low, high, byLow, byHigh) {
      if ((byLow | byHigh) !== 0) return quotientOf(low, high, byLow, byHigh);
      words[result] = 0;
      return 0;
    },
    umod(low, high, byLow, byHigh) {
      if ((byLow | byHigh) !== 0) return remainderOf(low, high, byLow, byHigh);
      words[result] = high;
      return low;
    },
    sdiv(low, high, byLow, byHigh) {
      if ((byLow | byHigh) === 0) {
        words[result] = 0;
        return 0;
      }
      const quotient = quotientOf(
        high < 0 ? -low | 0 : low,
        high < 0 ? negatedHigh(low, high) : high,
        byHigh < 0 ? -byLow | 0 : byLow,
        byHigh < 0 ? negatedHigh(byLow, byHigh) : byHigh,
      );
      return high < 0 !== byHigh < 0 ? negated(quotient) : quotient;
    },
    smod(low, high, byLow, byHigh) {
      if ((byLow | byHigh) === 0) {
        words[result] = high;
        return low;
      }
      const rest = remainderOf(
        high < 0 ? -low | 0 : low,
        high < 0 ? negatedHigh(low, high) : high,
        byHigh < 0 ? -byLow | 0 : byLow,
        byHigh < 0 ? negatedHigh(byLow, byHigh) : byHigh,
      );
      return high < 0 ? negated(rest) : rest;
    },
    swap32: (value) => (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24),
  };
}
