import type { BpfCallback, ExecutionEnvironment } from '../../abi/execution.ts';
import type { HelperName, HelperRow } from '../../abi/helpers.ts';
import { HELPERS } from '../../abi/helpers.ts';
import { ARG_WORDS, RETURN_KINDS } from '../../abi/helper-types.ts';
import { highHalf, joinHalves, lowHalf } from '../../isa/words.ts';
import { bug } from '../../source/bug.ts';
import type { AccessChecker } from './access-checker.ts';

const NAMES_BY_ID: ReadonlyMap<number, HelperName> = new Map(
  (Object.keys(HELPERS) as HelperName[]).map((name) => [HELPERS[name].id, name]),
);

export interface CallSite {
  readonly slot: number;
  /** Runs callbacks of this call. */
  readonly callback: BpfCallback;
  readonly checker: AccessChecker | undefined;
}

/** Calls a helper with r1 to r5 as its row says and gives what r0 holds afterwards. */
export function callHelper(
  environment: ExecutionEnvironment,
  id: number,
  registers: BigUint64Array,
  { slot, callback, checker }: CallSite,
): bigint {
  const name = NAMES_BY_ID.get(id) ?? bug(`no helper ${id}`);
  const row: HelperRow = HELPERS[name];
  const args: number[] = [];
  row.args.forEach((kind, index) => {
    const value = registers[index + 1]!;
    args.push(lowHalf(value));
    if (ARG_WORDS[kind] === 2) args.push(highHalf(value));
  });
  const values = [...registers.subarray(1, 6)].map((value) => lowHalf(value));
  checker?.beforeHelper(slot, row, values);
  // The row decides the arity, which the type of `helpers` ties to each function; here the name is not a literal.
  const helper = environment.helpers[name] as (...words: number[]) => number;
  const outer = environment.callback;
  environment.callback = (at, words) => {
    checker?.enterCallback(row, values, words);
    return callback(at, words);
  };
  let low: number;
  try {
    low = helper(...args);
  } finally {
    environment.callback = outer;
  }
  checker?.afterHelper(row, values, low);
  switch (RETURN_KINDS[row.ret]) {
    case 'number':
      return joinHalves(low, new Int32Array(environment.buffer)[environment.resultHigh >> 2]!);
    case 'pointer':
      return low === 0 ? 0n : joinHalves(low, environment.kernelHigh);
    case 'none':
      return 0n;
  }
}
