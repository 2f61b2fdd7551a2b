import { helperName } from '../abi/known-helpers.ts';
import { disassemble } from '../isa/disassemble.ts';
import { noDetails } from './check-arguments.ts';
import { holds } from './checks.ts';
import { type Claim, claims } from './claims.ts';
import { noteVisit } from './facts.ts';
import { MAX_PROCESSED } from './limits.ts';
import { formatState } from './print-state.ts';
import { closePath, isCovered } from './pruning.ts';
import { reject, violation } from './rejection.ts';
import { currentFrame } from './state.ts';
import { PATH_ENDS } from './step-call.ts';
import { step } from './step.ts';
import { type Walk, recordJump } from './walk.ts';

const NAMES = { helper: helperName };

function printInsn(w: Walk): void {
  const insn = w.graph.insns[w.slot]!;
  const code = insn.code.toString(16).padStart(2, '0');
  w.log.add(`${w.slot}: (${code}) ${disassemble(insn, w.graph.insns[w.slot + 1], NAMES)}`);
}

/** The column at which states are shown beside instructions. */
const STATE_COLUMN = 40;

/** Shows what the instruction changed, on its line. */
function printChanges(
  w: Walk,
  before: { readonly frame: number; readonly registers: readonly unknown[]; readonly stack: readonly unknown[] },
): void {
  const index = w.state.frames.length - 1;
  const frame = currentFrame(w.state);
  if (index !== before.frame) return;
  let registers = 0;
  frame.registers.forEach((r, i) => {
    if (r !== before.registers[i]) registers |= 1 << i;
  });
  const slots = new Set(frame.stack.flatMap((slot, i) => (slot === before.stack[i] ? [] : [i])));
  const text = formatState(w.state, index, { registers, slots });
  if (text !== '') w.log.amend((line) => `${line.padEnd(STATE_COLUMN - 1)} ;${text}`);
}

function printSource(w: Walk, last: { line: number }): void {
  const { lines } = w.program;
  let index = -1;
  for (let i = 0; i < lines.length && lines[i]!.slot <= w.slot; i++) index = i;
  if (index < 0 || index === last.line) return;
  last.line = index;
  const { text, sourceName, line } = lines[index]!;
  w.log.add(`; ${text.trimStart()} @ ${sourceName}:${line}`);
}

/** Ends the current path and takes up the next; false when none is left. */
function nextPath(w: Walk): boolean {
  closePath(w, w.state);
  const next = w.pending.pop();
  if (next === undefined) return false;
  w.log.rewind(next.logMark);
  w.state = next.state;
  w.slot = next.slot;
  w.previous = next.previous;
  return true;
}

/**
 * Walks every path of the program, instruction by instruction: claims, checks, step. Ends when no path is left; throws
 * Rejected at the first claim that does not hold.
 */
export function explore(w: Walk): void {
  const cache: (readonly Claim[] | undefined)[] = new Array(w.graph.insns.length).fill(undefined);
  const verbose = w.log.level > 0;
  const source = { line: -1 };
  let resumed = true;
  for (;;) {
    w.entry = undefined;
    const { slot } = w;
    if (++w.processed > MAX_PROCESSED) {
      reject(violation('E2BIG', `BPF program is too large. Processed ${w.processed} insn`));
    }
    w.state.lastSlot = w.previous;
    w.state.slot = slot;
    if (w.marks.prune[slot] === 1 && isCovered(w, slot)) {
      if (verbose) w.log.add(resumed && w.previous >= 0 ? `from ${w.previous} to ${slot}: safe` : `${slot}: safe`);
      if (!nextPath(w)) return;
      resumed = true;
      continue;
    }
    if (w.marks.jump[slot] === 1) recordJump(w);
    const insn = w.graph.insns[slot]!;
    const op = w.graph.operations[slot]!;
    const frame = currentFrame(w.state);
    noteVisit(w.facts, slot, frame);
    if (verbose) {
      const state = formatState(w.state, w.state.frames.length - 1);
      if (w.previous < 0) w.log.add(`${slot}:${state}`);
      else if (resumed) w.log.add(`from ${w.previous} to ${slot}:${state}`);
      printSource(w, source);
      printInsn(w);
    }
    resumed = false;
    const before = verbose
      ? { frame: frame.index, registers: frame.registers.slice(), stack: frame.stack.slice() }
      : undefined;
    w.previous = slot;
    const call = noDetails();
    for (const claim of (cache[slot] ??= claims(insn, op))) {
      const fault = holds(claim, w, call);
      if (fault !== undefined) reject(fault);
    }
    if (op.kind === 'jump' || op.kind === 'ja' || op.kind === 'call' || op.kind === 'exit' || op.kind === 'may_goto') {
      w.jumps++;
    }
    const depth = w.state.frames.length;
    const next = step(w, insn, op, call);
    if (before !== undefined && next !== PATH_ENDS) printChanges(w, before);
    if (next === PATH_ENDS) {
      if (!nextPath(w)) return;
      resumed = true;
      continue;
    }
    if (w.state.frames.length !== depth) resumed = true;
    w.slot = next;
  }
}
