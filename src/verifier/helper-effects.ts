import { helperPrototype } from '../abi/known-helpers.ts';
import { sizeOf, stripType } from '../btf/layout.ts';
import type { CType } from '../btf/types.ts';
import { fromSigned32, fromSigned64, fromUnsigned32, fromUnsigned64 } from './arc.ts';
import { WRITES } from './argument-kinds.ts';
import type { CallDetails } from './check-arguments.ts';
import { noteStackDepth } from './facts.ts';
import { MAX_CPUS, MAX_ERRNO } from './limits.ts';
import { storeStack } from './memory.ts';
import { markPrecise, markSlotsPrecise } from './precision.ts';
import {
  NOT_INIT,
  type Register,
  UNKNOWN_SCALAR,
  mapValueRegister,
  pointerRegister,
  scalarRegister,
} from './register.ts';
import { type Scalar, synced } from './scalar.ts';
import { BYTE, byteIndex, isScalarSpill, isSpill, kindOf, scrubbed, slotIndex, withKind } from './stack.ts';
import { growStack, mapRegisters, slotAt } from './state.ts';
import { TNUM_UNKNOWN } from './tnum.ts';
import { type Walk, newId, registersOf } from './walk.ts';

/** What a helper leaves behind: stack that it filled, what it released, and its result. */

/** A helper writes into stack memory of which it is not known how much: what was there is unsure. */
function clobberStack(w: Walk, register: number, size: number): void {
  const r = registersOf(w)[register]!;
  if (r.type !== 'fp') return;
  const frame = w.state.frames[r.frame]!;
  const first = Number(r.value.smin);
  growStack(frame, first);
  noteStackDepth(w.facts, frame);
  for (let at = first; at < Number(r.value.smax) + size; at++) {
    const index = slotIndex(at);
    const slot = slotAt(frame, index);
    const kind = kindOf(slot, byteIndex(at));
    if (kind === BYTE.misc) continue;
    if (isSpill(slot)) frame.stack[index] = scrubbed(slot);
    else frame.stack[index] = { kinds: withKind(slot.kinds, byteIndex(at), BYTE.misc), spill: undefined };
  }
}

/** Memory that the arguments let the helper fill, and sizes that had to be known for it. */
export function applyArguments(w: Walk, helper: number, call: CallDetails): void {
  const prototype = helperPrototype(helper, w.program.type)!;
  const registers = registersOf(w);
  prototype.args.forEach((kind, index) => {
    const register = index + 1;
    if (kind === 'const_size' || kind === 'const_size_or_zero') {
      markPrecise(w, register);
      const fills = WRITES.has(prototype.args[index - 1]!);
      const raw = call.raw?.register === register - 1;
      touchStack(w, register - 1, Number(registers[register]!.value.umax));
      if (fills && !raw) clobberStack(w, register - 1, Number(registers[register]!.value.umax));
    } else if (kind === 'const_alloc_size_or_zero') markPrecise(w, register);
    else if (kind === 'map_key') touchStack(w, register, call.map!.keySize);
    else if (kind === 'map_value' || kind === 'map_value_or_null') touchStack(w, register, call.map!.valueSize);
  });
  if (call.raw === undefined) return;
  for (let i = 0; i < call.raw.size; i++) {
    const pointer = registers[call.raw.register]!;
    storeStack(
      w,
      {
        register: call.raw.register,
        pointer,
        offset: i,
        size: 1,
        write: true,
        signed: false,
        stored: undefined,
        atomic: false,
      },
      { register: undefined, content: undefined },
    );
  }
}

/** Stack that a helper reads counts as used. */
function touchStack(w: Walk, register: number, size: number): void {
  const r = registersOf(w)[register]!;
  if (r.type !== 'fp' || size === 0) return;
  const frame = w.state.frames[r.frame]!;
  growStack(frame, Number(r.value.smin));
  noteStackDepth(w.facts, frame);
}

/** The constant key of an array lookup, as far as the kernel recognises one. */
export function constantKey(w: Walk, register: number, keySize: number): bigint | undefined {
  const r = registersOf(w)[register]!;
  if (r.type !== 'fp' || !r.value.isConst) return undefined;
  const at = r.value.signed;
  const frame = w.state.frames[r.frame]!;
  const index = slotIndex(at);
  const slot = slotAt(frame, index);
  const run = (wanted: number): number => {
    let n = 0;
    for (let byte = byteIndex(at); byte >= 0 && kindOf(slot, byte) === wanted; byte--) n++;
    return n;
  };
  if (run(BYTE.zero) >= keySize) return 0n;
  if (!isScalarSpill(slot) || run(BYTE.spill) !== keySize || !slot.spill!.value.isConst) return undefined;
  markSlotsPrecise(w, frame.index, [index]);
  return slot.spill!.value.value;
}

