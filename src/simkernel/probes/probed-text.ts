import type { TextSymbol } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import type { FunctionHooks } from './function-hooks.ts';
import { writeJump } from './optimizable.ts';
import { KprobeOptimizer } from './optimizer.ts';

const optimizers = new WeakMap<Machine, KprobeOptimizer>();
/** The machine's optimizer of kprobes. */
export function kprobeOptimizer(m: Machine): KprobeOptimizer {
  let optimizer = optimizers.get(m);
  if (optimizer === undefined) {
    optimizer = new KprobeOptimizer(m, (symbol) => patch(m, symbol));
    optimizers.set(m, optimizer);
  }
  return optimizer;
}

/** What sits on a function. */
export function hooksOf(m: Machine, symbol: TextSymbol): FunctionHooks {
  let hooks = m.functionHooks.get(symbol.index);
  if (hooks === undefined) {
    hooks = { entry: [], returns: [], fentry: [], fexit: [], breakpoints: [] };
    m.functionHooks.set(symbol.index, hooks);
  }
  return hooks;
}

/** Writes what the probes of a function need into its text: a call at the fentry site, breakpoints or jumps elsewhere, the original without them. */
export function patch(m: Machine, symbol: TextSymbol): void {
  const hooks = hooksOf(m, symbol);
  m.visibleText.restore(m.arena, symbol);
  const { bytes, view } = m.arena;
  const { kernelCode, breakpoint } = m.arch;
  const byFtrace = kernelCode.kprobesUseFtrace ? hooks.entry.length + hooks.returns.length : 0;
  const usesSite = byFtrace + hooks.fentry.length + hooks.fexit.length > 0;
  if (usesSite) kernelCode.callTracer(view, symbol.entry, m.ftraceCaller.entry);
  for (const offset of hooks.breakpoints) {
    const detour = kprobeOptimizer(m).at(symbol.entry + offset)?.detour ?? 0;
    if (detour === 0) bytes.set(breakpoint.kprobe, symbol.entry + offset);
    else writeJump(view, symbol.entry + offset, detour);
  }
  m.hooked[symbol.index] = usesSite || hooks.breakpoints.length > 0 ? 1 : 0;
}
