import type { AttachKind } from '../../lang/attach-target.ts';
import { PROBES } from '../../lang/probes.ts';
import type { TypedProbe } from '../../lang/typed-program.ts';
import { type IrFunction, type IrProgram, newFunction } from '../ir/ir.ts';
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
  if (probe.predicate !== undefined) {
    const [run, skip] = [l.b.newBlock(), l.b.newBlock()];
    l.condition(probe.predicate, run, skip);
    l.b.enter(skip);
    l.b.return(origin.result);
    l.b.enter(run);
  }
  l.statement(probe.body);
  l.b.return(origin.result);
  return { functions };
}
