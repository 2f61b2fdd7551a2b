import { isInstructionBoundary, textSymbol } from '../execution/text.ts';
import { symbolNamed } from './symbols.ts';
import type { TextSymbol } from '../execution/text.ts';
import { KPROBE_BLACKLIST } from '../generated/kprobe-blacklist.ts';
import type { Machine } from '../machine.ts';
import type { Handler } from './handler.ts';
import { runHandlers } from './handler.ts';

/**
 * What a kprobe does before its instruction runs; a true result says that it has changed where the CPU goes on. A kretprobe's
 * is given what its entry handler kept.
 */
export type PreHandler = (context: number, kept?: unknown) => boolean | void;

/** struct kprobe, struct kretprobe: somebody's wish to be called at an instruction, or when a function returns. */
export interface Kprobe {
  readonly kind: 'k' | 'r';
  readonly symbol: TextSymbol;
  /** From the function's start; that of the fentry site for probes that ftrace serves. */
  readonly offset: number;
  readonly usesFtrace: boolean;
  readonly pre: PreHandler;
  readonly post: Handler | undefined;
  /** Of a kretprobe, when its function is called: what it returns is kept until the return. */
  readonly entry: ((context: number) => unknown) | undefined;
  isDisabled: boolean;
  /** It is in the text. */
  isArmed: boolean;
  /** Hits that were not taken: inside another kprobe's handler, or with all instances of a kretprobe in use. */
  missed: number;
  /** How many calls of the function a kretprobe can follow at a time, and follows now. */
  readonly maxActive: number;
  active: number;
}

export interface KprobeRequest {
  readonly kind: 'k' | 'r';
  readonly function: string;
  readonly offset?: number;
  readonly pre: PreHandler;
  readonly post?: Handler;
  readonly entry?: (context: number) => unknown;
  readonly maxActive?: number;
  /** Registered, but not yet enabled. */
  readonly isDisabled?: boolean;
}

export type KprobeError = { readonly errno: 'ENOENT' | 'EINVAL' | 'EILSEQ'; readonly reason: string };

let blacklist: ReadonlySet<string> | undefined;
/** Functions, as declared, that may not be probed: what serves probes, and entry code (NOKPROBE_SYMBOL, noinstr). */
export function isBlacklisted(name: string): boolean {
  blacklist ??= new Set(KPROBE_BLACKLIST.split('\n'));
  return blacklist.has(name) || textSymbol(name)?.traceable === false;
}
/** Their names, sorted. */
export function blacklistedFunctions(): readonly string[] {
  return KPROBE_BLACKLIST.split('\n');
}

/** register_kprobe(), register_kretprobe(): the probe, not yet in the text, or what is wrong with it. */
export function checkKprobe(m: Machine, request: KprobeRequest): Kprobe | KprobeError {
  const { kind, function: name, offset = 0, pre, post, entry } = request;
  if (isBlacklisted(m.arch.declaredName(name))) return { errno: 'EINVAL', reason: `${name} is blacklisted` };
  const symbol = symbolNamed(m, name);
  if (symbol === undefined) return { errno: 'ENOENT', reason: `no kernel function ${name}` };
  if (offset < 0 || offset >= symbol.size) return { errno: 'EINVAL', reason: `offset ${offset} is outside ${name}` };
  const { kernelCode } = m.arch;
  const site = kernelCode.ftraceSite.offset;
  const isEntry = offset === 0 || (kernelCode.kprobesUseFtrace && offset === site);
  // On x86 an entry is moved behind endbr64, to the instruction that ftrace has taken for itself.
  const usesFtrace = isEntry && kernelCode.kprobesUseFtrace;
  if (kind === 'r' && !isEntry) return { errno: 'EINVAL', reason: `${name}+${offset} is no function entry` };
  // arch/arm64/kernel/probes/kprobes.c: checked before anybody decodes what is there.
  if (offset % m.abi.alignment !== 0) {
    return { errno: 'EINVAL', reason: `${name}+${offset} is not aligned to ${m.abi.alignment} bytes` };
  }
  if (!usesFtrace && !isInstructionBoundary(kernelCode, symbol, offset)) {
    return { errno: 'EILSEQ', reason: `${name}+${offset} is not the start of an instruction` };
  }
  return {
    kind,
    symbol,
    offset: usesFtrace ? site : offset,
    usesFtrace,
    pre,
    post,
    entry,
    isDisabled: request.isDisabled ?? false,
    isArmed: false,
    missed: 0,
    // kernel/kprobes.c with CONFIG_PREEMPTION: max(10, 2 * num_possible_cpus()).
    maxActive: request.maxActive ?? Math.max(DEFAULT_INSTANCES, 2 * m.cpus),
    active: 0,
  };
}
const DEFAULT_INSTANCES = 10;

/** Runs the handlers of the probes at one place; inside another kprobe's handler they are missed. Whether one moved the CPU. */
export function runKprobes(m: Machine, probes: readonly Kprobe[], context: number, probed?: TextSymbol): boolean {
  if (m.kprobeRunning) {
    for (const probe of probes) probe.missed += 1;
    return false;
  }
  m.kprobeRunning = true;
  let moved = false;
  const live = probes.filter(({ isDisabled }) => !isDisabled);
  runHandlers(
    m,
    live.map(({ pre }) => (at: number): void => {
      if (pre(at) === true) moved = true;
    }),
    context,
    probed,
  );
  m.kprobeRunning = false;
  return moved;
}

/** What runs behind the probed instruction. */
export function runPostHandlers(m: Machine, probes: readonly Kprobe[], context: number): void {
  const handlers = probes.flatMap(({ post, isDisabled }) => (post === undefined || isDisabled ? [] : [post]));
  if (handlers.length > 0) runHandlers(m, handlers, context);
}

/** struct kretprobe_instance: one call of a function that a kretprobe follows. */
export interface ReturnInstance {
  readonly probe: Kprobe;
  readonly kept: unknown;
}

/** The kretprobes that have an instance left for this call of their function; `registers` stores those of the entry. */
export function takeInstances(
  m: Machine,
  probes: readonly Kprobe[],
  registers: () => number,
): readonly ReturnInstance[] {
  const taken: ReturnInstance[] = [];
  for (const probe of probes) {
    if (m.kprobeRunning || probe.active >= probe.maxActive) {
      probe.missed += 1;
      continue;
    }
    probe.active += 1;
    taken.push({ probe, kept: probe.entry?.(registers()) });
  }
  return taken;
}

/** Runs the handlers of kretprobes at the return. */
export function runReturns(
  m: Machine,
  instances: readonly ReturnInstance[],
  context: number,
  probed: TextSymbol,
): void {
  if (m.kprobeRunning) {
    for (const { probe } of instances) probe.missed += 1;
    return;
  }
  m.kprobeRunning = true;
  runHandlers(
    m,
    instances.map(
      ({ probe, kept }) =>
        (at: number): void =>
          void probe.pre(at, kept),
    ),
    context,
    probed,
  );
  m.kprobeRunning = false;
}

/** Where the single step under way is, and what it has to restore. */
export interface KprobeStep {
  readonly probes: readonly Kprobe[];
  /** Image offset behind the probed instruction. */
  readonly behind: number;
  readonly savedFlags: number;
}
