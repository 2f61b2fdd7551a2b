import type { Call } from '../../ast/nodes.ts';
import { CONFIG } from '../../lang/config.ts';
import type { StackMode } from '../../lang/types.ts';
import type { PassContext } from '../context.ts';
import { error } from '../messages.ts';
import { DEFAULT_STACK_LIMIT } from './infer-builtin.ts';
import { typing } from './typing.ts';
import type { Typing } from './typing.ts';

/** kernel.perf_event_max_stack may not exceed it either. */
const MAX_STACK_LIMIT = 1024;

/** `kstack(mode, limit)`: either may be left out. */
export function stackTyping(node: Call, kind: 'kstack' | 'ustack', context: PassContext): Typing {
  const fail = (message: string): void => context.report(error('stack-call', node.span, message));
  let mode = context.config.stack_mode as StackMode;
  let limit = DEFAULT_STACK_LIMIT;
  const args = [...node.args];
  if (args.length > 2) {
    fail('Invalid number of arguments');
  } else {
    const [first] = args;
    if (first?.kind === 'identifier') {
      const found = CONFIG.stack_mode.choices.find((name) => name === first.name);
      if (found === undefined) context.report(error('stack-mode', first.span, unknownMode(node.name)));
      else mode = found;
      args.shift();
    } else if (args.length === 2) {
      fail('Expected stack mode as first argument');
      args.shift();
    }
    const [count] = args;
    if (count?.kind === 'integer') limit = Number(count.value);
    else if (count !== undefined) fail(`${node.name}: invalid limit value`);
  }
  if (limit > MAX_STACK_LIMIT) {
    fail(`${node.name}([int limit]): limit shouldn't exceed ${MAX_STACK_LIMIT}, ${limit} given`);
  }
  if (mode === 'build_id' && kind === 'kstack') fail("'build_id' stack mode can only be used for ustack");
  return typing({ kind, mode, limit });
}

function unknownMode(name: string): string {
  return `Error parsing stack mode: ${name}: ${CONFIG.stack_mode.problem}`;
}
