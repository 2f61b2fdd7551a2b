import type { Insn } from '../isa/instruction.ts';
import { helperPrototype } from '../abi/known-helpers.ts';
import type { CallDetails } from './check-arguments.ts';
import { resultRange } from './check-control.ts';
import { HELPER_FOR_EACH_MAP_ELEM, HELPER_TAIL_CALL, calleeOf, functionAt } from './graph.ts';
import { applyArguments, constantKey, releaseReference, resultOf } from './helper-effects.ts';
import { markPrecise } from './precision.ts';
import { previousRound, widen } from './pruning.ts';
import { NOT_INIT, type Register, UNKNOWN_SCALAR, ZERO_SCALAR, isPacketOrEnd, pointerRegister } from './register.ts';
import { type Frame, type State, currentFrame, mapRegisters, newFrame } from './state.ts';
import { U64_MAX } from './tnum.ts';
import { type Walk, fork, registersOf } from './walk.ts';

/** The current path ends here. */
export const PATH_ENDS = -1;

const LOOP = 181;
const MAP_LOOKUP = 1;

/** Helpers that run a function of the program, any number of times. */
export const runsCallback = (helper: number): boolean => helper === LOOP || helper === HELPER_FOR_EACH_MAP_ELEM;

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
  if (helper === HELPER_FOR_EACH_MAP_ELEM) enterCallback(w, helper, call.callback!);
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
