import type { HelperFunctions } from '../../abi/helpers.ts';
import { callHelpers } from './call-helpers.ts';
import type { HelperHost } from './helper-host.ts';
import { mapHelpers } from './map-helpers.ts';
import { numberHelpers } from './number-helpers.ts';
import { perfHelpers } from './perf-helpers.ts';
import { plainHelpers } from './plain-helpers.ts';
import { printHelpers } from './print-helpers.ts';
import { readHelpers } from './read-helpers.ts';
import { stackHelpers } from './stack-helpers.ts';
import { taskHelpers } from './task-helpers.ts';

/** Every helper of abi/helpers.ts with the kernel's semantics and error numbers; a row without a function does not compile. */
export function createHelpers(host: HelperHost): HelperFunctions {
  return {
    ...mapHelpers(host),
    ...readHelpers(host),
    ...taskHelpers(host),
    ...stackHelpers(host),
    ...plainHelpers(host),
    ...printHelpers(host),
    ...numberHelpers(host),
    ...perfHelpers(host),
    ...callHelpers(host),
  };
}

/** A seeded generator of 32-bit numbers (xorshift32): the same seed gives the same script output. */
export function createRandom(seed: number): () => number {
  let state = seed | 0 || 0x9e3779b9 | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}
