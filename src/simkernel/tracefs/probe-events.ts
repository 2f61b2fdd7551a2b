import { attach } from '../probes/attach.ts';
import type { AttachTarget } from '../probes/attach.ts';
import { textSymbolAt } from '../execution/text.ts';
import { isBlacklisted } from '../probes/kprobes.ts';
import { nameOf, prototypeNamed, symbolNamed } from '../probes/symbols.ts';
import { imageAt } from '../listing.ts';
import { EINVAL, EILSEQ, ENOENT } from '../errno.ts';
import type { TracepointField } from '../tracepoint-formats.ts';
import { COMMON_SIZE, parsedFormat } from './event.ts';
import type { TraceEvent } from './event.ts';
import { kernelAddressOf, parseArgument, ProbeMistake } from './fetch-args.ts';
import type { FetchArg } from './fetch-args.ts';
import type { TraceArray } from './trace-array.ts';

export type ProbeKind = 'kprobe' | 'uprobe';
/** A line of kprobe_events or uprobe_events. */
export interface ProbeEvent extends TraceEvent {
  readonly probe: ProbeKind;
  readonly isReturn: boolean;
  /** `do_sys_openat2`, `/usr/bin/bash:0x1040` */
  readonly place: string;
  readonly args: readonly FetchArg[];
  readonly counts: { hits: number; misses: number };
}
const LOCATIONS: Record<ProbeKind, string> = { kprobe: 'trace_kprobe', uprobe: 'trace_uprobe' };
const DEFAULT_GROUPS: Record<ProbeKind, string> = { kprobe: 'kprobes', uprobe: 'uprobes' };

export const probeEvents = (array: TraceArray, kind: ProbeKind): readonly ProbeEvent[] =>
  [...array.dynamic.values()].filter((event): event is ProbeEvent => 'probe' in event && event.probe === kind);

/** One line as the file shows it. */
export function probeLine({ isReturn, system, name, place, args, target }: ProbeEvent): string {
  const maxActive = target.kind === 'kretprobe' ? (target.maxActive ?? '') : '';
  return `${[`${isReturn ? 'r' : 'p'}${maxActive}:${system}/${name}`, place, ...args.map(({ source }) => source)].join(' ')}\n`;
}

/** Takes one command (`p:...`, `r:...`, `-:...`): 0, or a negative error number with the reason in error_log. */
export function probeCommand(array: TraceArray, kind: ProbeKind, command: string): number {
  const text = command.replace(/\s+/g, ' ').trim();
  try {
    return text.startsWith('-') ? removeEvents(array, kind, text) : define(array, kind, text);
  } catch (error) {
    if (!(error instanceof ProbeMistake)) throw error;
    array.logError(`${LOCATIONS[kind]}: error: ${error.message}`, text, error.position);
    return error.message === MESSAGES.boundary ? -EILSEQ : -EINVAL;
  }
}
const MESSAGES = {
  boundary: 'Probe point is not an instruction boundary',
  exists: 'Given group/event name is already used by another event',
  address: 'Invalid probed address or symbol',
  failed: 'Failed to register probe event',
} as const;

function removeEvents(array: TraceArray, kind: ProbeKind, text: string): number {
  const match = /^-:(?:(\w+)[/.])?(\w*)/.exec(text);
  if (match === null) return -EINVAL;
  const [, system, name] = match;
  const gone = probeEvents(array, kind).filter(
    (event) => (system === undefined || event.system === system) && (name === '' || event.name === name),
  );
  for (const event of gone) array.forget(event);
  return gone.length === 0 ? -ENOENT : 0;
}
/** What opening the file for writing does. */
export function removeAll(array: TraceArray, kind: ProbeKind): void {
  for (const event of probeEvents(array, kind)) array.forget(event);
}

const IDENTIFIER = /^[A-Za-z_]\w*$/;
const LONGEST_NAME = 64;

function eventName(text: string, position: number, fallback: { system: string; name: string }): typeof fallback {
  const slash = text.search(/[/.]/);
  const system = slash < 0 ? fallback.system : text.slice(0, slash);
  const name = text.slice(slash + 1) || fallback.name;
  if (slash === 0) throw new ProbeMistake('Group name is not specified', position);
  if (!IDENTIFIER.test(system))
    throw new ProbeMistake('Group name must follow the same rules as C identifiers', position);
  if (name.length >= LONGEST_NAME) throw new ProbeMistake('Event name is too long', position + slash + 1);
  if (!IDENTIFIER.test(name))
    throw new ProbeMistake('Event name must follow the same rules as C identifiers', position + slash + 1);
  return { system, name };
}

interface Place {
  readonly text: string;
  readonly target: AttachTarget;
  readonly name: string;
  /** Of the instruction that the probe is at. */
  readonly ip: bigint;
}

