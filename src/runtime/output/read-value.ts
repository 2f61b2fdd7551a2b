import type { Member } from '../../btf/types.ts';
import { stripType } from '../../btf/layout.ts';
import { errorText } from '../../abi/errno.ts';
import { fromCType } from '../../lang/from-ctype.ts';
import { aggregateLayout, sizeOf } from '../../lang/layout.ts';
import { TIMESTAMP_MODES } from '../../lang/map-layout.ts';
import type { Type } from '../../lang/types.ts';
import { assertNever, bug } from '../../source/bug.ts';
import { byteText, bytesToText } from './byte-text.ts';
import { addressText, macText } from './network-text.ts';
import { maximum, meanOf, minimum, readStats, sumWords } from './per-cpu.ts';
import { buildIdText, kernelSymbolText, stackText, userSymbolText } from './symbol-text.ts';
import { formatTimestamp } from './time-format.ts';
import { signedInt, text, unsignedInt, type Primitive } from './value.ts';
import type { ValueContext } from './value-context.ts';

/**
 * The value that these bytes are. Values of aggregations may hold all CPUs' fields, one CPU after the other, or the one
 * number that a program computed from them. `div` is print()'s divisor.
 */
export function readValue(context: ValueContext, type: Type, bytes: Uint8Array, div = 1n): Primitive {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const divided = (value: bigint, signed: boolean): Primitive =>
    signed ? signedInt(value / div) : unsignedInt(BigInt.asUintN(64, value) / div);
  switch (type.kind) {
    case 'void':
      return { kind: 'none' };
    case 'bool':
      return { kind: 'bool', value: bytes[0] !== 0 };
    case 'int':
      return readInteger(type, view, div);
    case 'enum': {
      const value = readUnsigned(view, 0, type.enum.size);
      const member = type.enum.values.find((row) => BigInt.asUintN(type.enum.size * 8, row.value) === value);
      const numeric = member === undefined ? value : BigInt.asUintN(64, member.value);
      return { kind: 'symbolic', symbol: member === undefined ? String(value) : byteText(member.name), numeric };
    }
    case 'pointer': {
      const numeric = view.getBigUint64(0, true);
      return { kind: 'symbolic', symbol: `0x${numeric.toString(16)}`, numeric };
    }
    case 'string':
      return text(readString(context, bytes, type.size));
    case 'buffer':
      return { kind: 'buffer', value: bytes.slice(4, 4 + Math.min(view.getUint32(0, true), type.size)) };
    case 'array': {
      const size = sizeOf(type.element);
      const values = Array.from({ length: type.length }, (_, i) =>
        readValue(context, type.element, bytes.subarray(i * size, (i + 1) * size), div),
      );
      return { kind: 'array', values };
    }
    case 'tuple':
      return { kind: 'tuple', values: readFields(context, type.elements, bytes, div) };
    case 'record': {
      const values = readFields(
        context,
        type.fields.map((field) => field.type),
        bytes,
        div,
      );
      return { kind: 'record', fields: type.fields.map((field, i) => [byteText(field.name), values[i]!]) };
    }
    case 'c_struct':
      return { kind: 'record', fields: readMembers(context, type.struct.members, 0, view, div) };
    case 'count':
      return divided(sumWords(view), false);
    case 'sum':
      return divided(sumWords(view), type.signed);
    case 'min':
      return divided(bytes.length === 8 ? view.getBigInt64(0, true) : minimum(view, type.signed), type.signed);
    case 'max':
      return divided(bytes.length === 8 ? view.getBigInt64(0, true) : maximum(view, type.signed), type.signed);
    case 'avg':
      return divided(
        bytes.length === 8 ? view.getBigInt64(0, true) : meanOf(readStats(view, type.signed)),
        type.signed,
      );
    case 'stats': {
      const stats = readStats(view, type.signed);
      const number = type.signed ? signedInt : unsignedInt;
      return {
        kind: 'record',
        fields: [
          ['count', number(stats.count)],
          ['average', number(meanOf(stats) / div)],
          ['total', number(stats.total)],
        ],
      };
    }
    case 'kstack':
      return text(readStack(context, type, view, 0, undefined));
    case 'ustack':
      return text(readStack(context, type, view, 8, view.getInt32(0, true)));
    case 'ksym':
      return text(kernelSymbolText(context, view.getBigUint64(0, true)));
    case 'usym':
      return text(userSymbolText(context, view.getInt32(8, true), view.getBigUint64(0, true)));
    case 'inet':
      return text(addressText(view.getUint32(0, true), bytes.subarray(8, 24)));
    case 'mac':
      return text(macText(bytes));
    case 'timestamp':
      return text(readTimestamp(context, view));
    case 'username':
      return text(byteText(context.kernel.userName(Number(view.getBigUint64(0, true))) ?? ''));
    case 'strerror':
      return text(errorText(Number(BigInt.asIntN(32, view.getBigInt64(0, true)))));
    case 'cgroup_path':
      return text(cgroupPath(context, view));
    case 'hist':
    case 'lhist':
    case 'tseries':
    case 'timestamp_mode':
    case 'stack_mode':
      return bug(`${type.kind} is no value`);
    default:
      return assertNever(type);
  }
}

