import { LD_IMM64 } from '../isa/decode.ts';
import { FRAME_POINTER, REGISTER_COUNT } from '../isa/instruction.ts';
import { type MemoryAccess, type ProgramFacts, REGISTER_KIND, type RegisterKind } from '../abi/verified-image.ts';
import type { WalkMarks } from './flow.ts';
import type { Graph } from './graph.ts';
import { type Register, isSocket } from './register.ts';
import type { Frame } from './state.ts';

/** Gathers what holds on every visit of each slot. */
export interface FactCollector {
  readonly reached: Uint8Array;
  readonly registers: Uint8Array;
  /** By slot, the register by which it differs from the slot before; NO_REGISTER: none; ANY_REGISTER: all are noted. */
  readonly changed: Uint8Array;
  /** What was noted last: the same again tells nothing new. */
  readonly noted: ((Register | undefined)[] | undefined)[];
  readonly accesses: (MemoryAccess | undefined)[];
  /** By start slot of a function. */
  readonly stackDepths: Map<number, number>;
}

export function collectFacts(g: Graph, marks: WalkMarks): FactCollector {
  return {
    reached: new Uint8Array(g.insns.length),
    registers: new Uint8Array(g.insns.length * REGISTER_COUNT),
    changed: changedRegisters(g, marks),
    noted: [],
    accesses: new Array<MemoryAccess | undefined>(g.insns.length).fill(undefined),
    stackDepths: new Map(g.functions.map((f) => [f.start, 0])),
  };
}

const NO_REGISTER = 0xfe;
const ANY_REGISTER = 0xff;

/**
 * What no jump and no state leads to is always walked right after the slot before it, and what is held there differs only in
 * what that instruction wrote.
 */
function changedRegisters(g: Graph, marks: WalkMarks): Uint8Array {
  const changed = new Uint8Array(g.insns.length).fill(ANY_REGISTER);
  for (let slot = 0; slot + 1 < g.insns.length; slot++) {
    const next = g.insns[slot]!.code === LD_IMM64 ? slot + 2 : slot + 1;
    if (marks.prune[next] === 0 && marks.jump[next] === 0) changed[next] = writtenAlone(g, slot);
  }
  return changed;
}

function writtenAlone(g: Graph, slot: number): number {
  switch (g.operations[slot]?.kind) {
    case 'alu':
    case 'neg':
    case 'movsx':
    case 'end':
    case 'load':
    case 'load_acquire':
    case 'ld_imm64':
      return g.insns[slot]!.dst;
    case 'store':
    case 'store_release':
      return NO_REGISTER;
    default:
      return ANY_REGISTER;
  }
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
  const isFirst = facts.reached[slot] === 0;
  facts.reached[slot] = 1;
  const changed = facts.changed[slot]!;
  if (changed === NO_REGISTER) return;
  const at = slot * REGISTER_COUNT;
  const [from, to] = changed === ANY_REGISTER ? [0, FRAME_POINTER] : [changed, changed];
  if (isFirst) {
    for (let r = from; r <= to; r++) facts.registers[at + r] = kindOf(frame.registers[r]!);
    return;
  }
  const noted = (facts.noted[slot] ??= new Array<Register | undefined>(FRAME_POINTER + 1).fill(undefined));
  for (let r = from; r <= to; r++) {
    const register = frame.registers[r]!;
    if (noted[r] === register) continue;
    noted[r] = register;
    const kind = kindOf(register);
    if (facts.registers[at + r] !== kind) {
      facts.registers[at + r] = join(facts.registers[at + r] as RegisterKind, kind);
    }
  }
}

/** Fills in what was not noted because the slot before holds it, too. */
function fillUnchanged({ changed, registers }: FactCollector, g: Graph): void {
  for (let slot = 1; slot < changed.length; slot++) {
    const written = changed[slot]!;
    if (written === ANY_REGISTER) continue;
    const at = slot * REGISTER_COUNT;
    const before = g.operations[slot - 1] === undefined ? at - 2 * REGISTER_COUNT : at - REGISTER_COUNT;
    for (let r = 0; r <= FRAME_POINTER; r++) if (r !== written) registers[at + r] = registers[before + r]!;
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
  fillUnchanged(facts, g);
  return {
    reached: facts.reached,
    registers: facts.registers,
    accesses: facts.accesses,
    stackDepths: g.functions.map((f) => facts.stackDepths.get(f.start) ?? 0),
    insnsProcessed,
  };
}
