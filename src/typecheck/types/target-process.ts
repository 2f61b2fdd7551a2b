import type { Program } from '../../ast/nodes.ts';
import type { PassContext } from '../context.ts';
import { error } from '../messages.ts';
import { walk } from '../rewrite.ts';

/** Unwinding by DWARF's tables needs the tables of a process that is known from the start. */
export function checkTargetProcess(program: Program, context: PassContext): void {
  if (context.pid !== undefined || context.childPid !== undefined) return;
  let unwinds = false;
  walk(program, (node) => {
    if ((node.kind === 'call' || node.kind === 'identifier') && node.name === 'dw_ustack') unwinds = true;
    return !unwinds;
  });
  if (!unwinds) return;
  const text = 'dw_ustack requires a target process. Use -p, -c, or --dwarf-pid to specify one.';
  context.report(error('no-target-process', undefined, text));
}
