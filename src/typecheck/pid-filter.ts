import type { Binary, Probe, Program } from '../ast/nodes.ts';
import type { ProbeKind } from '../lang/probes.ts';
import type { Pass, PassContext } from './context.ts';
import { attachmentOf } from './context.ts';
import { integerNode } from './literals.ts';

/** Probes that fire for every process; the kernel filters the others by the PID that they are attached with. */
const UNFILTERED: ReadonlySet<ProbeKind> = new Set([
  'kprobe',
  'kretprobe',
  'fentry',
  'fexit',
  'tracepoint',
  'rawtracepoint',
]);

/** With -p, such probes begin by asking for the process. */
export const filterByPid: Pass = {
  name: 'pid filter',
  run(program: Program, context: PassContext): Program {
    const { pid } = context;
    if (pid === undefined) return program;
    return { ...program, probes: program.probes.map((probe) => filtered(probe, pid, context)) };
  },
};

function filtered(probe: Probe, pid: number, context: PassContext): Probe {
  const kind = attachmentOf(probe, context)?.kind;
  if (kind === undefined || !UNFILTERED.has(kind)) return probe;
  const { span } = probe;
  const isProcess: Binary = {
    kind: 'binary',
    span,
    operator: '==',
    left: { kind: 'identifier', span, name: 'pid' },
    right: integerNode(BigInt(pid), span),
    operatorSpan: span,
  };
  const predicate: Binary =
    probe.predicate === undefined
      ? isProcess
      : { kind: 'binary', span, operator: '&&', left: isProcess, right: probe.predicate, operatorSpan: span };
  return { ...probe, predicate };
}
