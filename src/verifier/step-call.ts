import type { Insn } from '../isa/instruction.ts';
import { helperPrototype } from '../abi/known-helpers.ts';
import { fromSigned32, fromSigned64, fromUnsigned32, fromUnsigned64 } from './arc.ts';
import type { CallDetails } from './check-arguments.ts';
import { HELPER_TAIL_CALL, calleeOf, functionAt } from './graph.ts';
import { MAX_CPUS, MAX_ERRNO } from './limits.ts';
import { storeStack } from './memory.ts';
import { markPrecise, markSlotsPrecise } from './precision.ts';
import { previousRound, widen } from './pruning.ts';
import {
  NOT_INIT,
  type Register,
  UNKNOWN_SCALAR,
  ZERO_SCALAR,
  isPacketOrEnd,
  mapValueRegister,
  pointerRegister,
  scalarRegister,
} from './register.ts';
import { resultRange } from './check-control.ts';
import { type Scalar, synced } from './scalar.ts';
import { BYTE, byteIndex, isScalarSpill, isSpill, kindOf, scrubbed, slotIndex, withKind } from './stack.ts';
import { type Frame, type State, currentFrame, growStack, mapRegisters, newFrame, slotAt } from './state.ts';
import { TNUM_UNKNOWN, U64_MAX } from './tnum.ts';
import { type Walk, fork, newId, registersOf } from './walk.ts';
import { noteStackDepth } from './facts.ts';

/** The current path ends here. */
export const PATH_ENDS = -1;

const LOOP = 181;
const FOR_EACH_MAP_ELEM = 164;
const MAP_LOOKUP = 1;

/** Helpers that run a function of the program, any number of times. */
export const runsCallback = (helper: number): boolean => helper === LOOP || helper === FOR_EACH_MAP_ELEM;

const CALLER_SAVED = 6;
function clobber(registers: Register[]): void {
  for (let r = 0; r < CALLER_SAVED; r++) registers[r] = NOT_INIT;
}

/** Enters a function: its frame starts with the arguments only. */
export function stepCall(w: Walk, insn: Insn): number {
  const start = w.slot + insn.imm + 1;
  const caller = currentFrame(w.state);
  const callee = newFrame(w.slot, w.state.frames.length, start, false);
  for (let r = 1; r <= 5; r++) callee.registers[r] = caller.registers[r]!;
  clobber(caller.registers);
  w.state.frames.push(callee);
  return start;
}

/** Arguments that each kind of callback gets from its helper. */
function setCallbackArguments(helper: number, caller: Frame, callee: Frame): void {
  if (helper === LOOP) {
    callee.registers[1] = UNKNOWN_SCALAR;
    callee.registers[2] = caller.registers[3]!;
    return;
  }
  const map = caller.registers[1]!;
  callee.registers[1] = map;
  callee.registers[2] = pointerRegister('map_key', { map: map.map! });
  callee.registers[3] = pointerRegister('map_value', { map: map.map! });
  callee.registers[4] = caller.registers[3]!;
}

