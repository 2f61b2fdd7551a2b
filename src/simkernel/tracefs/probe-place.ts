import { textSymbolAt } from '../execution/text.ts';
import { imageAt } from '../listing.ts';
import type { Machine } from '../machine.ts';
import type { FunctionProtoType } from '../../btf/types.ts';
import { isBlacklisted } from '../probes/kprobes.ts';
import { isNamed, nameOf, prototypeNamed, symbolNamed } from '../probes/symbols.ts';
import { kernelAddressOf } from './fetch-memory.ts';
import { ProbeMistake } from './probe-mistake.ts';
import type { TraceEvent } from './event.ts';
import { tracepointProbe } from './tracepoint-prototype.ts';
import type { ProbeKind } from './probe-kinds.ts';
import type { TraceArray } from './trace-array.ts';

/** Where a probe event is to be. */
export interface ProbePlace {
  /** As the file of events lists it. */
  readonly text: string;
  readonly isReturn: boolean;
  /** Of the event, when the definition does not name it. */
  readonly name: string;
  /** A function's first instruction: its arguments are where the calling convention puts them. */
  readonly isEntry: boolean;
  readonly prototype: FunctionProtoType | undefined;
  readonly target:
    | { readonly kind: 'kernel'; readonly function: string; readonly offset: number; readonly ip: bigint }
    | {
        readonly kind: 'user';
        readonly path: string;
        readonly fileOffset: number;
        readonly semaphoreOffset: number;
      }
    | { readonly kind: 'function'; readonly function: string; readonly ip: bigint }
    | { readonly kind: 'tracepoint'; readonly name: string }
    | { readonly kind: 'event'; readonly event: TraceEvent };
  /** What records show as the place, if that is no address. */
  readonly label?: string;
}

/** What is read of it; undefined: not even the form of such a definition. */
export type ReadPlace = (array: TraceArray, text: string, at: number, isReturn: boolean) => ProbePlace | undefined;

const RETURN = '%return';
const parseNumber = (text: string): number | undefined =>
  /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : undefined;

/** `do_sys_openat2+4`, `vfs_read%return`, `0xffffffff81234560` */
const kernelPlace: ReadPlace = ({ machine: m }, text, at, wantsReturn) => {
  const address = parseNumber(text);
  if (address !== undefined) return placeAt(m, text, at, wantsReturn);
  if (text.includes('/') && text.includes(':')) return undefined;
  const percent = text.indexOf('%');
  const suffix = percent < 0 ? '' : text.slice(percent);
  if (suffix !== '' && suffix !== RETURN) throw new ProbeMistake('BAD_ADDR_SUFFIX', at + percent);
  const isReturn = wantsReturn || suffix === RETURN;
  const [, written = '', offsetText] = /^([^+-]*)(?:\+(.*))?$/.exec(percent < 0 ? text : text.slice(0, percent)) ?? [];
  const offset = offsetText === undefined ? 0 : parseNumber(offsetText);
  const wanted = written.slice(written.indexOf(':') + 1);
  if (offset === undefined || wanted === '') throw new ProbeMistake('BAD_PROBE_ADDR', at);
  const symbol = symbolNamed(m, wanted);
  // The kernel's types know functions that this machine never comes to: they can be probed, too.
  const isKnown = isBlacklisted(wanted) || isNamed(m, wanted);
  if (symbol === undefined && !isKnown) throw new ProbeMistake('BAD_PROBE_ADDR', at);
  const { kprobesUseFtrace, ftraceSite } = m.arch.kernelCode;
  const isEntry = offset === 0 || (kprobesUseFtrace && offset === ftraceSite.offset);
  if (isReturn && !isEntry) throw new ProbeMistake('BAD_RETPROBE', at);
  const usesSite = isEntry && symbol?.traceable === true && kprobesUseFtrace;
  return {
    text: offset === 0 ? written : `${written}+${offset}`,
    isReturn,
    name: `${isReturn ? 'r' : 'p'}_${written}_${offset}`.replace(/[:.]/g, '_'),
    isEntry,
    prototype: prototypeNamed(m, wanted),
    target: {
      kind: 'kernel',
      function: wanted,
      offset,
      ip: kernelAddressOf((symbol?.entry ?? 0) + (usesSite ? ftraceSite.offset : offset)),
    },
  };
};
function placeAt(m: Machine, text: string, at: number, isReturn: boolean): ProbePlace {
  const offset = Number(BigInt.asUintN(31, BigInt(text)));
  const symbol = textSymbolAt(offset);
  if (symbol === undefined) throw new ProbeMistake('FAIL_REG_PROBE', at);
  const name = nameOf(m, symbol);
  return {
    text: `0x${BigInt(text).toString(16).padStart(16, '0')}`,
    isReturn,
    name: `${isReturn ? 'r' : 'p'}_0x${BigInt(text).toString(16).padStart(16, '0')}`,
    isEntry: offset === symbol.entry,
    prototype: prototypeNamed(m, name),
    target: { kind: 'kernel', function: name, offset: offset - symbol.entry, ip: kernelAddressOf(offset) },
  };
}

