import { SOCKETS } from '../abi/contexts.ts';
import { type CallDetails, argumentsFault } from './check-arguments.ts';
import { helperFault, kernelFunctionFault } from './check-helper.ts';
import { callDepthFault, heldFault, packetContextFault, packetLoadFault, returnFault } from './check-control.ts';
import { memoryFault, movedPointerFault } from './check-memory.ts';
import type { Claim } from './claims.ts';
import { atomicFault } from './encoding.ts';
import { pointerArithmeticFault, symbolOf } from './pointer-arithmetic.ts';
import { isPacket, isPointer, isSocket, typeName } from './register.ts';
import { type Violation, registerViolation, violation } from './rejection.ts';
import { FRAME_POINTER } from '../isa/instruction.ts';
import { plainConstant } from './scalar.ts';
import { TNUM_UNKNOWN, formatTnum } from './tnum.ts';
import { type Walk, registersOf } from './walk.ts';

type Check<K extends Claim['kind']> = (
  claim: Extract<Claim, { kind: K }>,
  w: Walk,
  call: CallDetails,
) => Violation | undefined;

function readableFault(w: Walk, register: number): Violation | undefined {
  if (registersOf(w)[register]!.type !== 'not_init') return undefined;
  return registerViolation(register, 'EACCES', `R${register} !read_ok`);
}

const arithmeticFault: Check<'arithmetic'> = (c, w) => {
  const dst = registersOf(w)[c.dst]!;
  const src = c.source === 'reg' ? registersOf(w)[c.src]! : undefined;
  if (src !== undefined && isPointer(src)) {
    if (isPointer(dst)) {
      if (c.op === 'sub') return undefined;
      return registerViolation(c.dst, 'EACCES', `R${c.dst} pointer ${symbolOf(c.op)} pointer prohibited`);
    }
    return pointerArithmeticFault(c.op, c.width, c.dst, false, src, dst.value);
  }
  if (!isPointer(dst)) return undefined;
  return pointerArithmeticFault(c.op, c.width, c.dst, true, dst, src?.value ?? plainConstant(c.imm));
};

const atomicTargetFault: Check<'atomic_target'> = (c, w) => {
  const r = registersOf(w)[c.register]!;
  const faults = r.type === 'ptr_' && c.verb === 'loads from';
  if (r.type !== 'ctx' && !isPacket(r) && !isSocket(r) && !faults) return undefined;
  return registerViolation(c.register, 'EACCES', `BPF_ATOMIC ${c.verb} R${c.register} ${typeName(r)} is not allowed`);
};

/** Kinds of pointers whose accesses the kernel rewrites. */
const REWRITTEN: ReadonlySet<string> = new Set(['ctx', 'ptr_', ...Object.keys(SOCKETS)]);

const pointerKindFault: Check<'one_pointer_kind'> = (c, w) => {
  const r = registersOf(w)[c.register]!;
  const known = w.pointerKinds[w.slot];
  if (known === undefined) {
    w.pointerKinds[w.slot] = r.type;
    return undefined;
  }
  if (known === r.type || (!REWRITTEN.has(known) && !REWRITTEN.has(r.type))) return undefined;
  const probes = (type: string): boolean => type === 'ptr_' || type === 'mem';
  if (c.merges && probes(known) && probes(r.type)) return undefined;
  return registerViolation(c.register, 'EINVAL', 'same insn cannot be used with different pointers');
};

const CHECKS: { readonly [K in Claim['kind']]: Check<K> } = {
  readable: (c, w) => readableFault(w, c.register),
  writable: (c) => (c.register === FRAME_POINTER ? violation('EACCES', 'frame pointer is read only') : undefined),
  nonzero_divisor: (c) => (c.value === 0 ? violation('EINVAL', 'div by zero') : undefined),
  shift_amount: (c) =>
    c.value < 0 || c.value >= c.width ? violation('EINVAL', `invalid shift ${c.value}`) : undefined,
  arithmetic: arithmeticFault,
  memory: (c, w) => {
    const registers = registersOf(w);
    const stored = c.stored === undefined ? undefined : registers[c.stored];
    return memoryFault(w, {
      register: c.register,
      pointer: registers[c.register]!,
      offset: c.offset,
      size: c.size,
      write: c.write,
      signed: c.signed,
      stored,
      atomic: c.atomic,
    });
  },
  atomic_target: atomicTargetFault,
  address_survives: (c) => {
    if (c.address !== c.overwritten) return undefined;
    const place = `${formatTnum(TNUM_UNKNOWN)}+${c.offset}`;
    return registerViolation(c.address, 'EACCES', `misaligned access off ${place} size ${c.size}`);
  },
  known_atomic: (c) => atomicFault(c.insn),
  one_pointer_kind: pointerKindFault,
  helper: (c, w) => helperFault(w, c.id),
  helper_arguments: (c, w, call) => argumentsFault(w, c.id, call),
  kernel_function: (c, w) => kernelFunctionFault(w, c.id),
  call_depth: (_c, w) => callDepthFault(w),
  loads_packet: (_c, w) => packetLoadFault(w),
  packet_context: (_c, w) => packetContextFault(w),
  packet_context_unmoved: (_c, w) => movedPointerFault(6, registersOf(w)[6]!, false),
  nothing_held: (c, w) => heldFault(w, c.what),
  returns: (_c, w) => returnFault(w),
  function_records: (_c, w) => (w.hasFunctionRecords ? undefined : violation('EINVAL', 'missing btf func_info')),
};

/** A claim with what decides it: undefined if it holds in the current state, what is wrong if not. */
export interface Test {
  readonly claim: Claim;
  readonly fault: (claim: never, w: Walk, call: CallDetails) => Violation | undefined;
}

export const testOf = (claim: Claim): Test => ({ claim, fault: CHECKS[claim.kind] });
