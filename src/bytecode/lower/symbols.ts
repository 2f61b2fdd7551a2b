import type { Value } from '../ir/ir.ts';
import type { Lowerer } from './lowerer.ts';
import type { Operand } from './operand.ts';

/** A user address with what is needed to find its symbol later. */
export function userSymbol(l: Lowerer, address: Value): Operand {
  const { b } = l;
  return {
    kind: 'producer',
    write: (to) => {
      b.store(to.base, to.offset, 8, address);
      b.store(to.base, to.offset + 8, 4, b.alu('rsh', b.call('get_current_pid_tgid'), 32));
      b.store(to.base, to.offset + 12, 4, l.origin.attachment);
    },
  };
}
