import type { Type } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import type { Slot, Value } from '../ir/ir.ts';
import type { Span } from '../../source/source.ts';
import { reportMissing } from './events.ts';
import { countUp, leaveWhen, when } from './flow.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf } from './memory.ts';
import type { Place } from './operand.ts';

/** Reads an aggregation as an integer: combines the elements of all CPUs in a bounded loop. `span`: where a missing element is reported. */
export function aggregateOverCpus(l: Lowerer, type: Type, map: number, key: Place, span?: Span): Value {
  const { b } = l;
  const first = b.slot('first', 8);
  const second = b.slot('second', 8);
  for (const slot of [first, second]) b.store(slot, 0, 8, 0);
  const addTo = (sum: Slot, value: Value): void => b.store(sum, 0, 8, b.add(b.load(sum, 0, 8), value));
  const found = countUp(b, l.unit.typed.target.cpus, (cpu, leave) => {
    const element = b.call('map_lookup_percpu_elem', b.map(map), addressOf(b, key), cpu);
    leaveWhen(b, 'jeq', element, 0, leave);
    const value = b.load(element, 0, 8);
    switch (type.kind) {
      case 'count':
      case 'sum':
        return addTo(first, value);
      case 'avg':
        addTo(first, value);
        return addTo(second, b.load(element, 8, 8));
      case 'min':
      case 'max': {
        const [better, next] = [b.newBlock(), b.newBlock()];
        leaveWhen(b, 'jeq', b.load(element, 8, 8), 0, next);
        leaveWhen(b, 'jeq', b.load(second, 0, 8), 0, better);
        const jump = type.kind === 'max' ? (type.signed ? 'jsgt' : 'jgt') : type.signed ? 'jslt' : 'jlt';
        b.branch(jump, value, b.load(first, 0, 8), better, next);
        b.enter(better);
        b.store(first, 0, 8, value);
        b.store(second, 0, 8, 1);
        b.jump(next);
        return b.enter(next);
      }
      default:
        return bug(`a ${type.kind} is not read as an integer`);
    }
  });
  if (span !== undefined) when(b, 'jeq', found, 0, () => reportMissing(l, span, 'map_lookup_percpu_elem'));
  const total = b.load(first, 0, 8);
  if (type.kind !== 'avg') return total;
  // The kernel's division by zero yields zero: an element that does not exist has an average of 0.
  return b.alu(type.signed ? 'sdiv' : 'div', total, b.load(second, 0, 8));
}