function define(array: TraceArray, kind: ProbeKind, text: string): number {
  const [head = '', placeText = '', ...words] = text.split(' ');
  const match = /^([pr])(\d*)(?::(.*))?$/.exec(head);
  if (match === null) return -EINVAL;
  const isReturn = match[1] === 'r';
  if (match[2] !== '' && !isReturn) throw new ProbeMistake('Maxactive is only for function exit', 1);
  if (Number(match[2]) > MOST_ACTIVE) throw new ProbeMistake('Maxactive is too big', 1);
  if (match[2] !== '' && kind === 'uprobe') return -EINVAL;
  const placeAt = head.length + 1;
  const found = (kind === 'kprobe' ? kernelPlace : userPlace)(array, placeText, placeAt, isReturn);
  const place = Number(match[2]) > 0 ? withMaxActive(found, Number(match[2])) : found;
  const fallback = { system: DEFAULT_GROUPS[kind], name: place.name };
  const { system, name } = match[3] === undefined ? fallback : eventName(match[3], head.indexOf(':') + 1, fallback);
  if (array.event(system, name) !== undefined) {
    throw new ProbeMistake(MESSAGES.exists, head.includes(':') ? head.indexOf(':') + 1 : 0);
  }
  const args: FetchArg[] = [];
  let at = placeAt + placeText.length + 1;
  for (const word of words) {
    const arg = parseArgument(word, args.length + 1, at, {
      machine: array.machine,
      isReturn,
      isUser: kind === 'uprobe',
    });
    if (args.some((other) => other.name === arg.name)) throw new ProbeMistake('This argument name is already used', at);
    args.push(arg);
    at += word.length + 1;
  }
  const event = createEvent(array, kind, { system, name, isReturn, place, args });
  // Registered now, so that a place which cannot be probed is refused when it is written, but not yet enabled.
  const trial = attach(array.machine, event.target, () => undefined);
  if (!trial.ok) {
    if (trial.errno === 'EILSEQ') throw new ProbeMistake(MESSAGES.boundary, placeAt);
    if (trial.errno === 'ENOENT') throw new ProbeMistake(MESSAGES.address, placeAt);
    throw new ProbeMistake(MESSAGES.failed, 0);
  }
  trial.detach();
  array.dynamic.set(`${system}:${name}`, event);
  return 0;
}

/** KRETPROBE_MAXACTIVE_MAX */
const MOST_ACTIVE = 4096;
/** `r5:...`: so many calls may be under way; returns of others are missed. */
function withMaxActive(place: Place, maxActive: number): Place {
  const { target } = place;
  return target.kind === 'kretprobe' ? { ...place, target: { ...target, maxActive } } : place;
}

/** `do_sys_openat2+4`, `0xffffffff81234560` */
function kernelPlace({ machine }: TraceArray, text: string, at: number, isReturn: boolean): Place {
  const match = /^(?:(\w+):)?(?:(0x[0-9a-f]+)|([A-Za-z_][\w.]*)(?:\+(0x[0-9a-f]+|\d+))?)(%return)?$/i.exec(text);
  if (match === null) throw new ProbeMistake(MESSAGES.address, at);
  const [, , address, name, offsetText = '0'] = match;
  const at32 = address === undefined ? 0 : Number(BigInt.asUintN(31, BigInt(address)));
  const symbol = address === undefined ? symbolNamed(machine, name!) : textSymbolAt(at32);
  const isKnown = isBlacklisted(name ?? '') || prototypeNamed(machine, name ?? '') !== undefined;
  const found = symbol === undefined ? (isKnown ? name : undefined) : nameOf(machine, symbol);
  if (found === undefined) throw new ProbeMistake(MESSAGES.address, at);
  const offset = address === undefined ? Number(offsetText) : at32 - symbol!.entry;
  if (isReturn && offset !== 0) throw new ProbeMistake('Retprobe address must be an function entry', at);
  const base = symbol?.entry ?? 0;
  const { kprobesUseFtrace, ftraceSite } = machine.arch.kernelCode;
  const atSite = offset === 0 && symbol?.traceable === true && kprobesUseFtrace;
  return {
    text,
    target: isReturn ? { kind: 'kretprobe', function: found } : { kind: 'kprobe', function: found, offset },
    name: `${isReturn ? 'r' : 'p'}_${found.replace(/\W/g, '_')}_${offset}`,
    ip: kernelAddressOf(base + (atSite ? ftraceSite.offset : offset)),
  };
}
/** `/usr/bin/bash:0x1040` */
function userPlace({ machine }: TraceArray, text: string, at: number, isReturn: boolean): Place {
  const match = /^([^:]*\/[^:]*):(0x[0-9a-f]+|\d+)(?:\((?:0x[0-9a-f]+|\d+)\))?(%return)?$/i.exec(text);
  if (match === null) throw new ProbeMistake('Invalid uprobe offset', at);
  const [, path = '', offset = '0'] = match;
  if (imageAt(machine.scenario, path) === undefined) throw new ProbeMistake('Failed to find the given file', at);
  const base = path.slice(path.lastIndexOf('/') + 1).replace(/\W.*$/, '');
  const fileOffset = Number(offset);
  return {
    text: `${path}:0x${fileOffset.toString(16).padStart(16, '0')}`,
    target: { kind: isReturn ? 'uretprobe' : 'uprobe', path, fileOffset },
    name: `${isReturn ? 'r' : 'p'}_${base}_0x${fileOffset.toString(16)}`,
    ip: BigInt(fileOffset),
  };
}

