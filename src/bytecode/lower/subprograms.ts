import type { Call } from '../../ast/nodes.ts';
import type { TypedSubprogram } from '../../lang/typed-program.ts';
import { sizeOf } from '../../lang/layout.ts';
import { bug } from '../../source/bug.ts';
import type { IrFunction } from '../ir/ir.ts';
import { expressionAt } from './arguments.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, copy, storeScalar } from './memory.ts';
import { type Operand, NONE, scalar, scalarShape } from './operand.ts';
import { unsupported } from './unsupported.ts';

/** Arguments of eBPF functions are registers. */
const MOST_ARGUMENTS = 5;

/** Calls a function of the script; each program gets its own copy. */
export function callSubprogram(l: Lowerer, node: Call): Operand {
  const subprogram = l.unit.typed.subprograms.find((candidate) => candidate.name === node.name);
  if (subprogram === undefined) return bug(`unknown function ${node.name}`);
  const types = [...subprogram.parameters.map((parameter) => parameter.type)];
  if (types.length > MOST_ARGUMENTS)
    return unsupported(l, node.span, `more than ${MOST_ARGUMENTS} arguments of a function`);
  // What is no register value goes by its address, and the function takes a copy.
  const args = types.map((type, index) => {
    const argument = expressionAt(node, index);
    return scalarShape(type) === undefined ? addressOf(l.b, l.place(argument)) : l.value(argument);
  });
  const result = l.b.callFunction(bodyOf(l, subprogram), args);
  return subprogram.returns.kind === 'void' ? NONE : scalar(result);
}

function bodyOf(l: Lowerer, subprogram: TypedSubprogram): IrFunction {
  const name = `fn_${subprogram.name}`;
  const known = l.origin.functions.find((fn) => fn.name === name);
  if (known !== undefined) return known;
  const inner = l.nested(name, subprogram.parameters.length);
  subprogram.parameters.forEach((parameter, index) => {
    const { type } = parameter;
    const [to, given] = [inner.declare(parameter), inner.b.param(index)];
    if (scalarShape(type) !== undefined) storeScalar(inner.b, to, type, given);
    else copy(inner.b, to, { base: given, offset: 0 }, sizeOf(type));
  });
  inner.onReturn = (value) => inner.b.return(value ?? 0);
  inner.statement(subprogram.declaration.body);
  inner.b.return(0);
  return inner.b.fn;
}
