import type { Value } from '../ir/ir.ts';
import type { Lowerer } from './lowerer.ts';
import { storeWords } from './memory.ts';
import type { Operand } from './operand.ts';

/** A user address with what is needed to find its symbol later. */
export function userSymbol(l: Lowerer, address: Value): Operand {
  const { b } = l;
  return {
    kind: 'producer',
    write: (to) =>
      storeWords(b, to, [
        { size: 8, value: address },
        { size: 4, value: b.alu('rsh', b.call('get_current_pid_tgid'), 32) },
        { size: 4, value: b.const(l.origin.attachment) },
      ]),
  };
}
