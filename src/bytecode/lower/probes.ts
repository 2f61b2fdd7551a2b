import type { AttachKind } from '../../lang/attach-target.ts';
import { PROBES } from '../../lang/probes.ts';
import type { TypedProbe } from '../../lang/typed-program.ts';
import { type IrFunction, type IrProgram, newFunction } from '../ir/ir.ts';
import { context } from './builtins.ts';
import { Lowerer } from './lowerer.ts';
import type { Unit } from './unit.ts';

/**
 * Programs on tracepoints return 1: after 0 the kernel would not hand the event on to perf (trace_call_bpf in
 * kernel/trace/bpf_trace.c).
 */
export function resultOf(kind: AttachKind): number {
  return PROBES[kind].programType === 'tracepoint' ? 1 : 0;
}

/** Lowers a probe's predicate and body to the functions of one program. */
export function lowerProbe(unit: Unit, probe: TypedProbe, attachment: number): IrProgram {
  const main = newFunction(probe.name, 1);
  const functions: IrFunction[] = [main];
  const origin = { probe, attachment, result: resultOf(probe.attach.kind), functions };
  const l = new Lowerer(unit, origin, main, true);
  if (probe.returns !== undefined) {
    const [atReturn, atEntry] = [l.b.newBlock(), l.b.newBlock()];
    // A bool of the kernel: the bits above the first byte are not its own.
    const answer = l.b.extend(l.b.call('session_is_return', context(l)), 8, false);
    l.b.branch('jne', answer, 0, atReturn, atEntry);
    l.b.enter(atReturn);
    lowerBody(new Lowerer(unit, { ...origin, probe: probe.returns }, main, true, l), probe.returns);
    l.b.enter(atEntry);
  }
  lowerBody(l, probe);
  return { functions };
}

function lowerBody(l: Lowerer, { predicate, body }: TypedProbe): void {
  const { result } = l.origin;
  if (predicate !== undefined) {
    const [run, skip] = [l.b.newBlock(), l.b.newBlock()];
    l.condition(predicate, run, skip);
    l.b.enter(skip);
    l.b.return(result);
    l.b.enter(run);
  }
  l.statement(body);
  l.b.return(result);
}
