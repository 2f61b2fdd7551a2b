import type { Type } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import type { Value } from '../ir/ir.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf } from './memory.ts';
import type { Place } from './operand.ts';

/** Reads an aggregation as an integer: combines the elements of all CPUs in a bounded loop. */
export function aggregateOverCpus(l: Lowerer, type: Type, map: number, key: Place): Value {
  const { b } = l;
  const cpu = b.slot('cpu', 8);
  const first = b.slot('first', 8);
  const second = b.slot('second', 8);
  const [head, body, found, step, done] = Array.from({ length: 5 }, () => b.newBlock());
  for (const slot of [cpu, first, second]) b.store(slot, 0, 8, 0);
  b.jump(head!);
  b.enter(head!);
  const i = b.load(cpu, 0, 8);
  b.branch('jlt', i, l.unit.typed.target.cpus, body!, done!);
  b.enter(body!);
  const element = b.call('map_lookup_percpu_elem', b.map(map), addressOf(b, key), i);
  b.branch('jeq', element, 0, done!, found!);
  b.enter(found!);
  const value = b.load(element, 0, 8);
  switch (type.kind) {
    case 'count':
    case 'sum':
      b.store(first, 0, 8, b.add(b.load(first, 0, 8), value));
      break;
    case 'avg':
      b.store(first, 0, 8, b.add(b.load(first, 0, 8), value));
      b.store(second, 0, 8, b.add(b.load(second, 0, 8), b.load(element, 8, 8)));
      break;
    case 'min':
    case 'max': {
      const [isSet, better, compare] = [b.newBlock(), b.newBlock(), b.newBlock()];
      b.branch('jeq', b.load(element, 8, 8), 0, step!, isSet);
      b.enter(isSet);
      b.branch('jeq', b.load(second, 0, 8), 0, better, compare);
      b.enter(compare);
      const jump = type.kind === 'max' ? (type.signed ? 'jsgt' : 'jgt') : type.signed ? 'jslt' : 'jlt';
      b.branch(jump, value, b.load(first, 0, 8), better, step!);
      b.enter(better);
      b.store(first, 0, 8, value);
      b.store(second, 0, 8, 1);
      break;
    }
    default:
      bug(`a ${type.kind} is not read as an integer`);
  }
  b.jump(step!);
  b.enter(step!);
  b.store(cpu, 0, 8, b.add(i, 1));
  b.jump(head!);
  b.enter(done!);
  const total = b.load(first, 0, 8);
  if (type.kind !== 'avg') return total;
  // The kernel's division by zero yields zero: an element that does not exist has an average of 0.
  return b.alu(type.signed ? 'sdiv' : 'div', total, b.load(second, 0, 8));
}
