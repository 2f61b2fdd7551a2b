import type { Program } from '../../src/abi/program-image.ts';
import type { MapDefinition } from '../../src/abi/program-image.ts';
import { MAX_BPF_STACK } from '../../src/isa/instruction.ts';
import { joinHalves } from '../../src/isa/words.ts';
import { contains32, contains64 } from '../../src/verifier/arc.ts';
import { formatState } from '../../src/verifier/print-state.ts';
import type { Register } from '../../src/verifier/register.ts';
import type { Scalar } from '../../src/verifier/scalar.ts';
import { BYTE, type Slot, isSpill, kindOf, spillSize } from '../../src/verifier/stack.ts';
import { copyState, type State } from '../../src/verifier/state.ts';
import { type Verdict, type VerifyOptions, verifyProgram } from '../../src/verifier/verify.ts';
import { KERNEL_HIGH, type SmallMachine } from './small-machine.ts';

/** All states in which a walk without pruning visited each slot, with its verdict; undefined when there were too many. */
export interface Observation {
  readonly verdict: Verdict;
  readonly states: readonly (readonly State[] | undefined)[];
}

class TooMany extends Error {}

export function observeStates(
  program: Program,
  maps: readonly MapDefinition[],
  most: number,
  options: VerifyOptions = {},
): Observation | undefined {
  const states: State[][] = [];
  let count = 0;
  try {
    const verdict = verifyProgram(program, maps, {
      ...options,
      prune: false,
      observe: (walk) => {
        if (++count > most) throw new TooMany();
        (states[walk.slot] ??= []).push(copyState(walk.state));
      },
    });
    return { verdict, states };
  } catch (error) {
    if (error instanceof TooMany) return undefined;
    throw error;
  }
}

const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);

function admits(s: Scalar, v: bigint): boolean {
  return (v & ~s.bits.mask) === s.bits.value && contains64(s.r64, v) && contains32(s.r32, Number(v & 0xffff_ffffn));
}

/** Of a pointer only its 64-bit offset is followed. */
function admitsOffset(s: Scalar, offset: bigint): boolean {
  return (u64(offset) & ~s.bits.mask) === s.bits.value && contains64(s.r64, u64(offset));
}

function admitsRegister(r: Register, v: bigint, machine: SmallMachine, maps: readonly MapDefinition[]): boolean {
  const at = (offset: number): bigint => joinHalves(offset, KERNEL_HIGH);
  if (r.maybeNull && v === 0n) return true;
  switch (r.type) {
    case 'scalar':
      return admits(r.value, v);
    case 'ctx':
      return admitsOffset(r.value, v - at(machine.context));
    case 'fp':
      return admitsOffset(r.value, v - at(machine.environment.stackTop - r.frame * MAX_BPF_STACK));
    case 'map_ptr':
      return admitsOffset(r.value, v - at(machine.environment.maps[maps.indexOf(r.map!)]!.address));
    case 'map_value': {
      const place = machine.elements[maps.indexOf(r.map!)]!;
      for (let i = 0; i < place.count; i++) {
        if (admitsOffset(r.value, v - at(place.values + i * place.stride))) return true;
      }
      return false;
    }
    case 'mem':
    case 'ringbuf_mem':
    case 'map_key':
      return v >> 32n === at(0) >> 32n;
    default:
      return true;
  }
}

function admitsSlot(
  slot: Slot,
  index: number,
  top: number,
  machine: SmallMachine,
  maps: readonly MapDefinition[],
): boolean {
  const low = top - 8 * (index + 1);
  for (let byte = 0; byte < 8; byte++) {
    if (kindOf(slot, byte) === BYTE.zero && machine.bytes[low + 7 - byte] !== 0) return false;
  }
  if (!isSpill(slot) || spillSize(slot) !== 8) return true;
  const view = new DataView(machine.environment.buffer);
  return admitsRegister(slot.spill!, view.getBigUint64(low, true), machine, maps);
}

/** Whether one of the states describes what registers and stack of the innermost frame really hold. */
export function findDescription(
  states: readonly State[],
  registers: BigUint64Array,
  depth: number,
  machine: SmallMachine,
  maps: readonly MapDefinition[],
): State | undefined {
  const top = machine.environment.stackTop - depth * MAX_BPF_STACK;
  return states.find((state) => {
    const frame = state.frames[depth];
    if (frame === undefined || state.frames.length !== depth + 1) return false;
    return (
      frame.registers.every((r, i) => admitsRegister(r, registers[i]!, machine, maps)) &&
      frame.stack.every((slot, i) => admitsSlot(slot, i, top, machine, maps))
    );
  });
}

/** What the verifier held possible, for a failure's message. */
export function describeStates(states: readonly State[] | undefined): string {
  return (states ?? [])
    .slice(-5)
    .map((s) => formatState(s, s.frames.length - 1))
    .join('\n');
}
