import type { Flow } from '../ir/flow.ts';
import type { Block, IrFunction, Terminator } from '../ir/ir.ts';
import { JUMP, type JumpOp } from '../../isa/opcodes.ts';

type Branch = Extract<Terminator, { op: 'branch' }>;

const keyOf = (end: Branch, jump: JumpOp): string => `${jump}${end.width} ${end.left.id} ${end.right.id}`;
const inverseOf = (jump: JumpOp): JumpOp | undefined => JUMP[jump].inverse;

/** Questions by their key, one way round: a comparison and its inverse are one question with opposite answers. */
function questionOf(end: Branch): { readonly key: string; readonly holds: boolean } {
  const inverse = inverseOf(end.jump);
  return inverse !== undefined && inverse < end.jump
    ? { key: keyOf(end, inverse), holds: false }
    : { key: keyOf(end, end.jump), holds: true };
}

/** Whether two branches ask the same question, before anything costly looks for the way between them. */
function asksTwice(fn: IrFunction): boolean {
  const asked = new Set<string>();
  for (const { terminator: end } of fn.blocks) {
    if (end?.op !== 'branch') continue;
    const { key } = questionOf(end);
    if (asked.has(key)) return true;
    asked.add(key);
  }
  return false;
}

/** Takes out a branch whose answer every way to it has already given. */
export function decideKnownBranches(flow: Flow): boolean {
  const { fn } = flow;
  if (!asksTwice(fn)) return false;
  const { dominators: doms, predecessors: preds } = flow;
  /** What holds at the start of a block because the only edge into it says so. */
  const learnt = (block: Block): readonly [string, boolean] | undefined => {
    const [pred, another] = preds.get(block)!;
    const end = pred?.terminator;
    if (another !== undefined || end?.op !== 'branch' || end.then === end.otherwise) return undefined;
    const { key, holds } = questionOf(end);
    return [key, (end.then === block) === holds];
  };
  let changed = false;
  const answers = new Map<string, boolean>();
  // An explicit stack, as blocks come in thousands; leaving a block forgets what it taught.
  const work: (Block | string)[] = [fn.entry];
  for (let at = work.pop(); at !== undefined; at = work.pop()) {
    if (typeof at === 'string') {
      answers.delete(at);
      continue;
    }
    const fact = learnt(at);
    if (fact !== undefined && !answers.has(fact[0])) {
      answers.set(...fact);
      work.push(fact[0]);
    }
    const end = at.terminator;
    if (end?.op === 'branch' && end.then !== end.otherwise) {
      const { key, holds } = questionOf(end);
      const answer = answers.get(key);
      if (answer !== undefined) {
        const [target, dropped] = answer === holds ? [end.then, end.otherwise] : [end.otherwise, end.then];
        at.terminator = { op: 'jump', target, span: end.span };
        for (const instr of dropped.instrs) if (instr.op === 'phi') instr.inputs.delete(at);
        changed = true;
      }
    }
    work.push(...(doms.children.get(at) ?? []));
  }
  if (changed) flow.changed();
  return changed;
}
