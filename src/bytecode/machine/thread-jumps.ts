import { type MachineBlock, type MachineEnd, type MachineFunction, endTargets } from './insn.ts';

/**
 * Jumps past blocks in which nothing is left to do: allocation made the copies on an edge disappear. Then what nothing
 * leads to is dropped.
 */
export function threadJumps(fn: MachineFunction): void {
  for (const block of fn.blocks) block.end = threaded(block.end);
  const reachable = new Set<MachineBlock>();
  const work = fn.blocks.slice(0, 1);
  for (let block = work.pop(); block !== undefined; block = work.pop()) {
    if (reachable.has(block)) continue;
    reachable.add(block);
    work.push(...endTargets(block.end));
  }
  const kept = fn.blocks.filter((block) => reachable.has(block));
  fn.blocks.splice(0, fn.blocks.length, ...kept);
}

function threaded(end: MachineEnd): MachineEnd {
  switch (end.op) {
    case 'exit':
      return end;
    case 'jump':
      return { ...end, target: destination(end.target) };
    case 'branch': {
      const then = destination(end.then);
      const otherwise = destination(end.otherwise);
      return then === otherwise ? { op: 'jump', target: then, span: end.span } : { ...end, then, otherwise };
    }
  }
}

function destination(block: MachineBlock): MachineBlock {
  const seen = new Set<MachineBlock>();
  let at = block;
  // A loop of empty blocks ends where it began.
  while (at.insns.length === 0 && at.end.op === 'jump' && !seen.has(at)) {
    seen.add(at);
    at = at.end.target;
  }
  return at;
}
