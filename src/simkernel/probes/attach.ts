import { syscallByName } from '../syscalls.ts';
import { reordered } from '../kernel-profiles.ts';
import { kernelTypes } from '../kernel-types.ts';
import { mayBeOverridden } from './error-injection.ts';
import { isNamed, symbolNamed } from './symbols.ts';
import { imageAt } from '../listing.ts';
import { layoutOf, memoryOffsetOf } from '../programs/image-layout.ts';
import type { Machine } from '../machine.ts';
import { tracepointFormat } from '../tracepoint-formats.ts';
import { declaredTracepoints } from '../tracepoints/tracepoint.ts';
import { attachCounter, attachWatchpoint } from './attach-perf.ts';
import type { PerfTarget, WatchTarget } from './attach-perf.ts';
import { attachClock } from './clock.ts';
import { hooksOf, patch } from './probed-text.ts';
import { registerKprobe } from './register-kprobe.ts';
import { type IteratorTarget, attachIterator } from './iterators.ts';
import type { Handler } from './handler.ts';
import { without } from './handler.ts';
import type { SyscallEvents } from './syscall-events.ts';

export type AttachTarget =
  | { readonly kind: 'kprobe'; readonly function: string; readonly offset: number; readonly overrides?: true }
  | { readonly kind: 'kretprobe'; readonly function: string; readonly maxActive?: number }
  | { readonly kind: 'fentry' | 'fexit'; readonly function: string }
  | { readonly kind: 'tracepoint'; readonly category: string; readonly name: string }
  | { readonly kind: 'rawtracepoint'; readonly name: string }
  | UserTarget
  | PerfTarget
  | WatchTarget
  | IteratorTarget
  | { readonly kind: 'clock'; readonly periodNs: number; readonly cpu: number | 'all' };

/** A place in the text of a file, and a counter to hold up while somebody is attached, as offsets in the file. */
export interface UserTarget {
  readonly kind: 'uprobe' | 'uretprobe';
  readonly path: string;
  readonly fileOffset: number;
  readonly semaphoreOffset?: number;
}

export type Attachment =
  | { readonly ok: true; readonly isUnreached?: true; detach(): void }
  | {
      readonly ok: false;
      readonly errno: 'ENOENT' | 'EINVAL' | 'EILSEQ' | 'EBUSY' | 'EOPNOTSUPP';
      readonly reason: string;
    };

/** A real kernel has the place, and this one never comes there. */
const UNREACHED: Attachment = { ok: true, isUnreached: true, detach: () => undefined };

/** Puts a handler on a hook point, or says why not with the kernel's error number. */
export function attach(m: Machine, target: AttachTarget, handler: Handler): Attachment {
  switch (target.kind) {
    case 'kprobe':
    case 'kretprobe':
      return attachKprobe(m, target, handler);
    case 'fentry':
    case 'fexit':
      return attachTracing(m, target.kind, target.function, handler);
    case 'tracepoint':
      return attachTracepoint(m, target.category, target.name, handler);
    case 'rawtracepoint':
      return attachRawTracepoint(m, target.name, handler);
    case 'clock':
      return attachClock(m, target.periodNs, target.cpu, handler);
    case 'uprobe':
    case 'uretprobe':
      return attachUser(m, target, handler);
    case 'software':
    case 'hardware':
      return attachCounter(m, target, handler);
    case 'watchpoint':
      return attachWatchpoint(m, target, handler);
    case 'iter':
      return attachIterator(m, target, handler);
  }
}

function attachUser(m: Machine, target: UserTarget, handler: Handler): Attachment {
  const image = imageAt(m.scenario, m.profile.files[target.path] ?? target.path);
  if (image === undefined) return { ok: false, errno: 'ENOENT', reason: `no file ${target.path}` };
  const layout = layoutOf(image);
  const { semaphoreOffset } = target;
  return m.uprobes.attach({
    image,
    offset: memoryOffsetOf(layout, target.fileOffset),
    list: target.kind === 'uprobe' ? 'handlers' : 'returns',
    handler,
    ...(semaphoreOffset === undefined ? {} : { semaphore: memoryOffsetOf(layout, semaphoreOffset) }),
  });
}

function attachKprobe(
  m: Machine,
  target: Extract<AttachTarget, { kind: 'kprobe' | 'kretprobe' }>,
  handler: Handler,
): Attachment {
  const alias = m.profile.functions[target.function];
  const order = target.kind === 'kprobe' ? alias?.arguments : undefined;
  const name = alias?.function ?? target.function;
  if (target.kind === 'kprobe' && target.overrides === true && !(target.offset === 0 && mayBeOverridden(name)))
    return { ok: false, errno: 'EINVAL', reason: `${name} may not be overridden (no ALLOW_ERROR_INJECTION)` };
  const called = order === undefined ? handler : reordered(m, handler, order);
  const registered = registerKprobe(m, {
    kind: target.kind === 'kprobe' ? 'k' : 'r',
    function: name,
    offset: target.kind === 'kprobe' ? target.offset : 0,
    ...(target.kind === 'kretprobe' && target.maxActive !== undefined ? { maxActive: target.maxActive } : {}),
    pre: target.kind === 'kprobe' && target.overrides === true ? overriding(m, called) : called,
  });
  if ('errno' in registered) {
    // Known to the kernel's BTF but never called by the simulated one.
    const isKnown = registered.errno === 'ENOENT' && isNamed(m, name);
    return isKnown ? UNREACHED : { ok: false, ...registered };
  }
  return { ok: true, detach: () => registered.unregister() };
}

