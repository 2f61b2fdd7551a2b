import type { BpfCallback } from '../../abi/execution.ts';
import type { Arena } from '../arena.ts';
import type { Kernel } from '../kernel.ts';
import type { BpfMap } from '../maps/bpf-map.ts';

/** What is true of one run of a program (struct bpf_session_run_ctx). */
export interface RunContext {
  /** The program runs at the return of its function (fexit, sessions). */
  atReturn: boolean;
  /** What the program was attached with: which of several places it runs at. */
  cookie: number;
}

export const PLAIN_RUN: Readonly<RunContext> = { atReturn: false, cookie: 0 };

/** What helpers work on: one per nesting level, because a callback belongs to the program that runs there. */
export interface HelperHost {
  readonly kernel: Kernel;
  readonly arena: Arena;
  /** By the index that stands in the map object. */
  readonly maps: readonly BpfMap[];
  /** Arena offset of the word for the high half of a result. */
  readonly resultHigh: number;
  /** Arena offset of a page that helpers may use while they run. */
  readonly scratch: number;
  readonly random: () => number;
  /** Of the program that runs at this level. */
  readonly run: RunContext;
  /** How to run a callback of the program that calls the helper; a helper reads it once, see ExecutionEnvironment. */
  callback(): BpfCallback;
}
/** Bytes at HelperHost.scratch. */
export const SCRATCH_SIZE = 4096;

/** Returns a 64-bit result: the low half, with the high half in its slot. */
export function returnPair(host: HelperHost, low: number, high: number): number {
  host.arena.words[host.resultHigh >> 2] = high;
  return low | 0;
}

/** Returns an integer from 0 to 2^53. */
export function returnNumber(host: HelperHost, value: number): number {
  return returnPair(host, value | 0, Math.floor(value / 2 ** 32));
}

/** Returns a count or -errno. */
export function returnSigned(host: HelperHost, value: number): number {
  host.arena.words[host.resultHigh >> 2] = value >> 31;
  return value;
}

/** Returns the u64 at an address. */
export function returnWord64(host: HelperHost, address: number): number {
  const { words } = host.arena;
  words[host.resultHigh >> 2] = words[(address >> 2) + 1]!;
  return words[address >> 2]!;
}