/** The path forks: into the callback, which comes back to this very call, and past the call. */
function enterCallback(w: Walk, helper: number, start: number): void {
  const state = fork(w, start);
  const caller = currentFrame(state);
  const callee = newFrame(w.slot, state.frames.length, start, true);
  setCallbackArguments(helper, caller, callee);
  state.callbackUnrollDepth++;
  caller.callbackDepth++;
  state.frames.push(callee);
  currentFrame(w.state).callbackDepth = 0;
}

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
function applyArguments(w: Walk, helper: number, call: CallDetails): void {
  const prototype = helperPrototype(helper, w.program.type)!;
  const registers = registersOf(w);
  prototype.args.forEach((kind, index) => {
    const register = index + 1;
    if (kind === 'const_size' || kind === 'const_size_or_zero') {
      markPrecise(w, register);
      const fills = prototype.args[index - 1] === 'uninit_mem';
      const raw = call.raw?.register === register - 1;
      touchStack(w, register - 1, Number(registers[register]!.value.umax));
      if (fills && !raw) clobberStack(w, register - 1, Number(registers[register]!.value.umax));
    } else if (kind === 'const_alloc_size_or_zero') markPrecise(w, register);
    else if (kind === 'map_key') touchStack(w, register, call.map!.keySize);
    else if (kind === 'map_value') touchStack(w, register, call.map!.valueSize);
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
function constantKey(w: Walk, register: number, keySize: number): bigint | undefined {
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

function releaseReference(w: Walk, register: number): void {
  const { id } = registersOf(w)[register]!;
  w.state.references = w.state.references.filter((ref) => ref.id !== id);
  mapRegisters(w.state, (r) => (r.id === id && r.type === 'ringbuf_mem' ? UNKNOWN_SCALAR : r));
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

function resultOf(w: Walk, helper: number, call: CallDetails, key: bigint | undefined): Register {
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
      // Linux numbers the nullable pointer first and then, separately, the reference.
      newId(w);
      const id = newId(w);
      w.state.references = [...w.state.references, { id, slot: w.slot }];
      return pointerRegister('ringbuf_mem', { memSize: call.resultSize, maybeNull: true, id });
    }
    case 'sock_or_null':
      return pointerRegister('sock', { maybeNull: true, id: newId(w) });
    case 'tcp_sock_or_null':
      return pointerRegister('tcp_sock', { maybeNull: true, id: newId(w) });
    case 'mem_or_null':
      return pointerRegister('mem', { memSize: call.resultSize, maybeNull: true, id: newId(w) });
    case 'btf_id':
    case 'btf_id_or_null': {
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

/** Stands in where no kernel types were given: nothing inside it may be read. */
const UNNAMED_TASK = { kind: 'struct', name: 'task_struct', size: 0, members: [] } as const;

/** A helper call whose claims hold; returns where the path goes on. */
export function stepHelper(w: Walk, insn: Insn, call: CallDetails): number {
  const helper = insn.imm;
  const registers = registersOf(w);
  const isArray = call.map?.type === 'array' || call.map?.type === 'percpu_array';
  applyArguments(w, helper, call);
  const key =
    helper === MAP_LOOKUP && isArray && call.key !== undefined
      ? constantKey(w, call.key, call.map!.keySize)
      : undefined;
  if (helper === HELPER_TAIL_CALL && registers[3]!.type === 'scalar' && registers[3]!.value.isConst) {
    if (registers[3]!.value.value < BigInt(call.map!.maxEntries)) markPrecise(w, 3);
  }
  if (call.released !== undefined) releaseReference(w, call.released);
  if (helper === FOR_EACH_MAP_ELEM) enterCallback(w, helper, call.callback!);
  if (helper === LOOP) stepLoop(w, call.callback!);
  clobber(registers);
  registers[0] = resultOf(w, helper, call, key);
  if (helperPrototype(helper, w.program.type)!.changesPacket === true) {
    mapRegisters(w.state, (r) => (isPacketOrEnd(r) ? UNKNOWN_SCALAR : r));
  }
  return helper === HELPER_TAIL_CALL ? leaveByTailCall(w) : w.slot + 1;
}

/** A callback is entered as often as the count may say. */
function stepLoop(w: Walk, callback: number): void {
  const registers = registersOf(w);
  const flags = registers[4]!;
  if (flags.type === 'scalar' && flags.value.isZero) markPrecise(w, 4);
  if (registers[1]!.type === 'scalar') markPrecise(w, 1);
  const frame = currentFrame(w.state);
  // Root may pass a pointer: as a number it has no bound, whereas Linux takes its offset and never walks the callback.
  const most = registers[1]!.type === 'scalar' ? registers[1]!.value.umax : U64_MAX;
  if (BigInt(frame.callbackDepth) < most) enterCallback(w, LOOP, callback);
  else frame.callbackDepth = 0;
}

/** A tail call that succeeds ends the function, as far as its caller can tell. */
function leaveByTailCall(w: Walk): number {
  if (w.state.frames.length === 1) return w.slot + 1;
  registersOf(w)[0] = UNKNOWN_SCALAR;
  const goesOn = fork(w, w.slot + 1);
  currentFrame(goesOn).registers[0] = NOT_INIT;
  return leaveFrame(w);
}

function leaveFrame(w: Walk): number {
  const callee = currentFrame(w.state);
  if (callee.inCallback) markPrecise(w, 0);
  w.state.frames.pop();
  const caller = currentFrame(w.state);
  if (!callee.inCallback) {
    caller.registers[0] = callee.registers[0]!;
    return callee.callsite + 1;
  }
  // The helper may call again: come back to it, with what does not matter forgotten.
  const round = previousRound(w, w.state, w.state.depth, callee.callsite);
  if (round !== undefined) widen(round, w.state);
  return callee.callsite;
}

/** The end of a function or of the program. */
export function stepExit(w: Walk): number {
  if (w.state.frames.length > 1) return leaveFrame(w);
  if (resultRange(w) !== undefined) markPrecise(w, 0);
  return PATH_ENDS;
}

/** A legacy packet load: a call in all but name, that ends the function when the packet is too short. */
export function stepPacketLoad(w: Walk): number {
  const registers = registersOf(w);
  clobber(registers);
  registers[0] = UNKNOWN_SCALAR;
  if (w.state.frames.length === 1) return w.slot + 1;
  fork(w, w.slot + 1);
  registers[0] = ZERO_SCALAR;
  return leaveFrame(w);
}

/** may_goto: jumps when its hidden budget is used up, which may be any time. */
export function stepMayGoto(w: Walk, insn: Insn): number {
  const parent: State | undefined = w.state.parent;
  const round = parent === undefined ? undefined : previousRound(w, w.state, parent.depth, w.slot);
  const goesOn = fork(w, w.slot + 1);
  goesOn.mayGotoDepth++;
  if (round !== undefined) widen(round, goesOn);
  return w.slot + 1 + insn.off;
}

/** The address of a function of the program. */
export function functionReference(w: Walk): Register {
  const start = calleeOf(w.graph.insns, w.slot);
  return pointerRegister('func', { slot: functionAt(w.graph, start).start });
}