/** kprobe_perf_func(): a program that has moved the instruction pointer has returned in the function's place. */
function overriding({ words, abi }: Machine, handler: Handler): (context: number) => boolean {
  return (context) => {
    const ip = (context + abi.ip) >> 2;
    const before = words[ip];
    handler(context);
    return words[ip] !== before;
  };
}

function attachTracing(m: Machine, kind: 'fentry' | 'fexit', wanted: string, handler: Handler): Attachment {
  const name = m.profile.functions[wanted]?.function ?? wanted;
  const symbol = symbolNamed(m, name);
  if (symbol === undefined) {
    if (isNamed(m, name)) return UNREACHED;
    return { ok: false, errno: 'ENOENT', reason: `no kernel function ${name}` };
  }
  if (!symbol.traceable) return { ok: false, errno: 'EINVAL', reason: `${name} may not be probed` };
  const hooks = hooksOf(m, symbol);
  hooks[kind] = [...hooks[kind], handler];
  patch(m, symbol);
  return {
    ok: true,
    detach() {
      hooks[kind] = without(hooks[kind], handler);
      patch(m, symbol);
    },
  };
}

function attachTracepoint(m: Machine, category: string, wanted: string, handler: Handler): Attachment {
  const name = m.profile.tracepoints[`${category}:${wanted}`]?.split(':')[1] ?? wanted;
  if (tracepointFormat(category, name) === undefined) {
    return { ok: false, errno: 'ENOENT', reason: `no tracepoint ${category}:${name}` };
  }
  if (category === 'raw_syscalls') return attachSyscall(m, name === 'sys_enter' ? 'enter' : 'exit', null, handler);
  if (category === 'syscalls') {
    const way = name.startsWith('sys_enter_') ? 'enter' : 'exit';
    const row = syscallByName(name.slice(way === 'enter' ? 10 : 9));
    if (row === undefined) return UNREACHED;
    if (m.arch.systemCallNumber(row.number) !== undefined) return attachSyscall(m, way, row.number, handler);
    return { ok: false, errno: 'ENOENT', reason: `no tracepoint ${category}:${name}` };
  }
  const row = declaredTracepoints().find((candidate) => candidate.category === category && candidate.name === name);
  if (row === undefined) return UNREACHED;
  return attachToRow(m, row.index, 'record', handler);
}

function attachToRow(m: Machine, index: number, list: 'record' | 'raw', handler: Handler): Attachment {
  let handlers = m.tracepointHandlers.get(index);
  if (handlers === undefined) m.tracepointHandlers.set(index, (handlers = { record: [], raw: [], builder: null }));
  const on = handlers;
  on[list] = [...on[list], handler];
  m.traced[index] = 1;
  return {
    ok: true,
    detach() {
      on[list] = without(on[list], handler);
      m.traced[index] = on.record.length + on.raw.length > 0 ? 1 : 0;
    },
  };
}

function attachRawTracepoint(m: Machine, name: string, handler: Handler): Attachment {
  if (name === 'sys_enter' || name === 'sys_exit') {
    return addSyscallHandler(
      m,
      name === 'sys_enter' ? 'enterUsers' : 'exitUsers',
      name === 'sys_enter' ? 'rawEnter' : 'rawExit',
      handler,
    );
  }
  const row = declaredTracepoints().find((candidate) => candidate.name === name);
  if (row !== undefined) return attachToRow(m, row.index, 'raw', handler);
  if (kernelTypes().function(`__probestub_${name}`) !== undefined) return UNREACHED;
  return { ok: false, errno: 'ENOENT', reason: `no tracepoint ${name}` };
}

function attachSyscall(m: Machine, way: 'enter' | 'exit', number: number | null, handler: Handler): Attachment {
  const users = way === 'enter' ? 'enterUsers' : 'exitUsers';
  if (number === null) return addSyscallHandler(m, users, way, handler);
  const events = m.syscallEvents;
  const table = way === 'enter' ? events.enterByNumber : events.exitByNumber;
  table.set(number, [...(table.get(number) ?? []), handler]);
  events[users] += 1;
  return {
    ok: true,
    detach() {
      table.set(number, without(table.get(number) ?? [], handler));
      events[users] -= 1;
    },
  };
}

function addSyscallHandler(
  m: Machine,
  users: 'enterUsers' | 'exitUsers',
  list: keyof Pick<SyscallEvents, 'enter' | 'exit' | 'rawEnter' | 'rawExit'>,
  handler: Handler,
): Attachment {
  const events = m.syscallEvents;
  events[list] = [...events[list], handler];
  events[users] += 1;
  return {
    ok: true,
    detach() {
      events[list] = without(events[list], handler);
      events[users] -= 1;
    },
  };
}
