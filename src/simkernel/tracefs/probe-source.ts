import { EBUSY, EILSEQ, EINVAL, ENOENT } from '../errno.ts';
import type { Machine } from '../machine.ts';
import { attach } from '../probes/attach.ts';
import type { AttachTarget } from '../probes/attach.ts';
import { isNamed } from '../probes/symbols.ts';
import { registerKprobe } from '../probes/register-kprobe.ts';
import type { RegisteredKprobe } from '../probes/register-kprobe.ts';
import { fetchCallerRegisters } from '../probes/caller-registers.ts';
import type { Listener } from './event.ts';
import { fieldsByName } from './event.ts';
import type { FetchArg } from './fetch-args.ts';
import type { RecordSource } from './fetch-operands.ts';
import { kernelAddressOf } from './fetch-memory.ts';
import type { Filter } from './filter.ts';
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
  /** Of an event on an event. */
  readonly record: RecordSource | null;
  readonly filter: Filter | null;
}

const ERRNO = { ENOENT, EINVAL, EILSEQ, EBUSY, EOPNOTSUPP: EINVAL } as const;

/** Registers a source, not yet enabled, or says with a negative error number that it cannot be. */
export function registerSource(m: Machine, request: SourceRequest): ProbeSource | number {
  return SOURCES[request.place.target.kind](m, request);
}
const SOURCES: Record<ProbePlace['target']['kind'], (m: Machine, request: SourceRequest) => ProbeSource | number> = {
  kernel: kernelSource,
  user: userSource,
  function: functionSource,
  tracepoint: tracepointSource,
  event: eventSource,
};

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
  if ('errno' in registered && !(isUnreached && isNamed(m, target.function))) return -ERRNO[registered.errno];
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

/** One that is attached to while somebody listens. */
function listeningSource(
  { place, args, maxActive }: SourceRequest,
  listen: (hit: (record: () => Uint8Array, regs: number) => void) => (() => void) | number,
): ProbeSource {
  const listeners = new Set<Listener>();
  let hits = 0;
  let detach: (() => void) | null = null;
  return {
    place,
    args,
    maxActive,
    listeners,
    counts: () => ({ hits, misses: 0 }),
    settle() {
      if (listeners.size === 0) {
        detach?.();
        detach = null;
      }
      if (listeners.size === 0 || detach !== null) return 0;
      const attached = listen((record, regs) => {
        hits += 1;
        for (const listener of listeners) listener(record, regs);
      });
      if (typeof attached === 'number') return attached;
      detach = attached;
      return 0;
    },
    unregister: () => detach?.(),
  };
}
/** What attaching gives, as one who listens wants it. */
function attached(m: Machine, target: AttachTarget, handler: (context: number) => void): (() => void) | number {
  const result = attach(m, target, handler);
  if (result.ok) return () => result.detach();
  return result.errno === 'ENOENT' ? -ENOENT : -EINVAL;
}

/** Programs' text is only looked at when the event is enabled (uprobe_register). */
function userSource(m: Machine, request: SourceRequest): ProbeSource | number {
  const { place, args, layout } = request;
  const { target, isReturn } = place;
  if (target.kind !== 'user') return -EINVAL;
  const { path, fileOffset, semaphoreOffset } = target;
  const where = {
    kind: isReturn ? 'uretprobe' : 'uprobe',
    path,
    fileOffset,
    ...(semaphoreOffset === 0 ? {} : { semaphoreOffset }),
  } as const;
  return listeningSource(request, (hit) =>
    attached(m, where, (regs) => {
      const record = (): Uint8Array => {
        const { view } = m.arena;
        const ip = view.getBigUint64(regs + m.abi.ip, true);
        // Behind a function's return the program is at its caller.
        const head = isReturn ? [view.getBigUint64(m.current.probedFunction, true), ip] : [ip];
        return layout.build(head, fetchAll(m, args, regs, []));
      };
      hit(record, regs);
    }),
  );
}

/** An fprobe: a function's entry with its arguments, or its exit with the result, too. */
function functionSource(m: Machine, request: SourceRequest): ProbeSource | number {
  const { place, args, layout } = request;
  const { target, isReturn } = place;
  if (target.kind !== 'function') return -EINVAL;
  const where = { kind: isReturn ? 'fexit' : 'fentry', function: target.function } as const;
  return listeningSource(request, (hit) =>
    attached(m, where, (context) => {
      const record = (): Uint8Array => {
        const caller = kernelAddressOf(m.words[m.trace.slot >> 2]! & 0x7fffffff);
        return layout.build(isReturn ? [target.ip, caller] : [target.ip], fetchAll(m, args, context, []));
      };
      hit(record, fetchCallerRegisters(m).address);
    }),
  );
}
/** A tracepoint with what its call site hands over. */
function tracepointSource(m: Machine, request: SourceRequest): ProbeSource | number {
  const { place, args, layout } = request;
  const { target } = place;
  if (target.kind !== 'tracepoint') return -EINVAL;
  return listeningSource(request, (hit) =>
    attached(m, { kind: 'rawtracepoint', name: target.name }, (context) =>
      hit(() => layout.build([0n], fetchAll(m, args, context, [])), fetchCallerRegisters(m).address),
    ),
  );
}
/** An event on an event: what it keeps of the other's record. */
function eventSource(m: Machine, request: SourceRequest): ProbeSource | number {
  const { place, args, layout, record, filter } = request;
  const { target } = place;
  if (target.kind !== 'event' || record === null) return -EINVAL;
  const { event } = target;
  return listeningSource(request, (hit) =>
    event.listen(m, (build, regs) => {
      const view = { machine: m, data: build(), fields: fieldsByName(event) };
      if (filter?.matches(view) === false) return;
      const kept = (): Uint8Array => {
        record.view = view;
        const data = layout.build([], fetchAll(m, args, 0, []));
        record.view = null;
        return data;
      };
      hit(kept, regs);
    }),
  );
}

const fetchAll = (m: Machine, args: readonly FetchArg[], regs: number, entry: readonly bigint[]) =>
  args.map(({ fetch, count }) => Array.from({ length: Math.max(1, count) }, (_, i) => fetch(m, regs, entry, i)));
