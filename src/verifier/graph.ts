import { isKernelFunction } from '../abi/known-helpers.ts';
import { LD_IMM64 } from '../isa/decode.ts';
import type { Insn } from '../isa/instruction.ts';
import type { Operation } from '../isa/operation.ts';
import { CALL_CODE, CALLEE, PSEUDO } from '../isa/opcodes.ts';
import { MAX_SUBPROGRAMS } from './limits.ts';
import { type Errno, type Violation, violation } from './rejection.ts';

export const HELPER_TAIL_CALL = 12;
export const HELPER_FOR_EACH_MAP_ELEM = 164;

/** A function of the program: its slots are [start, end). */
export interface FunctionRange {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly makesTailCall: boolean;
  /** Where instructions that may leave the function on their own (tail calls, packet loads) continue. */
  readonly lastExit: number;
}

/** Decoded instructions and their order: the skeleton that every analysis walks. */
export interface Graph {
  /** The program's, except that branches decided in advance become plain jumps here and in `operations`. */
  readonly insns: Insn[];
  /** By slot; undefined for the second slot of a wide instruction. */
  readonly operations: (Operation | undefined)[];
  readonly functions: readonly FunctionRange[];
  /** What `successors` found out so far, by slot. */
  readonly knownSuccessors: (readonly number[] | undefined)[];
}

export const isSubprogramCall = (op: Operation | undefined): boolean =>
  op?.kind === 'call' && op.callee === 'subprogram';
export const isFunctionReference = (op: Operation | undefined): boolean =>
  op?.kind === 'ld_imm64' && op.pseudo === 'func';
/** The slot at which the function that a call or a function reference names starts. */
export const calleeOf = (insns: readonly Insn[], slot: number): number => slot + insns[slot]!.imm + 1;

export function jumpTarget(insn: Insn, op: Operation, slot: number): number | undefined {
  if (op.kind === 'jump' || op.kind === 'may_goto') return slot + insn.off + 1;
  if (op.kind === 'ja') return slot + 1 + (op.wide ? insn.imm : insn.off);
  return undefined;
}

/** The fault of a call of a kernel function that names none; a call of nothing is a fault only where it is reached. */
function kernelCallFault({ imm, off }: Insn): Violation | undefined {
  if (imm === 0 && off === 0) return undefined;
  if (imm <= 0) return violation('EINVAL', `invalid kernel function btf_id ${imm}`);
  // Functions of modules are named by the module's place in a table that nobody gave us.
  if (off !== 0) {
    const [errno, why]: [Errno, string] =
      off < 0
        ? ['EINVAL', 'negative offset disallowed for kernel module function call']
        : ['EPROTO', 'kfunc offset > 0 without fd_array is invalid'];
    return violation(errno, why, 'failed to find BTF for kernel function');
  }
  return isKernelFunction(imm) ? undefined : noKernelFunction(imm);
}

/** A number in the kernel's BTF that is none of a function that programs may call. */
const noKernelFunction = (id: number): Violation => violation('EINVAL', `kernel btf_id ${id} is not a function`);

/** Starts of the main program and of everything called or referred to, ascending. */
export function findFunctionStarts(insns: readonly Insn[]): readonly number[] | Violation {
  const starts = new Set<number>([0]);
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot]!;
    const calls = insn.code === CALL_CODE && insn.src === CALLEE.subprogram;
    const refers = insn.code === LD_IMM64 && insn.src === PSEUDO.func;
    const fault = insn.code === CALL_CODE && insn.src === CALLEE.kfunc ? kernelCallFault(insn) : undefined;
    if (fault !== undefined) return fault;
    if (!calls && !refers) continue;
    const start = calleeOf(insns, slot);
    if (start < 0 || start >= insns.length) return violation('EINVAL', 'call to invalid destination');
    if (!starts.has(start) && starts.size >= MAX_SUBPROGRAMS) return violation('E2BIG', 'too many subprograms');
    starts.add(start);
  }
  return [...starts].sort((a, b) => a - b);
}

const JMP = 0x05;
const JMP32 = 0x06;
const JUMP_INDIRECT = 0x0d;
/** exit and the jumps that do not go on. */
const ENDS: ReadonlySet<number> = new Set([0x95, 0x05, 0x06, JUMP_INDIRECT]);

