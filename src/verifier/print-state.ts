import { FRAME_POINTER } from '../isa/instruction.ts';
import { S32_MAX, S32_MIN, S64_MAX, S64_MIN } from './arc.ts';
import { type Register, isPacket, typeName } from './register.ts';
import type { Scalar } from './scalar.ts';
import { formatKinds, isSpill } from './stack.ts';
import type { State } from './state.ts';
import { U64_MAX, formatNumber, formatTnum } from './tnum.ts';

interface Bound {
  readonly name: string;
  readonly value: bigint;
  readonly known: boolean;
}

/** Bounds that say something; those of one value and sign are joined: `smax=umax=255`. */
function formatBounds(s: Scalar): string[] {
  const bounds: Bound[] = [
    { name: 'smin', value: s.smin, known: s.smin !== S64_MIN },
    { name: 'smax', value: s.smax, known: s.smax !== S64_MAX },
    { name: 'umin', value: s.umin, known: s.umin !== 0n },
    { name: 'umax', value: s.umax, known: s.umax !== U64_MAX },
    { name: 'smin32', value: BigInt(s.s32min), known: s.s32min !== S32_MIN },
    { name: 'smax32', value: BigInt(s.s32max), known: s.s32max !== S32_MAX },
    { name: 'umin32', value: BigInt(s.u32min), known: s.u32min !== 0 },
    { name: 'umax32', value: BigInt(s.u32max), known: s.u32max !== 0xffff_ffff },
  ];
  const shown = new Set<Bound>();
  const parts: string[] = [];
  bounds.forEach((bound, i) => {
    if (!bound.known || shown.has(bound)) return;
    const names = [bound.name];
    for (let j = i + 2; j < bounds.length; j += 2) {
      const other = bounds[j]!;
      if (!other.known || other.value !== bound.value) continue;
      shown.add(other);
      names.push(other.name);
    }
    parts.push(`${names.join('=')}=${formatNumber(bound.value, bound.name.startsWith('s') ? 'signed' : 'unsigned')}`);
  });
  return parts;
}

const HAS_SIZE: ReadonlySet<Register['type']> = new Set(['mem', 'rdonly_mem', 'ringbuf_mem']);

/** A register as the log shows it: `map_value(map=counts,ks=4,vs=8)`; `frame` is the one that it belongs to. */
function formatRegister(r: Register, frame: number): string {
  const precise = r.type === 'scalar' && r.precise ? 'P' : '';
  const signed = BigInt.asIntN(64, r.value.value);
  if (r.type === 'scalar' && r.value.isConst) return `${precise}${formatNumber(signed, 'signed')}`;
  if (r.type === 'fp' && r.value.isConst) return `fp${r.frame === frame ? '' : `[${r.frame}]`}${signed}`;
  const parts: string[] = [];
  if (r.id !== 0) parts.push(`id=${r.id}${r.link === 0 ? '' : `${r.delta >= 0 ? '+' : ''}${r.delta}`}`);
  if (r.reference !== 0) parts.push(`ref_obj_id=${r.reference}`);
  if (r.map !== undefined) {
    if (r.map.name !== '') parts.push(`map=${r.map.name}`);
    parts.push(`ks=${r.map.keySize}`, `vs=${r.map.valueSize}`);
  }
  if (isPacket(r)) parts.push(`r=${r.range}`);
  if (HAS_SIZE.has(r.type)) parts.push(`sz=${r.memSize}`);
  if (r.value.isConst) {
    if (signed !== 0n) parts.push(`off=${signed}`);
  } else {
    parts.push(...formatBounds(r.value));
    if (r.value.bits.mask !== U64_MAX) parts.push(`var_off=${formatTnum(r.value.bits)}`);
  }
  const struct = r.btf !== undefined && 'name' in r.btf ? r.btf.name : '';
  return `${precise}${typeName(r)}${struct}(${parts.join(',')})`;
}

/** Registers and stack of a frame, ` R1=ctx() R10=fp0`; `only` limits it to what just changed. */
export function formatState(
  s: State,
  frameIndex: number,
  only?: { registers: number; slots: ReadonlySet<number> },
): string {
  const frame = s.frames[frameIndex]!;
  let text = frameIndex > 0 ? ` frame${frameIndex}:` : '';
  for (let r = 0; r <= FRAME_POINTER; r++) {
    const register = frame.registers[r]!;
    if (register.type === 'not_init' || (only !== undefined && (only.registers & (1 << r)) === 0)) continue;
    text += ` R${r}=${formatRegister(register, frameIndex)}`;
  }
  frame.stack.forEach((slot, i) => {
    if (slot.kinds === 0 || (only !== undefined && !only.slots.has(i))) return;
    const kinds = formatKinds(slot);
    // What lies above a register spilled with less than eight bytes, then the register.
    const content = isSpill(slot)
      ? `${kinds.slice(0, kinds.indexOf('r'))}${formatRegister(slot.spill!, frameIndex)}`
      : kinds;
    text += ` fp${-(i + 1) * 8}=${content}`;
  });
  if (s.references.length > 0) text += ` refs=${s.references.map((ref) => ref.id).join(',')}`;
  if (frame.inCallback) text += ' cb';
  return text;
}
