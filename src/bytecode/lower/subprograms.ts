import type { Call } from '../../ast/nodes.ts';
import type { TypedSubprogram } from '../../lang/typed-program.ts';
import { sizeOf } from '../../lang/layout.ts';
import { typeName } from '../../lang/type-name.ts';
import { bug } from '../../source/bug.ts';
import type { IrFunction, Value } from '../ir/ir.ts';
import { expressionAt } from './arguments.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, copy, storeScalar } from './memory.ts';
import { type Operand, NONE, scalar, scalarShape } from './operand.ts';
import { unsupported } from './unsupported.ts';

/** Arguments of eBPF functions are registers; where there are more than these, the last register leads to the others. */
const MOST_ARGUMENTS = 5;
const WORD = 8;

/** Calls a function of the script; each program gets its own copy. */
export function callSubprogram(l: Lowerer, node: Call): Operand {
  const subprogram = l.unit.typed.subprograms.find((candidate) => candidate.name === node.name);
  if (subprogram === undefined) return bug(`unknown function ${node.name}`);
  const { returns } = subprogram;
  if (returns.kind !== 'void' && scalarShape(returns) === undefined)
    return unsupported(l, node.span, `functions that return ${typeName(returns)}`);
  // What is no register value goes by its address, and the function takes a copy.
  const values = subprogram.parameters.map(({ type }, index) => {
    const argument = expressionAt(node, index);
    return scalarShape(type) === undefined ? addressOf(l.b, l.place(argument)) : l.value(argument);
  });
  const result = l.b.callFunction(bodyOf(l, subprogram), inRegisters(l, values));
  return returns.kind === 'void' ? NONE : scalar(result);
}

const fitsRegisters = (count: number): boolean => count <= MOST_ARGUMENTS;

function inRegisters(l: Lowerer, values: readonly Value[]): readonly Value[] {
  if (fitsRegisters(values.length)) return values;
  const { b } = l;
  const others = values.slice(MOST_ARGUMENTS - 1);
  const block = b.slot('more_arguments', others.length * WORD);
  others.forEach((value, index) => b.store(block, index * WORD, WORD, value));
  return [...values.slice(0, MOST_ARGUMENTS - 1), b.slotAddress(block)];
}

/** The value of a parameter, in the function. */
function parameterValue(inner: Lowerer, count: number, index: number): Value {
  const { b } = inner;
  if (fitsRegisters(count) || index < MOST_ARGUMENTS - 1) return b.param(index);
  return b.load(b.param(MOST_ARGUMENTS - 1), (index - MOST_ARGUMENTS + 1) * WORD, WORD);
}

function bodyOf(l: Lowerer, subprogram: TypedSubprogram): IrFunction {
  const name = `fn_${subprogram.name}`;
  const known = l.origin.functions.find((fn) => fn.name === name);
  if (known !== undefined) return known;
  const count = subprogram.parameters.length;
  const inner = l.nested(name, Math.min(count, MOST_ARGUMENTS));
  subprogram.parameters.forEach((parameter, index) => {
    const { type } = parameter;
    const [to, given] = [inner.declare(parameter), parameterValue(inner, count, index)];
    if (scalarShape(type) !== undefined) storeScalar(inner.b, to, type, given);
    else copy(inner.b, to, { base: given, offset: 0 }, sizeOf(type));
  });
  inner.onReturn = (value) => inner.b.return(value ?? 0);
  inner.statement(subprogram.declaration.body);
  inner.b.return(0);
  return inner.b.fn;
}