export function releaseReference(w: Walk, register: number): void {
  const { reference } = registersOf(w)[register]!;
  w.state.references = w.state.references.filter(({ id }) => id !== reference);
  mapRegisters(w.state, (r) => (r.reference === reference ? UNKNOWN_SCALAR : r));
}

const STRING_HELPERS: ReadonlySet<number> = new Set([45, 67, 114, 115, 141]);
const GET_SMP_PROCESSOR_ID = 8;
const GET_CURRENT_TASK_BTF = 158;

function integerResult(helper: number, call: CallDetails): Scalar {
  if (STRING_HELPERS.has(helper) && call.sizeLimit !== undefined) {
    const least = BigInt(-MAX_ERRNO);
    return synced(
      TNUM_UNKNOWN,
      fromSigned64(least, call.sizeLimit),
      fromSigned32(-MAX_ERRNO, Number(BigInt.asIntN(32, call.sizeLimit))),
    );
  }
  if (helper === GET_SMP_PROCESSOR_ID) {
    return synced(TNUM_UNKNOWN, fromUnsigned64(0n, BigInt(MAX_CPUS - 1)), fromUnsigned32(0, MAX_CPUS - 1));
  }
  return UNKNOWN_SCALAR.value;
}

export function resultOf(w: Walk, helper: number, call: CallDetails, key: bigint | undefined): Register {
  const prototype = helperPrototype(helper, w.program.type)!;
  switch (prototype.ret) {
    case 'integer':
      return scalarRegister(integerResult(helper, call));
    case 'void':
      return NOT_INIT;
    case 'map_value_or_null': {
      const map = call.map!;
      const present = key !== undefined && key < BigInt(map.maxEntries);
      return mapValueRegister(map, present ? 0 : newId(w));
    }
    case 'ringbuf_mem_or_null': {
      const id = acquireReference(w);
      return pointerRegister('ringbuf_mem', { memSize: call.resultSize, maybeNull: true, id, reference: id });
    }
    case 'sock_or_null':
      return pointerRegister('sock', { maybeNull: true, id: newId(w) });
    case 'tcp_sock_or_null':
      return pointerRegister('tcp_sock', { maybeNull: true, id: newId(w) });
    case 'mem_or_null':
      return pointerRegister('mem', { memSize: call.resultSize, maybeNull: true, id: newId(w) });
    case 'mem_or_btf_id':
    case 'mem_or_btf_id_or_null':
      return variableRegister(w, call.resultType, prototype.ret === 'mem_or_btf_id_or_null');
    case 'btf_id':
    case 'btf_id_or_null': {
      const { kfunc } = prototype;
      if (kfunc?.acquires === true) {
        const id = acquireReference(w);
        const btf = w.types?.struct(kfunc.struct ?? '') ?? UNNAMED_TASK;
        return pointerRegister('ptr_', { btf, maybeNull: true, id, reference: id });
      }
      const task = helper === GET_CURRENT_TASK_BTF ? w.types?.struct('task_struct') : undefined;
      const maybeNull = prototype.ret === 'btf_id_or_null';
      return pointerRegister('ptr_', {
        btf: task ?? UNNAMED_TASK,
        trust: 'trusted_',
        maybeNull,
        id: maybeNull ? newId(w) : 0,
      });
    }
  }
}

/** A copy of a per-CPU variable: its members can be followed if it is a struct, else it is plain memory to read. */
function variableRegister(w: Walk, type: CType | undefined, maybeNull: boolean): Register {
  const btf = type === undefined ? undefined : stripType(type);
  const id = maybeNull ? newId(w) : 0;
  if (btf?.kind === 'struct') return pointerRegister('ptr_', { btf, maybeNull, id });
  return pointerRegister('rdonly_mem', { memSize: btf === undefined ? 0 : (sizeOf(btf) ?? 0), maybeNull, id });
}

/** A reference to what the call returns, if it returns anything. Linux numbers the nullable pointer first and then, separately, the reference. */
function acquireReference(w: Walk): number {
  newId(w);
  const id = newId(w);
  w.state.references = [...w.state.references, { id, slot: w.slot }];
  return id;
}

/** Stands in where no kernel types were given: nothing inside it may be read. */
const UNNAMED_TASK = { kind: 'struct', name: 'task_struct', size: 0, members: [] } as const;