function createEvent(
  array: TraceArray,
  kind: ProbeKind,
  what: Pick<ProbeEvent, 'system' | 'name' | 'isReturn' | 'args'> & { readonly place: Place },
): ProbeEvent {
  const { system, name, isReturn, args, place } = what;
  const ips = isReturn ? ['__probe_func', '__probe_ret_ip'] : ['__probe_ip'];
  const fields: TracepointField[] = ips.map((ip, i) => field('unsigned long', ip, COMMON_SIZE + 8 * i, 8, false));
  let offset = COMMON_SIZE + 8 * ips.length;
  for (const { name: argument, type } of args) {
    fields.push(field(type.field, argument, offset, type.size, type.signed));
    offset += type.size;
  }
  const body = args.map(({ name: argument, type }) => ` ${argument}=${type.format}`).join('');
  const values = args.map(({ name: argument, type }) =>
    type.text === undefined ? `, REC->${argument}` : `, __get_str(${argument})`,
  );
  const ipFormats = isReturn ? '(%lx <- %lx)' : '(%lx)';
  const ipValues = isReturn ? ', REC->__probe_func, REC->__probe_ret_ip' : ', REC->__probe_ip';
  const shownIp = kind === 'kprobe' ? (isReturn ? '(%pS <- %ps)' : '(%pS)') : isReturn ? '(0x%lx <- 0x%lx)' : '(0x%lx)';
  const shownValues = isReturn ? ', REC->__probe_ret_ip, REC->__probe_func' : ', REC->__probe_ip';
  const counts = { hits: 0, misses: 0 };
  const { machine } = array;
  return {
    system,
    name,
    id: array.nextId++,
    fields,
    print: `"${ipFormats}${body}"${ipValues}${values.join('')}`,
    // The trace shows symbols where the format file, made for programs, has numbers.
    format: parsedFormat(`"${shownIp}${body}"${shownValues}${values.join('')}`),
    title: `${name}: `,
    target: place.target,
    probe: kind,
    isReturn,
    place: place.text,
    args,
    counts,
    record(regs) {
      counts.hits += 1;
      const { view } = machine.arena;
      const texts = args.map(({ fetch }) => fetch(machine, regs));
      const data = new Uint8Array(offset + texts.reduce<number>((sum, value) => sum + textBytes(value), 0));
      const out = new DataView(data.buffer);
      // Behind a function's return the program is at its caller.
      const at = kind === 'uprobe' && isReturn ? machine.current.probedFunction : regs + machine.abi.ip;
      const here = kind === 'kprobe' ? place.ip : view.getBigUint64(at, true);
      out.setBigUint64(COMMON_SIZE, BigInt.asUintN(64, here), true);
      if (isReturn) out.setBigUint64(COMMON_SIZE + 8, view.getBigUint64(regs + machine.abi.ip, true), true);
      let tail = offset;
      args.forEach(({ type }, i) => {
        const value = texts[i];
        const at = fields[ips.length + i]!.offset;
        if (type.text === undefined) storeInteger(out, at, type.size, typeof value === 'bigint' ? value : 0n);
        else tail = storeDynamic(data, at, tail, typeof value === 'string' ? value : FAULT);
      });
      return data;
    },
  };
}
/** What is shown for a text whose memory is not there. */
const FAULT = '(fault)';
const textBytes = (value: bigint | string | undefined): number =>
  typeof value === 'bigint' ? 0 : (value ?? FAULT).length + 1;

function field(type: string, name: string, offset: number, size: number, signed: boolean): TracepointField {
  return { type, name, dimensions: '', offset, size, signed };
}
function storeInteger(view: DataView, at: number, size: number, value: bigint): void {
  for (let i = 0; i < size; i += 1) view.setUint8(at + i, Number((value >> BigInt(8 * i)) & 0xffn));
}
function storeDynamic(data: Uint8Array, at: number, tail: number, text: string): number {
  new DataView(data.buffer).setUint32(at, tail | ((text.length + 1) << 16), true);
  for (let i = 0; i < text.length; i += 1) data[tail + i] = text.charCodeAt(i);
  return tail + text.length + 1;
}
