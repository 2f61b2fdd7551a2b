import type { AttachPoint, Probe } from '../ast/nodes.ts';
import type { AttachTarget } from '../lang/attach-target.ts';
import type { PassContext } from './context.ts';
import { attachmentOf } from './context.ts';

type SessionTarget = Extract<AttachTarget, { readonly kind: 'kprobe' | 'kretprobe' }>;

/**
 * A kprobe and the only kretprobe of the same function or pattern share one program, which the kernel runs at both ends
 * (kprobe.session, since Linux 6.10): both probes must have one attach point each, at functions of no named module, without
 * an offset. `probes` are those that came, each as the only program, of a probe with one attach point, and that do not
 * say `probe`.
 */
export function pairSessions(probes: readonly Probe[], context: PassContext): void {
  const returns = new Map<string, AttachPoint[]>();
  for (const probe of probes) {
    const target = sessionTarget(probe, context);
    if (target?.kind !== 'kretprobe') continue;
    returns.set(target.function, [...(returns.get(target.function) ?? []), probe.attachPoints[0]!]);
  }
  for (const probe of probes) {
    const target = sessionTarget(probe, context);
    if (target?.kind !== 'kprobe') continue;
    const found = returns.get(target.function) ?? [];
    if (found.length !== 1) continue;
    const entry = probe.attachPoints[0]!;
    context.attachPoints.set(entry, { ...context.attachPoints.get(entry)!, target: { ...target, session: true } });
    context.sessions.set(entry, found[0]!);
    returns.delete(target.function);
  }
}

function sessionTarget(probe: Probe, context: PassContext): SessionTarget | undefined {
  const target = attachmentOf(probe, context)?.target;
  if (target === undefined || (target.kind !== 'kprobe' && target.kind !== 'kretprobe')) return undefined;
  if (target.module !== undefined) return undefined;
  return target.kind === 'kretprobe' || (target.offset === 0 && target.address === undefined) ? target : undefined;
}
