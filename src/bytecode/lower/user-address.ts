import type { Call } from '../../ast/nodes.ts';
import { bug } from '../../source/bug.ts';
import { context, contextWord } from './builtins.ts';
import { X86_REGISTERS } from '../../lang/registers.ts';
import type { Lowerer } from './lowerer.ts';
import { type Operand, scalar } from './operand.ts';
import { unsupported } from './unsupported.ts';

/** The address of a symbol of the probed file: as far from the probed function as in the file, wherever that is loaded. */
export function userAddress(l: Lowerer, node: Call): Operand {
  const { b } = l;
  const attach = l.origin.probe?.attach;
  if (attach?.kind !== 'uprobe' && attach?.kind !== 'uretprobe') return unsupported(l, node.span, 'uaddr() here');
  const file = l.unit.typed.target.userFile(attach.path) ?? bug(`no file ${attach.path}`);
  const [name] = node.args;
  const symbols = [...file.variables, ...file.symbols];
  const wanted = symbols.find((row) => name?.kind === 'string' && row.name === name.value) ?? bug('no such symbol');
  const [first = attach.function, ...others] = attach.functions ?? [attach.function];
  const probed = file.symbols.find((row) => row.name === first);
  // Several functions are at several distances.
  if (probed === undefined || others.length > 0) return unsupported(l, node.span, 'uaddr() with several functions');
  const here = attach.kind === 'uretprobe' ? b.call('get_func_ip', context(l)) : contextWord(l, X86_REGISTERS.ip);
  return scalar(b.add(here, wanted.address - probed.address - attach.offset));
}