/** `/usr/bin/bash:0x1040`, `/usr/bin/bash:0x1040(0x5000)`: the latter a counter to hold up. */
const userPlace: ReadPlace = ({ machine: m }, text, at, wantsReturn) => {
  const colon = text.lastIndexOf(':');
  if (!text.includes('/') || !/^\d/.test(text.slice(colon + 1))) return undefined;
  const path = text.slice(0, colon);
  const dentry = m.fileSystem.find(path);
  const image = imageAt(m.scenario, path);
  if (dentry === undefined && image === undefined) throw new ProbeMistake('FILE_NOT_FOUND', at);
  if (dentry?.inode.isDirectory === true) throw new ProbeMistake('NO_REGULAR_FILE', at);
  let rest = text.slice(colon + 1);
  const open = rest.indexOf('(');
  let semaphoreOffset = 0;
  if (open >= 0) {
    const close = rest.indexOf(')', open);
    if (close < 0) throw new ProbeMistake('REFCNT_OPEN_BRACE', at + text.length);
    if (close + 1 < rest.length) throw new ProbeMistake('BAD_REFCNT_SUFFIX', at + colon + 1 + close + 1);
    const counter = parseNumber(rest.slice(open + 1, close));
    if (counter === undefined) throw new ProbeMistake('BAD_REFCNT', at + colon + 1 + open + 1);
    semaphoreOffset = counter;
    rest = rest.slice(0, open);
  }
  const percent = rest.indexOf('%');
  const suffix = percent < 0 ? '' : rest.slice(percent);
  if (suffix !== '' && suffix !== RETURN) throw new ProbeMistake('BAD_ADDR_SUFFIX', at + colon + 1 + percent);
  const fileOffset = parseNumber(percent < 0 ? rest : rest.slice(0, percent));
  if (fileOffset === undefined) throw new ProbeMistake('BAD_UPROBE_OFFS', at + colon + 1);
  const base = path.slice(path.lastIndexOf('/') + 1).replace(/[._-].*$/, '');
  const counter = semaphoreOffset === 0 ? '' : `(0x${semaphoreOffset.toString(16)})`;
  return {
    text: `${path}:0x${fileOffset.toString(16).padStart(16, '0')}${counter}`,
    isReturn: wantsReturn || suffix === RETURN,
    // The kernel's letter is p whatever the kind.
    name: `p_${base}_0x${fileOffset.toString(16)}`,
    isEntry: false,
    prototype: undefined,
    target: { kind: 'user', path, fileOffset, semaphoreOffset },
  };
};

/** `vfs_read`, `vfs_read%return`: a function's entry or exit. */
const functionPlace: ReadPlace = ({ machine: m }, text, at) => {
  const percent = text.indexOf('%');
  const suffix = percent < 0 ? '' : text.slice(percent);
  if (suffix !== '' && suffix !== RETURN) throw new ProbeMistake('BAD_ADDR_SUFFIX', at + percent);
  const name = percent < 0 ? text : text.slice(0, percent);
  const symbol = symbolNamed(m, name);
  const isKnown = symbol === undefined ? isNamed(m, name) : symbol.traceable;
  if (!isKnown) throw new ProbeMistake('BAD_PROBE_ADDR', at);
  const isReturn = suffix === RETURN;
  const ip = kernelAddressOf((symbol?.entry ?? 0) + m.arch.kernelCode.ftraceSite.offset);
  return {
    text,
    isReturn,
    name: `${name}__${isReturn ? 'exit' : 'entry'}`,
    isEntry: true,
    prototype: prototypeNamed(m, name),
    target: { kind: 'function', function: name, ip },
  };
};
/** `sched_switch`: a tracepoint with its own arguments. */
const tracepointPlace: ReadPlace = (_array, text, at) => {
  const bad = /[^\w]/.exec(text);
  if (bad !== null) throw new ProbeMistake('BAD_TP_NAME', at + bad.index);
  const prototype = tracepointProbe(text);
  if (prototype === undefined) throw new ProbeMistake('NO_TRACEPOINT', at);
  return {
    text,
    isReturn: false,
    name: text.replace(/^(?=\d)/, '_'),
    isEntry: true,
    prototype,
    target: { kind: 'tracepoint', name: text },
    label: `__probestub_${text}+0x4/0x10`,
  };
};
/** `syscalls.sys_enter_openat` */
const eventPlace: ReadPlace = (array, text, at) => {
  const [system = '', name = ''] = text.split(/[./]/);
  if (system === '' || name === '') throw new ProbeMistake('NO_EVENT_INFO', at);
  const event = array.event(system, name);
  if (event === undefined) throw new ProbeMistake('BAD_ATTACH_EVENT', at);
  return {
    text: `${system}.${name}`,
    isReturn: false,
    name,
    isEntry: false,
    prototype: undefined,
    target: { kind: 'event', event },
    label: `${system}.${name}`,
  };
};

export const READ_PLACE: Record<ProbeKind, ReadPlace> = {
  kprobe: kernelPlace,
  uprobe: userPlace,
  fprobe: functionPlace,
  tprobe: tracepointPlace,
  eprobe: eventPlace,
};
