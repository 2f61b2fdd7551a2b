import type { Call } from '../../ast/nodes.ts';
import type { AttachTarget } from '../../lang/attach-target.ts';
import { type UserFile, usdtPlaces } from '../../lang/target.ts';
import { bug } from '../../source/bug.ts';
import { text } from './arguments.ts';
import { abiOf, context, contextWord } from './builtins.ts';
import type { Lowerer } from './lowerer.ts';
import { type Operand, scalar } from './operand.ts';
import { unsupported } from './unsupported.ts';

/**
 * uaddr(): where a symbol of the probed file is in the process. The probe itself is at a known distance from it, wherever
 * the file was loaded.
 */
export function lowerUserAddress(l: Lowerer, node: Call): Operand {
  const { b } = l;
  const { attach } = l.origin.probe ?? bug('uaddr() outside a probe');
  if (!('path' in attach)) return bug(`uaddr() in a ${attach.kind} probe`);
  const file = l.unit.typed.target.userFile(attach.path);
  const name = text(node, 0);
  const symbol = [...(file?.variables ?? []), ...(file?.symbols ?? [])].find((row) => row.name === name);
  if (file === undefined || symbol === undefined) return bug(`uaddr() of ${name}, which was not looked up`);
  const here = probedAddress(attach, file);
  if (here === undefined) return unsupported(l, node.span, 'uaddr() where a probe has several places');
  // Behind a return the instruction pointer is the caller's.
  const now = attach.kind === 'uretprobe' ? b.call('get_func_ip', context(l)) : contextWord(l, abiOf(l).ip);
  return scalar(b.add(now, symbol.address - here));
}

/** Where the file itself says the probe is. */
function probedAddress(attach: AttachTarget, file: UserFile): number | undefined {
  switch (attach.kind) {
    case 'uprobe':
    case 'uretprobe': {
      if (attach.address !== undefined) return Number(attach.address);
      const probed = file.symbols.find(({ name }) => name === attach.function);
      return probed === undefined ? undefined : probed.address + attach.offset;
    }
    case 'usdt': {
      const places = usdtPlaces(file, attach.provider, attach.name);
      return places.length === 1 ? places[0]!.address : undefined;
    }
    default:
      return undefined;
  }
}
