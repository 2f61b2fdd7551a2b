import type { Call } from '../../ast/nodes.ts';
import type { TypedSubprogram } from '../../lang/typed-program.ts';
import { bug } from '../../source/bug.ts';
import type { IrFunction } from '../ir/ir.ts';
import { expressionAt } from './calls.ts';
import type { Lowerer } from './lowerer.ts';
import { storeScalar } from './memory.ts';
import { type Operand, NONE, scalar, scalarShape } from './operand.ts';
import { unsupported } from './unsupported.ts';

/** Arguments of eBPF functions are registers. */
const MOST_ARGUMENTS = 5;

/** Calls a function of the script; each program gets its own copy. */
export function callSubprogram(l: Lowerer, node: Call): Operand {
  const subprogram = l.unit.typed.subprograms.find((candidate) => candidate.name === node.name);
  if (subprogram === undefined) return bug(`unknown function ${node.name}`);
  const types = [...subprogram.parameters.map((parameter) => parameter.type)];
  const fits = types.length <= MOST_ARGUMENTS && types.every((type) => scalarShape(type) !== undefined);
  if (!fits) return unsupported(l, node.span, 'such arguments of a function');
  const args = types.map((_, index) => l.value(expressionAt(node, index)));
  const result = l.b.callFunction(bodyOf(l, subprogram), args);
  return subprogram.returns.kind === 'void' ? NONE : scalar(result);
}

function bodyOf(l: Lowerer, subprogram: TypedSubprogram): IrFunction {
  const name = `fn_${subprogram.name}`;
  const known = l.origin.functions.find((fn) => fn.name === name);
  if (known !== undefined) return known;
  const inner = l.nested(name, subprogram.parameters.length);
  subprogram.parameters.forEach((parameter, index) => {
    storeScalar(inner.b, inner.declare(parameter), parameter.type, inner.b.param(index));
  });
  inner.onReturn = (value) => inner.b.return(value ?? 0);
  inner.statement(subprogram.declaration.body);
  inner.b.return(0);
  return inner.b.fn;
}