/** A per-CPU integer is the sum over the CPUs. */
function readInteger(type: Type & { kind: 'int' }, view: DataView, div: bigint): Primitive {
  const bits = type.size * 8;
  let sum = 0n;
  // CPUs' copies are 8 bytes apart whatever the size of the value.
  for (let at = 0; at + type.size <= view.byteLength; at += 8) sum += readUnsigned(view, at, type.size);
  // bpftrace narrows the divisor to the value's own size.
  const divisor = (type.signed ? BigInt.asIntN(bits, div) : type.size === 8 ? div : BigInt.asUintN(bits, div)) || 1n;
  return type.signed ? signedInt(BigInt.asIntN(bits, sum) / divisor) : unsignedInt(BigInt.asUintN(bits, sum) / divisor);
}

function readUnsigned(view: DataView, at: number, size: number): bigint {
  switch (size) {
    case 1:
      return BigInt(view.getUint8(at));
    case 2:
      return BigInt(view.getUint16(at, true));
    case 4:
      return BigInt(view.getUint32(at, true));
    default:
      return view.getBigUint64(at, true);
  }
}

function readString(context: ValueContext, from: Uint8Array, size: number): string {
  const bytes = from.subarray(0, size);
  const nul = bytes.indexOf(0);
  if (nul >= 0) return bytesToText(bytes.subarray(0, nul));
  // Without a NUL the string was cut: a whole one always has room for it. The room of an array at a structure's end lies behind it.
  return bytes.length < size ? bytesToText(bytes) : bytesToText(bytes) + context.truncationTrailer;
}

function readFields(context: ValueContext, types: readonly Type[], bytes: Uint8Array, div: bigint): Primitive[] {
  const { offsets } = aggregateLayout(types);
  return types.map((type, i) => {
    const offset = offsets[i]!;
    return readValue(context, type, bytes.subarray(offset, offset + sizeOf(type)), div);
  });
}

/** Members of anonymous structs and unions count as members of the outer one. */
function readMembers(
  context: ValueContext,
  members: readonly Member[],
  baseBits: number,
  view: DataView,
  div: bigint,
): (readonly [string, Primitive])[] {
  return members.flatMap((member): (readonly [string, Primitive])[] => {
    const bits = baseBits + member.offsetBits;
    const resolved = stripType(member.type);
    if (member.name === '') {
      if (resolved.kind !== 'struct' && resolved.kind !== 'union') return [];
      return readMembers(context, resolved.members, bits, view, div);
    }
    const type = fromCType(member.type);
    const name = byteText(member.name);
    if (member.bitfieldSize !== undefined) {
      return [[name, readBitfield(context, type, view, bits, member.bitfieldSize, div)]];
    }
    const whole = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    return [[name, readValue(context, type, whole.subarray(bits / 8, bits / 8 + sizeOf(type)), div)]];
  });
}

/** Bit fields are shown without their sign, as bpftrace does: the bits in a value of the declared type. */
function readBitfield(
  context: ValueContext,
  type: Type,
  view: DataView,
  offsetBits: number,
  width: number,
  div: bigint,
): Primitive {
  let value = 0n;
  for (let i = 0; i < width; i++) {
    const bit = offsetBits + i;
    if ((view.getUint8(bit >> 3) >> (bit & 7)) & 1) value |= 1n << BigInt(i);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return readValue(context, type, bytes.subarray(0, sizeOf(type)), div);
}

function readStack(
  context: ValueContext,
  type: Type & { kind: 'kstack' | 'ustack' },
  view: DataView,
  header: number,
  pid: number | undefined,
): string {
  const count = Math.min(Number(view.getBigUint64(header, true)), type.limit);
  const start = header + 8;
  if (type.mode === 'build_id') {
    const frame = (i: number): DataView => new DataView(view.buffer, view.byteOffset + start + i * 32, 32);
    return buildIdText(Array.from({ length: count }, (_, i) => frame(i)));
  }
  const addresses = Array.from({ length: count }, (_, i) => view.getBigUint64(start + i * 8, true));
  return stackText(context, type.mode, addresses, pid);
}

function readTimestamp(context: ValueContext, view: DataView): string {
  const format = context.timeFormats[view.getUint32(0, true)] ?? bug('timestamp without a format');
  const mode = TIMESTAMP_MODES[view.getUint32(4, true)];
  const ns = view.getBigUint64(8, true);
  const text = formatTimestamp(format, mode === 'boot' ? context.bootTimeNs + ns : ns);
  // strftime() refuses what does not fit with its NUL.
  return text.length < context.maxStringLength ? text : '(?)';
}

/** The one tree is the unified one; what stands before the id says whether the filter leaves it out. */
function cgroupPath(context: ValueContext, view: DataView): string {
  if (view.getBigUint64(0, true) !== 0n) return '';
  const id = Number(view.getBigUint64(8, true));
  const path = context.kernel.cgroupPath?.(id) ?? (id === 1 ? '/' : undefined);
  return path === undefined ? '' : `unified:${path}`;
}
