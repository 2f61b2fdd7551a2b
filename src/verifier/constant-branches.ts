import { CLASS, JA } from '../isa/opcodes.ts';
import type { Operation } from '../isa/operation.ts';
import { HOLDS } from './compare.ts';
import { type Graph, successors } from './graph.ts';

/** A register's value at a slot, over all ways of getting there: undefined before any came, null when it varies. */
type Known = bigint | null | undefined;

const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);

/** Follows moves, additions and masks of constants, as much as Linux 7.2 does before it verifies (const_fold.c). */
function transfer(g: Graph, slot: number, values: Known[]): void {
  const op = g.operations[slot];
  const { dst, src, imm } = g.insns[slot]!;
  if (op === undefined) return;
  switch (op.kind) {
    case 'alu':
      values[dst] = computed(op, values[dst], values[src], BigInt(imm), imm);
      return;
    case 'movsx': {
      const from = values[src];
      const extended = typeof from === 'bigint' ? u64(BigInt.asIntN(op.bits, from)) : null;
      values[dst] = extended === null || op.width === 64 ? extended : BigInt.asUintN(32, extended);
      return;
    }
    case 'neg':
    case 'end':
    case 'load':
    case 'load_acquire':
      values[dst] = null;
      return;
    case 'ld_imm64':
      values[dst] = op.pseudo === 'none' ? u64((BigInt(g.insns[slot + 1]!.imm) << 32n) | BigInt(imm >>> 0)) : null;
      return;
    case 'call':
    case 'callx':
    case 'ld_packet':
      for (let r = 0; r <= 5; r++) values[r] = null;
      return;
    case 'atomic':
      if (op.op === 'cmpxchg') values[0] = null;
      else if (op.fetch) values[src] = null;
      return;
    default:
      return;
  }
}

function computed(
  op: Extract<Operation, { kind: 'alu' }>,
  dst: Known,
  src: Known,
  wideImm: bigint,
  imm: number,
): Known {
  const known = typeof dst === 'bigint';
  let value: Known = null;
  const operand: Known = op.source === 'imm' ? u64(wideImm) : src;
  switch (op.op) {
    case 'mov':
      value = operand;
      break;
    case 'add':
      if (op.source === 'imm' && known) value = u64(dst + wideImm);
      break;
    case 'sub':
      if (op.source === 'imm' && known) value = u64(dst - wideImm);
      break;
    case 'and':
      if (dst === 0n || operand === 0n || (op.source === 'imm' && imm === 0)) value = 0n;
      else if (known && typeof operand === 'bigint') value = dst & operand;
      break;
    default:
      break;
  }
  return typeof value === 'bigint' && op.width === 32 ? BigInt.asUintN(32, value) : value;
}

function join(into: Known[], from: readonly Known[]): boolean {
  let changed = false;
  for (let r = 0; r < into.length; r++) {
    const merged = into[r] === undefined ? from[r] : into[r] === from[r] ? into[r] : null;
    if (merged === into[r]) continue;
    into[r] = merged;
    changed = true;
  }
  return changed;
}

/** Slots that control does not only reach from the one before. */
function findJoins(g: Graph): Uint8Array {
  const joins = new Uint8Array(g.insns.length + 2);
  for (const f of g.functions) joins[f.start] = 1;
  for (let slot = 0; slot < g.insns.length; slot++) {
    const op = g.operations[slot];
    if (op === undefined) continue;
    for (const s of successors(g, slot)) if (s !== slot + (op.kind === 'ld_imm64' ? 2 : 1)) joins[s] = 1;
  }
  return joins;
}

/** What a conditional jump compares, as often as control comes by with more. */
type Visit = (slot: number, values: readonly Known[]) => void;

/** Follows values from join to join, until nothing new arrives anywhere. */
function followValues(g: Graph, visit: Visit): void {
  const joins = findJoins(g);
  const values = new Map<number, Known[]>(g.functions.map((f) => [f.start, new Array<Known>(11).fill(null)]));
  const pending = g.functions.map((f) => f.start);
  const arrive = (slot: number, from: readonly Known[]): void => {
    const into = values.get(slot);
    if (into === undefined) values.set(slot, from.slice());
    else if (!join(into, from)) return;
    pending.push(slot);
  };
  while (pending.length > 0) {
    let slot: number | undefined = pending.pop()!;
    const now = values.get(slot)!.slice();
    while (slot !== undefined && slot < g.insns.length) {
      if (g.operations[slot]?.kind === 'jump') visit(slot, now);
      transfer(g, slot, now);
      let next: number | undefined;
      for (const s of successors(g, slot)) {
        if (joins[s] === 1) arrive(s, now);
        else next = s;
      }
      slot = next;
    }
  }
}

/**
 * Turns conditional jumps that can go one way only into plain ones, in the graph; what the walk then never
 * reaches needs no proof.
 */
export function decideConstantBranches(g: Graph): void {
  const compared = new Map<number, Known[]>();
  followValues(g, (slot, values) => {
    const { dst, src } = g.insns[slot]!;
    const seen = compared.get(slot);
    if (seen === undefined) compared.set(slot, [values[dst], values[src]]);
    else join(seen, [values[dst], values[src]]);
  });
  const small = (v: Known): v is bigint => typeof v === 'bigint' && v <= 0xffff_ffffn;
  for (const [slot, [left, known]] of compared) {
    const op = g.operations[slot];
    if (op?.kind !== 'jump') continue;
    const { off, imm } = g.insns[slot]!;
    const right = op.source === 'imm' ? u64(BigInt(imm)) : known;
    if (!small(left) || (op.source === 'reg' ? !small(right) : typeof right !== 'bigint')) continue;
    const taken = HOLDS[op.op](left, right!, op.width);
    g.insns[slot] = { code: CLASS.jmp | JA, dst: 0, src: 0, off: taken ? off : 0, imm: 0 };
    g.operations[slot] = { kind: 'ja', wide: false };
    g.knownSuccessors[slot] = undefined;
  }
}
