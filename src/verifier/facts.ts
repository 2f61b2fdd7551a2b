import { FRAME_POINTER, REGISTER_COUNT } from '../isa/instruction.ts';
import { type MemoryAccess, type ProgramFacts, REGISTER_KIND, type RegisterKind } from '../abi/verified-image.ts';
import type { Graph } from './graph.ts';
import { type Register, isSocket } from './register.ts';
import type { Frame } from './state.ts';

/** Gathers what holds on every visit of each slot. */
export interface FactCollector {
  readonly reached: Uint8Array;
  readonly registers: Uint8Array;
  /** What was noted last: the same again tells nothing new. */
  readonly noted: ((Register | undefined)[] | undefined)[];
  readonly accesses: (MemoryAccess | undefined)[];
  /** By start slot of a function. */
  readonly stackDepths: Map<number, number>;
}

export function collectFacts(g: Graph): FactCollector {
  return {
    reached: new Uint8Array(g.insns.length),
    registers: new Uint8Array(g.insns.length * REGISTER_COUNT),
    noted: [],
    accesses: new Array<MemoryAccess | undefined>(g.insns.length).fill(undefined),
    stackDepths: new Map(g.functions.map((f) => [f.start, 0])),
  };
}

function kindOf(r: Register): RegisterKind {
  switch (r.type) {
    case 'not_init':
      return REGISTER_KIND.unknown;
    case 'scalar':
      return REGISTER_KIND.scalar;
    case 'ptr_':
    case 'sock_common':
    case 'sock':
    case 'tcp_sock':
      return REGISTER_KIND.btf_pointer;
    // Code addresses and packet pointers are not arena offsets that the JIT may narrow.
    case 'func':
    case 'pkt':
    case 'pkt_meta':
    case 'pkt_end':
      return REGISTER_KIND.unknown;
    default:
      return r.maybeNull ? REGISTER_KIND.pointer_or_null : REGISTER_KIND.pointer;
  }
}

function join(a: RegisterKind, b: RegisterKind): RegisterKind {
  const { pointer, pointer_or_null } = REGISTER_KIND;
  const bothPointers = (a === pointer || a === pointer_or_null) && (b === pointer || b === pointer_or_null);
  return bothPointers ? pointer_or_null : REGISTER_KIND.unknown;
}

/**
 * Notes one visit. Visits that pruning cuts short need no note: they agree with an earlier one in the type of every
 * register that is still read.
 */
export function noteVisit(facts: FactCollector, slot: number, frame: Frame): void {
  const at = slot * REGISTER_COUNT;
  if (facts.reached[slot] === 0) {
    facts.reached[slot] = 1;
    for (let r = 0; r <= FRAME_POINTER; r++) facts.registers[at + r] = kindOf(frame.registers[r]!);
    return;
  }
  const noted = (facts.noted[slot] ??= new Array<Register | undefined>(FRAME_POINTER + 1).fill(undefined));
  for (let r = 0; r <= FRAME_POINTER; r++) {
    const register = frame.registers[r]!;
    if (noted[r] === register) continue;
    noted[r] = register;
    const kind = kindOf(register);
    if (facts.registers[at + r] !== kind) {
      facts.registers[at + r] = join(facts.registers[at + r] as RegisterKind, kind);
    }
  }
}

const ARENA: MemoryAccess = { region: 'arena' };
const PROBE: MemoryAccess = { region: 'probe' };

/** How this visit's access reaches memory. */
function accessOf(pointer: Register, frame: Frame, offset: number): MemoryAccess {
  // A map object too is kernel memory, of which the runtime need not hold all that the kernel's type has.
  if (pointer.type === 'ptr_' || pointer.type === 'map_ptr' || isSocket(pointer)) return PROBE;
  if (pointer.value.isConst) {
    const at = pointer.value.signed + offset;
    if (pointer.type === 'fp' && pointer.frame === frame.index) return { region: 'stack', offset: at };
    if (pointer.type === 'ctx') return { region: 'context', offset: at };
  }
  return ARENA;
}

function sameAccess(a: MemoryAccess, b: MemoryAccess): boolean {
  if (a.region === 'stack' || a.region === 'context') return a.region === b.region && a.offset === b.offset;
  return a.region === b.region;
}

export function noteAccess(facts: FactCollector, slot: number, pointer: Register, frame: Frame, offset: number): void {
  const access = accessOf(pointer, frame, offset);
  const known = facts.accesses[slot];
  if (known === undefined) facts.accesses[slot] = access;
  // Whatever the arena holds, any way of getting there is an arena access; a probe stays one.
  else if (!sameAccess(known, access)) {
    facts.accesses[slot] = known.region === 'probe' || access.region === 'probe' ? PROBE : ARENA;
  }
}

export function noteStackDepth(facts: FactCollector, frame: Frame): void {
  const depth = frame.stack.length * 8;
  if (depth > (facts.stackDepths.get(frame.start) ?? 0)) facts.stackDepths.set(frame.start, depth);
}

export function finishFacts(facts: FactCollector, g: Graph, insnsProcessed: number): ProgramFacts {
  return {
    reached: facts.reached,
    registers: facts.registers,
    accesses: facts.accesses,
    stackDepths: g.functions.map((f) => facts.stackDepths.get(f.start) ?? 0),
    insnsProcessed,
  };
}
