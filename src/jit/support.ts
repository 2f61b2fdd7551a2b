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

/** Support functions that return their high halves through `words[result]`. */
export function createSupport(words: Int32Array, result: number): Support {
  // Quotient and remainder of the last unsigned division, as int32 halves.
  let ql = 0;
  let qh = 0;
  let ml = 0;
  let mh = 0;

  /** Divides unsigned words; the divisor is not zero. */
  function divide(low: number, high: number, byLow: number, byHigh: number): void {
    const xl = low >>> 0;
    const xh = high >>> 0;
    const yl = byLow >>> 0;
    const yh = byHigh >>> 0;
    if (xh < 0x200000 && yh < 0x200000) {
      // Both below 2 ** 53: the rounded quotient cannot reach the next integer, so that its floor is exact.
      const x = xh * TWO_32 + xl;
      const y = yh * TWO_32 + yl;
      const quotient = Math.floor(x / y);
      const rest = x - quotient * y;
      ql = quotient | 0;
      qh = Math.floor(quotient / TWO_32) | 0;
      ml = rest | 0;
      mh = Math.floor(rest / TWO_32) | 0;
      return;
    }
    if (yh === 0) {
      // Long division with digits of 32, 16 and 16 bits: every partial dividend stays below 2 ** 48. Remainders are taken by
      // multiplication, as `%` on doubles is a slow library call.
      const top = Math.floor(xh / yl);
      const first = (xh - top * yl) * 65536 + (xl >>> 16);
      const middle = Math.floor(first / yl);
      const second = (first - middle * yl) * 65536 + (xl & 0xffff);
      const bottom = Math.floor(second / yl);
      qh = top | 0;
      ql = (middle << 16) | bottom;
      ml = (second - bottom * yl) | 0;
      mh = 0;
      return;
    }
    // The quotient is below 2 ** 32, so that the estimate from rounded doubles is wrong by at most one.
    let quotient = Math.floor((xh * TWO_32 + xl) / (yh * TWO_32 + yl));
    if (quotient >= TWO_32) quotient = TWO_32 - 1;
    if (!subtractProduct(xl, xh, yl, yh, quotient)) {
      quotient--;
      subtractProduct(xl, xh, yl, yh, quotient);
    } else if (mh >>> 0 > yh || (mh >>> 0 === yh && ml >>> 0 >= yl)) {
      quotient++;
      subtractProduct(xl, xh, yl, yh, quotient);
    }
    ql = quotient | 0;
    qh = 0;
  }

  /** Sets the remainder to x - y * quotient; false when that is negative. */
  function subtractProduct(xl: number, xh: number, yl: number, yh: number, quotient: number): boolean {
    // The double product minus its low word is a multiple of 2 ** 32 up to rounding, which + 0.5 absorbs.
    const productLow = Math.imul(yl, quotient) >>> 0;
    const productHigh = ((yl * quotient - productLow) * 2.3283064365386963e-10 + 0.5) >>> 0;
    // yh * quotient may reach 2 ** 64, but with a wrong estimate only just; doubles compare it well enough.
    const top = productHigh + yh * quotient;
    const borrow = xl < productLow ? 1 : 0;
    if (top + borrow > xh) return false;
    ml = (xl - productLow) | 0;
    mh = (xh - top - borrow) | 0;
    return true;
  }

  function give(low: number, high: number, negate: boolean): number {
    const l = negate ? -low | 0 : low;
    words[result] = negate ? (~high + (l === 0 ? 1 : 0)) | 0 : high;
    return l;
  }

  /** Divides the magnitudes of signed words. */
  function divideMagnitudes(low: number, high: number, byLow: number, byHigh: number): void {
    const al = high < 0 ? -low | 0 : low;
    const ah = high < 0 ? (~high + (al === 0 ? 1 : 0)) | 0 : high;
    const bl = byHigh < 0 ? -byLow | 0 : byLow;
    const bh = byHigh < 0 ? (~byHigh + (bl === 0 ? 1 : 0)) | 0 : byHigh;
    divide(al, ah, bl, bh);
  }

  return {
    udiv(low, high, byLow, byHigh) {
      if ((byLow | byHigh) === 0) return give(0, 0, false);
      divide(low, high, byLow, byHigh);
      return give(ql, qh, false);
    },
    umod(low, high, byLow, byHigh) {
      if ((byLow | byHigh) === 0) return give(low, high, false);
      divide(low, high, byLow, byHigh);
      return give(ml, mh, false);
    },
    sdiv(low, high, byLow, byHigh) {
      if ((byLow | byHigh) === 0) return give(0, 0, false);
      divideMagnitudes(low, high, byLow, byHigh);
      return give(ql, qh, high < 0 !== byHigh < 0);
    },
    smod(low, high, byLow, byHigh) {
      if ((byLow | byHigh) === 0) return give(low, high, false);
      divideMagnitudes(low, high, byLow, byHigh);
      return give(ml, mh, high < 0);
    },
    swap32: (value) => (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24),
  };
}
