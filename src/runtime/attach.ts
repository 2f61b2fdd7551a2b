import type { AttachTarget } from '../lang/attach-target.ts';
import { assertNever } from '../source/bug.ts';
import type { HookTarget, Kernel } from './kernel.ts';

const NS_PER_SECOND = 1_000_000_000;

/** Where the machine is to call a program; `runner` for probes that the session runs itself. */
export type AttachPlan =
  | { readonly kind: 'hook'; readonly target: HookTarget }
  | { readonly kind: 'runner' }
  | { readonly kind: 'unsupported'; readonly reason: string };

/** Maps a probe's attach point to a hook of the machine. */
export function planAttachment(target: AttachTarget, kernel: Kernel): AttachPlan {
  switch (target.kind) {
    case 'begin':
    case 'end':
    case 'self':
    case 'test':
    case 'bench':
      return { kind: 'runner' };
    case 'kprobe':
      return target.address === undefined
        ? hook({ kind: 'kprobe', function: target.function, offset: target.offset })
        : kprobeAt(target.address, kernel);
    case 'kretprobe':
    case 'fentry':
    case 'fexit':
      return hook({ kind: target.kind, function: target.function });
    case 'tracepoint':
      return hook({ kind: 'tracepoint', category: target.category, name: target.name });
    case 'rawtracepoint':
      return hook({ kind: 'rawtracepoint', name: target.name });
    case 'uprobe':
    case 'uretprobe':
      return hook({ kind: target.kind, path: target.path, function: target.function, offset: target.offset });
    // A timer on every CPU, and one on the first (bpftrace opens perf events of the cpu-clock for both).
    case 'profile':
      return hook({ kind: 'clock', periodNs: periodOf(target), cpu: 'all' });
    case 'interval':
      return hook({ kind: 'clock', periodNs: periodOf(target), cpu: 0 });
    case 'software':
    case 'hardware':
    case 'watchpoint':
    case 'usdt':
    case 'iter':
      return { kind: 'unsupported', reason: `the simulated machine has no ${target.kind} probes yet` };
    default:
      return assertNever(target);
  }
}

function hook(target: HookTarget): AttachPlan {
  return { kind: 'hook', target };
}

function periodOf(target: { readonly frequency?: number; readonly periodNs?: number }): number {
  return target.periodNs ?? Math.floor(NS_PER_SECOND / (target.frequency ?? 1));
}

function kprobeAt(address: bigint, kernel: Kernel): AttachPlan {
  const hit = kernel.kernelSymbol(Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)));
  if (hit === undefined) return { kind: 'unsupported', reason: `0x${address.toString(16)} is no kernel text` };
  return hook({ kind: 'kprobe', function: hit.name, offset: hit.offset });
}
