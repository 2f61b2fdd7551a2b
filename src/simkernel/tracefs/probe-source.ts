import { EBUSY, EILSEQ, EINVAL, ENOENT } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { attach } from '../probes/attach.ts';
import { prototypeNamed } from '../probes/symbols.ts';
import { registerKprobe } from '../probes/register-kprobe.ts';
import type { RegisteredKprobe } from '../probes/register-kprobe.ts';
import type { Listener } from './event.ts';
import type { FetchArg } from './fetch-args.ts';
import type { Word } from './fetch-memory.ts';
import type { ProbePlace } from './probe-place.ts';
import type { ProbeLayout } from './probe-record.ts';

/** struct trace_kprobe, struct trace_uprobe: one line of a file of probe events. */
export interface ProbeSource {
  readonly place: ProbePlace;
  readonly args: readonly FetchArg[];
  readonly maxActive: number;
  readonly listeners: Set<Listener>;
  /** Hits, and those that were missed. */
  counts(): { readonly hits: number; readonly misses: number };
  /** Called when listeners come and go: 0 or a negative error number. */
  settle(): number;
  unregister(): void;
}

/** What a definition says of its source. */
export interface SourceRequest {
  readonly place: ProbePlace;
  readonly args: readonly FetchArg[];
  readonly maxActive: number;
  readonly layout: ProbeLayout;
  /** Arguments that are kept when the function is called. */
  readonly kept: readonly Word[];
}

const ERRNO = { ENOENT, EINVAL, EILSEQ, EBUSY, EOPNOTSUPP: EINVAL } as const;

/** Registers a source, not yet enabled, or says with a negative error number that it cannot be. */
export function registerSource(m: Machine, request: SourceRequest): ProbeSource | number {
  return request.place.target.kind === 'kernel' ? kernelSource(m, request) : userSource(m, request);
}

function kernelSource(m: Machine, request: SourceRequest): ProbeSource | number {
  const { place, args, maxActive, layout, kept } = request;
  const { target, isReturn } = place;
  if (target.kind !== 'kernel') return -EINVAL;
  const listeners = new Set<Listener>();
  let hits = 0;
  const pre = (regs: number, entry?: unknown): void => {
    hits += 1;
    const record = (): Uint8Array => {
      const head = isReturn ? [target.ip, m.arena.view.getBigUint64(regs + m.abi.ip, true)] : [target.ip];
      return layout.build(head, fetchAll(m, args, regs, (entry as readonly bigint[] | undefined) ?? []));
    };
    for (const listener of listeners) listener(record, regs);
  };
  const registered: RegisteredKprobe | { readonly errno: keyof typeof ERRNO } = registerKprobe(m, {
    kind: isReturn ? 'r' : 'k',
    function: target.function,
    offset: target.offset,
    pre,
    isDisabled: true,
    ...(maxActive > 0 ? { maxActive } : {}),
    ...(kept.length > 0 ? { entry: (regs: number) => kept.map((word) => word(m, regs, []) ?? 0n) } : {}),
  });
  const isUnreached = 'errno' in registered && registered.errno === 'ENOENT';
  if ('errno' in registered && !(isUnreached && prototypeNamed(m, target.function) !== undefined))
    return -ERRNO[registered.errno];
  const probe = 'errno' in registered ? undefined : registered;
  return {
    place,
    args,
    maxActive,
    listeners,
    counts: () => ({ hits, misses: probe?.probe.missed ?? 0 }),
    settle() {
      probe?.enable(listeners.size > 0);
      return 0;
    },
    unregister: () => probe?.unregister(),
  };
}

/** Programs' text is only looked at when the event is enabled (uprobe_register). */
function userSource(m: Machine, { place, args, layout }: SourceRequest): ProbeSource | number {
  const { target, isReturn } = place;
  if (target.kind !== 'user') return -EINVAL;
  const listeners = new Set<Listener>();
  let hits = 0;
  let detach: (() => void) | null = null;
  const hit = (regs: number): void => {
    hits += 1;
    const record = (): Uint8Array => {
      const { view } = m.arena;
      const ip = view.getBigUint64(regs + m.abi.ip, true);
      // Behind a function's return the program is at its caller.
      const head = isReturn ? [view.getBigUint64(m.current.probedFunction, true), ip] : [ip];
      return layout.build(head, fetchAll(m, args, regs, []));
    };
    for (const listener of listeners) listener(record, regs);
  };
  return {
    place,
    args,
    maxActive: 0,
    listeners,
    counts: () => ({ hits, misses: 0 }),
    settle() {
      if (listeners.size === 0) {
        detach?.();
        detach = null;
        return 0;
      }
      if (detach !== null) return 0;
      const { path, fileOffset, semaphoreOffset } = target;
      const attached = attach(
        m,
        {
          kind: isReturn ? 'uretprobe' : 'uprobe',
          path,
          fileOffset,
          ...(semaphoreOffset === 0 ? {} : { semaphoreOffset }),
        },
        hit,
      );
      if (!attached.ok) return attached.errno === 'ENOENT' ? -ENOENT : -EINVAL;
      ({ detach } = attached);
      return 0;
    },
    unregister: () => detach?.(),
  };
}

const fetchAll = (m: Machine, args: readonly FetchArg[], regs: number, entry: readonly bigint[]) =>
  args.map(({ fetch, count }) => Array.from({ length: Math.max(1, count) }, (_, i) => fetch(m, regs, entry, i)));
