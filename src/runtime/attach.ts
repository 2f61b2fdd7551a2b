import type { AttachTarget } from '../lang/attach-target.ts';
import { assertNever } from '../source/bug.ts';
import { counterHook, watchHook } from './attach-perf.ts';
import { staticProbePlaces, userPlaces } from './attach-user.ts';
import type { RunContext } from './helpers/helper-host.ts';
import type { AttachResult, HookHandler, HookTarget, Kernel } from './kernel.ts';

const NS_PER_SECOND = 1_000_000_000;

interface Hooks {
  readonly kind: 'hooks';
  readonly targets: readonly HookTarget[];
  /** The returns of the same functions, for a session program. */
  readonly returns?: readonly HookTarget[];
  readonly warning?: string;
  /** Several places of what the user counts as one probe. */
  readonly isOne?: true;
}

/** Where the machine is to call a program; `runner` for probes that the session runs itself. */
export type AttachPlan =
  Hooks | { readonly kind: 'runner' } | { readonly kind: 'unsupported'; readonly reason: string };

/** Maps a probe's attach point to a hook of the machine. */
export function planAttachment(
  target: AttachTarget,
  kernel: Kernel,
  write: (text: Uint8Array) => void = () => undefined,
): AttachPlan {
  switch (target.kind) {
    case 'begin':
    case 'end':
    case 'self':
    case 'test':
    case 'bench':
      return { kind: 'runner' };
    case 'kprobe':
      return target.address === undefined ? entries(target) : kprobeAt(target.address, kernel);
    case 'kretprobe':
      return each(target, (name) => ({ kind: 'kretprobe', function: name }));
    case 'fentry':
    case 'fexit':
      return hook({ kind: target.kind, function: target.function });
    case 'tracepoint':
      return hook({ kind: 'tracepoint', category: target.category, name: target.name });
    case 'rawtracepoint':
      return hook({ kind: 'rawtracepoint', name: target.name });
    case 'uprobe':
    case 'uretprobe':
      return userPlaces(target, kernel);
    case 'usdt':
      return staticProbePlaces(target, kernel);
    // A timer on every CPU, and one on the first (bpftrace opens perf events of the cpu-clock for both).
    case 'profile':
      return hook({ kind: 'clock', periodNs: periodOf(target), cpu: 'all' });
    case 'interval':
      return hook({ kind: 'clock', periodNs: periodOf(target), cpu: 0 });
    case 'software':
    case 'hardware':
      return hook(counterHook(target));
    case 'watchpoint':
      return hook(watchHook(target));
    case 'iter':
      return target.pin === undefined
        ? hook({ kind: 'iter', name: target.name, write })
        : { kind: 'unsupported', reason: 'Failed to pin iter probe link' };
    default:
      return assertNever(target);
  }
}

/** Puts one program on all of its hooks, or on none when one of them fails. */
export function attachAll(
  kernel: Kernel,
  { targets, returns = [] }: Hooks,
  handlerFor: (run: Readonly<RunContext>) => HookHandler,
): AttachResult {
  const detachers: (() => void)[] = [];
  const detach = (): void => {
    for (const undo of detachers.splice(0)) undo();
  };
  let unreached = 0;
  const sites = [
    ...targets.map((target) => ({ target, run: { atReturn: target.kind === 'fexit', cookie: cookieOf(target) } })),
    ...returns.map((target) => ({ target, run: { atReturn: true, cookie: 0 } })),
  ];
  for (const { target, run } of sites) {
    const result = kernel.attach(target, handlerFor(run));
    if (!result.ok) {
      detach();
      return result;
    }
    if (result.isUnreached === true) unreached++;
    detachers.push(() => result.detach());
  }
  return { ok: true, detach, ...(unreached === sites.length ? { isUnreached: true } : {}) };
}

function cookieOf(target: HookTarget): number {
  return 'cookie' in target ? (target.cookie ?? 0) : 0;
}

/** A session's program is called at both ends of each function. */
function entries(target: Extract<AttachTarget, { readonly kind: 'kprobe' }>): AttachPlan {
  const names = target.functions ?? [target.function];
  return {
    kind: 'hooks',
    targets: names.map((name) => ({ kind: 'kprobe', function: name, offset: target.offset })),
    ...(target.session === true ? { returns: names.map((name) => ({ kind: 'kretprobe', function: name })) } : {}),
  };
}

function hook(target: HookTarget): AttachPlan {
  return { kind: 'hooks', targets: [target] };
}

/** A hook for each function that the program attaches to. */
function each(
  target: { readonly function: string; readonly functions?: readonly string[] },
  hookAt: (name: string) => HookTarget,
): AttachPlan {
  return { kind: 'hooks', targets: (target.functions ?? [target.function]).map(hookAt) };
}

function periodOf(target: { readonly frequency?: number; readonly periodNs?: number }): number {
  return target.periodNs ?? Math.floor(NS_PER_SECOND / (target.frequency ?? 1));
}

function kprobeAt(address: bigint, kernel: Kernel): AttachPlan {
  const hit = kernel.kernelSymbol(Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)));
  if (hit === undefined) return { kind: 'unsupported', reason: `0x${address.toString(16)} is no kernel text` };
  return hook({ kind: 'kprobe', function: hit.name, offset: hit.offset });
}
