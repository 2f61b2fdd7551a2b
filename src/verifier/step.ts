import type { Insn } from '../isa/instruction.ts';
import type { Operation } from '../isa/operation.ts';
import { joinHalves } from '../isa/words.ts';
import type { CallDetails } from './check-arguments.ts';
import type { Access } from './check-memory.ts';
import { load, store } from './memory.ts';
import { type Register, immediateRegister, scalarRegister } from './register.ts';
import { constant } from './scalar.ts';
import { stepAlu } from './step-alu.ts';
import { stepJump } from './step-branch.ts';
import { functionReference, stepCall, stepExit, stepHelper, stepMayGoto, stepPacketLoad } from './step-call.ts';
import { type Walk, registersOf } from './walk.ts';
import { noteAccess } from './facts.ts';
import { currentFrame } from './state.ts';

function accessTo(w: Walk, register: number, insn: Insn, size: number, write: boolean): Access {
  const pointer = registersOf(w)[register]!;
  return { register, pointer, offset: insn.off, size, write, signed: false, stored: undefined, atomic: false };
}

function stepAtomic(w: Walk, insn: Insn, op: Extract<Operation, { kind: 'atomic' }>): void {
  const registers = registersOf(w);
  const access = accessTo(w, insn.dst, insn, op.size, false);
  noteAccess(w.facts, w.slot, access.pointer, currentFrame(w.state), insn.off);
  if (op.fetch) registers[op.op === 'cmpxchg' ? 0 : insn.src] = load(w, { ...access, atomic: true });
  store(w, { ...access, write: true, atomic: true }, { register: undefined, content: undefined });
}

function wideImmediate(w: Walk, insn: Insn, op: Extract<Operation, { kind: 'ld_imm64' }>): Register {
  const reference = w.wideReferences[w.slot];
  if (reference !== undefined) return reference.register;
  if (op.pseudo === 'func') return functionReference(w);
  return scalarRegister(constant(joinHalves(insn.imm, w.graph.insns[w.slot + 1]!.imm)));
}

/** Carries out the instruction at hand, whose claims hold; returns the slot at which the current path goes on. */
export function step(w: Walk, insn: Insn, op: Operation, call: CallDetails): number {
  const next = w.slot + 1;
  const registers = registersOf(w);
  switch (op.kind) {
    case 'alu':
    case 'neg':
    case 'movsx':
    case 'end':
      stepAlu(w, insn, op);
      return next;
    case 'jump':
      return stepJump(w, insn, op);
    case 'ja':
      return next + (op.wide ? insn.imm : insn.off);
    case 'may_goto':
      return stepMayGoto(w, insn);
    case 'call':
    case 'callx':
      return op.kind === 'call' && op.callee === 'subprogram' ? stepCall(w, insn) : stepHelper(w, insn, call);
    case 'exit':
      return stepExit(w);
    case 'load':
      registers[insn.dst] = load(w, { ...accessTo(w, insn.src, insn, op.size, false), signed: op.signed });
      return next;
    case 'load_acquire':
      registers[insn.dst] = load(w, accessTo(w, insn.src, insn, op.size, false));
      return next;
    case 'store':
    case 'store_release': {
      const fromRegister = op.kind === 'store_release' || op.source === 'reg';
      const content = fromRegister ? registers[insn.src]! : immediateRegister(insn.imm);
      const access = accessTo(w, insn.dst, insn, op.size, true);
      store(w, access, { register: fromRegister ? insn.src : undefined, content });
      return next;
    }
    case 'atomic':
      stepAtomic(w, insn, op);
      return next;
    case 'ld_imm64':
      registers[insn.dst] = wideImmediate(w, insn, op);
      return next + 1;
    case 'ld_packet':
      return stepPacketLoad(w);
  }
}