/** Jumps stay inside their function, and none runs over its end. */
export function findLayoutFault(insns: readonly Insn[], starts: readonly number[]): Violation | undefined {
  for (const [index, start] of starts.entries()) {
    const end = starts[index + 1] ?? insns.length;
    for (let slot = start; slot < end; slot++) {
      const { code, off, imm } = insns[slot]!;
      const cls = code & 7;
      const op = code & 0xf0;
      if ((cls === JMP || cls === JMP32) && op !== 0x80 && op !== 0x90 && code !== JUMP_INDIRECT) {
        const target = slot + 1 + (code === 0x06 ? imm : off);
        if (target < start || target >= end) {
          return violation('EINVAL', `jump out of range from insn ${slot} to ${target}`);
        }
      }
      if (slot === end - 1 && !ENDS.has(code)) {
        return violation('EINVAL', 'last insn is not an exit or jmp');
      }
    }
  }
  return undefined;
}

/** Functions with what the instruction stream says of them. */
export function describeFunctions(
  insns: readonly Insn[],
  starts: readonly number[],
  nameOf: (start: number) => string,
): readonly FunctionRange[] {
  return starts.map((start, index) => {
    const end = starts[index + 1] ?? insns.length;
    let makesTailCall = false;
    let lastExit = 0;
    for (let slot = start; slot < end; slot++) {
      const { code, src, imm } = insns[slot]!;
      if (code === CALL_CODE && src === CALLEE.helper && imm === HELPER_TAIL_CALL) makesTailCall = true;
      if (code === 0x95) lastExit = slot;
    }
    return { start, end, name: nameOf(start), makesTailCall, lastExit };
  });
}

export function functionAt(g: Graph, slot: number): FunctionRange {
  let low = 0;
  let high = g.functions.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (g.functions[middle]!.start <= slot) low = middle;
    else high = middle - 1;
  }
  return g.functions[low]!;
}

/** Tail calls and packet loads may end the function. */
function leavesAbnormally(g: Graph, slot: number): boolean {
  const op = g.operations[slot];
  if (op?.kind === 'ld_packet') return true;
  return op?.kind === 'call' && op.callee === 'helper' && g.insns[slot]!.imm === HELPER_TAIL_CALL;
}

/** Where control may go next inside the function, calls being stepped over. */
export function successors(g: Graph, slot: number): readonly number[] {
  return (g.knownSuccessors[slot] ??= findSuccessors(g, slot));
}

function findSuccessors(g: Graph, slot: number): readonly number[] {
  const op = g.operations[slot];
  const insn = g.insns[slot]!;
  if (op === undefined) return [slot + 1];
  switch (op.kind) {
    case 'exit':
      return [];
    case 'ja':
      return [jumpTarget(insn, op, slot)!];
    case 'jump':
    case 'may_goto':
      return [slot + 1, jumpTarget(insn, op, slot)!];
    case 'ld_imm64':
      return [slot + 2];
    default:
      return leavesAbnormally(g, slot) ? [slot + 1, functionAt(g, slot).lastExit] : [slot + 1];
  }
}

/** The slots of a function so that what control goes on to comes first, loops aside. */
export interface Postorder {
  readonly slots: readonly number[];
  /** Without loops an analysis is done after one round. */
  readonly hasLoops: boolean;
}

const OPEN = 1;
const DONE = 2;

/**
 * One order for each function. Backwards analyses follow it, forward ones its reverse: they settle after as many rounds as
 * loops are nested, however the program lies in memory.
 */
export function postorders(g: Graph): readonly Postorder[] {
  const seen = new Uint8Array(g.insns.length);
  return g.functions.map(({ start }) => {
    const slots: number[] = [];
    let hasLoops = false;
    const path = [start];
    const tried = [0];
    seen[start] = OPEN;
    while (path.length > 0) {
      const top = path.length - 1;
      const next = successors(g, path[top]!)[tried[top]!++];
      if (next === undefined) {
        const slot = path.pop()!;
        seen[slot] = DONE;
        slots.push(slot);
        tried.pop();
      } else if (next < g.insns.length) {
        if (seen[next] === OPEN) hasLoops = true;
        if (seen[next] !== 0) continue;
        seen[next] = OPEN;
        path.push(next);
        tried.push(0);
      }
    }
    return { slots, hasLoops };
  });
}
