import { argumentCount, helperName } from '../abi/known-helpers.ts';
import { disassemble, hexByte } from '../isa/disassemble.ts';
import { registerEffect } from './live-registers.ts';
import { formatState } from './print-state.ts';
import { slotIndex } from './stack.ts';
import { type Frame, currentFrame } from './state.ts';
import { PATH_ENDS } from './step-call.ts';
import type { Walk } from './walk.ts';

/** Tells the walk in the kernel's words: each instruction, and beside it what it used and changed. */
export interface Narrator {
  /** A remembered state covers the current one. */
  safe(): void;
  /** The walk goes on elsewhere. */
  resumed(): void;
  before(): void;
  after(next: number): void;
}

const NAMES = { helper: helperName };
/** States stand in this column or, beside long instructions, in the next multiple of eight (kernel/bpf/log.c). */
const COLUMN = 40;
const STEP = 8;

function beside(line: string, state: string): string {
  const width = Math.ceil(Math.max(line.length + 1 + STEP / 2, COLUMN) / STEP) * STEP - 2;
  return `${line.padEnd(width)};${state}`;
}

export function createNarrator(w: Walk): Narrator {
  let jumped = false;
  let sourceRow = -1;
  let frame: Frame = currentFrame(w.state);
  let registers = frame.registers.slice();
  let stack = frame.stack.slice();
  const state = (index: number): string => formatState(w.state, index);
  const last = (): number => w.state.frames.length - 1;

  function printSource(): void {
    const { lines } = w.program;
    const row = lines.findLastIndex((line) => line.slot <= w.slot);
    if (row < 0 || row === sourceRow) return;
    sourceRow = row;
    const { text, sourceName, line } = lines[row]!;
    w.log.add(`; ${text.trimStart()} @ ${sourceName}:${line}`);
  }

  /** Registers that the instruction read or wrote, and stack slots that it touched or changed. */
  function used(): { registers: number; slots: ReadonlySet<number> } {
    const slot = w.previous;
    const insn = w.graph.insns[slot]!;
    const op = w.graph.operations[slot]!;
    const effect = registerEffect(insn, op, (id) => argumentCount(id, w.program.type));
    let mask = effect.reads | effect.writes;
    frame.registers.forEach((r, i) => {
      if (r !== registers[i]) mask |= 1 << i;
    });
    const slots = new Set(frame.stack.flatMap((s, i) => (s === stack[i] ? [] : [i])));
    if (op.kind === 'load' || op.kind === 'store') {
      const pointer = registers[op.kind === 'load' ? insn.src : insn.dst]!;
      const here = pointer.type === 'fp' && pointer.frame === frame.index && pointer.value.isConst;
      if (here) slots.add(slotIndex(pointer.value.signed + insn.off));
    }
    return { registers: mask, slots };
  }

  return {
    safe: () => {
      if (jumped) w.log.add('');
      w.log.add(jumped ? `from ${w.previous} to ${w.slot}: safe` : `${w.slot}: safe`);
    },
    resumed: () => {
      jumped = true;
    },
    before: () => {
      if (w.previous < 0) w.log.add(`${w.slot}:${state(0)}`);
      else if (jumped) {
        w.log.add('');
        w.log.add(`from ${w.previous} to ${w.slot}:${state(last())}`);
      }
      jumped = false;
      printSource();
      const insn = w.graph.insns[w.slot]!;
      w.log.add(`${w.slot}: (${hexByte(insn.code)}) ${disassemble(insn, w.graph.insns[w.slot + 1], NAMES)}`);
      frame = currentFrame(w.state);
      registers = frame.registers.slice();
      stack = frame.stack.slice();
    },
    after: (next) => {
      if (next === PATH_ENDS) return;
      const index = last();
      if (index > frame.index) {
        w.log.add('caller:');
        w.log.add(state(frame.index));
        w.log.add('callee:');
        w.log.add(state(index));
        return;
      }
      if (index < frame.index) {
        w.log.add('returning from callee:');
        w.log.add(formatState({ ...w.state, frames: [...w.state.frames, frame] }, frame.index));
        w.log.add(`to caller at ${next}:`);
        w.log.add(state(index));
        jumped = true;
        return;
      }
      const text = formatState(w.state, index, used());
      if (text !== '') w.log.amend((line) => beside(line, text));
    },
  };
}
