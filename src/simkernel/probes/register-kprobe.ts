import type { TextSymbol } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import { checkKprobe } from './kprobes.ts';
import type { Kprobe, KprobeError, KprobeRequest } from './kprobes.ts';
import { hooksOf, kprobeOptimizer, patch } from './probed-text.ts';

/** kprobe_table, and kprobes_all_disarmed. */
interface KprobeTable {
  readonly probes: Set<Kprobe>;
  allDisarmed: boolean;
}
const tables = new WeakMap<Machine, KprobeTable>();
function tableOf(m: Machine): KprobeTable {
  let table = tables.get(m);
  if (table === undefined) tables.set(m, (table = { probes: new Set(), allDisarmed: false }));
  return table;
}

/** A kprobe or kretprobe in the kernel's table. */
export interface RegisteredKprobe {
  readonly probe: Kprobe;
  unregister(): void;
  /** enable_kprobe(), disable_kprobe() */
  enable(on: boolean): void;
}

/** register_kprobe(), register_kretprobe(): what modules, tracefs and tracers share. */
export function registerKprobe(m: Machine, request: KprobeRequest): RegisteredKprobe | KprobeError {
  const probe = checkKprobe(m, request);
  if ('errno' in probe) return probe;
  tableOf(m).probes.add(probe);
  settle(m, probe);
  // It may not be armed yet, but its post-handler can only follow a breakpoint.
  if (probe.post !== undefined && !probe.usesFtrace) {
    reviewJumps(m, probe.symbol);
    patch(m, probe.symbol);
  }
  return {
    probe,
    unregister() {
      tableOf(m).probes.delete(probe);
      settle(m, probe);
    },
    enable(on) {
      probe.isDisabled = !on;
      settle(m, probe);
    },
  };
}

/** Every kprobe, by address: the rows of /sys/kernel/debug/kprobes/list. */
export function registeredKprobes(m: Machine): readonly Kprobe[] {
  return [...tableOf(m).probes].sort((a, b) => a.symbol.entry + a.offset - (b.symbol.entry + b.offset));
}

export const kprobesArmed = (m: Machine): boolean => !tableOf(m).allDisarmed;
/** /sys/kernel/debug/kprobes/enabled: takes all of them out of the text, or puts back those that are not disabled. */
export function armAllKprobes(m: Machine, on: boolean): void {
  const table = tableOf(m);
  table.allDisarmed = !on;
  for (const probe of table.probes) settle(m, probe);
}

/** Puts a probe into the text, or takes it out, as its flags say. */
function settle(m: Machine, probe: Kprobe): void {
  const { probes, allDisarmed } = tableOf(m);
  const wanted = probes.has(probe) && !probe.isDisabled && !allDisarmed;
  if (wanted === probe.isArmed) return;
  probe.isArmed = wanted;
  const hooks = hooksOf(m, probe.symbol);
  const change = (list: readonly Kprobe[]): readonly Kprobe[] =>
    wanted ? [...list, probe] : list.filter((other) => other !== probe);
  if (probe.kind === 'r') hooks.returns = change(hooks.returns);
  else if (probe.usesFtrace) hooks.entry = change(hooks.entry);
  if (!probe.usesFtrace) {
    const at = probe.symbol.entry + probe.offset;
    const there = change(m.breakpoints.get(at) ?? []);
    if (there.length > 0) m.breakpoints.set(at, there);
    else m.breakpoints.delete(at);
    const others = hooks.breakpoints.filter((offset) => offset !== probe.offset);
    hooks.breakpoints = (there.length > 0 ? [...others, probe.offset] : others).sort((a, b) => a - b);
    reviewJumps(m, probe.symbol);
  }
  patch(m, probe.symbol);
}

/** Has the optimizer look at a function again. */
function reviewJumps(m: Machine, symbol: TextSymbol): void {
  const here = [...tableOf(m).probes].filter((probe) => probe.symbol === symbol && !probe.usesFtrace);
  const hasPostHandler = (offset: number): boolean =>
    here.some((probe) => probe.offset === offset && probe.post !== undefined);
  kprobeOptimizer(m).review(symbol, hooksOf(m, symbol).breakpoints, hasPostHandler);
}
/** Whether a probe is done by a jump, or will be. */
export function isOptimized(m: Machine, { symbol, offset, usesFtrace, isArmed }: Kprobe): boolean {
  return isArmed && !usesFtrace && kprobeOptimizer(m).at(symbol.entry + offset) !== undefined;
}
export const optimizingAllowed = (m: Machine): boolean => kprobeOptimizer(m).isAllowed;
/** /proc/sys/debug/kprobes-optimization: makes breakpoints of all jumps, or lets them become jumps again. */
export function allowOptimizing(m: Machine, on: boolean): void {
  kprobeOptimizer(m).isAllowed = on;
  for (const symbol of new Set([...tableOf(m).probes].map((probe) => probe.symbol))) {
    reviewJumps(m, symbol);
    patch(m, symbol);
  }
}
