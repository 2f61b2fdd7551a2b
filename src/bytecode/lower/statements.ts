import type { Assignment, Statement, VariableDeclaration } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import { bug } from '../../source/bug.ts';
import type { Lowerer } from './lowerer.ts';
import { hasParts, mapSymbol } from './map-access.ts';
import { assignMap } from './map-updates.ts';
import { loadScalar, materialize, storeOperand, storeScalar, zero } from './memory.ts';
import { scalarShape } from './operand.ts';
import { arithmetic, compoundOperator } from './operators.ts';
import { lowerFor, lowerUnroll, lowerWhile } from './loops.ts';

export function lowerStatement(l: Lowerer, node: Statement): void {
  switch (node.kind) {
    case 'expression_statement':
      discard(l, node.expression);
      return;
    case 'assignment':
      return lowerAssignment(l, node);
    case 'variable_declaration':
      return lowerDeclaration(l, node);
    case 'import':
      return;
    case 'unroll':
      return lowerUnroll(l, node);
    case 'while':
      return lowerWhile(l, node);
    case 'for':
      return lowerFor(l, node);
    case 'jump': {
      if (node.jump === 'return') {
        l.onReturn(node.value === undefined ? undefined : l.value(node.value));
        return;
      }
      const loop = l.loops[l.loops.length - 1] ?? bug(`${node.jump} outside a loop`);
      if (node.jump === 'break') loop.onBreak();
      else loop.onContinue();
      return;
    }
    case 'block':
      return l.statements(node.statements);
  }
}

/** Evaluates for its effects. A value that nobody makes has none. */
function discard(l: Lowerer, node: Parameters<Lowerer['expression']>[0]): void {
  // A histogram and the like have no value that a program could read: its key may still have effects.
  if (node.kind === 'map' && hasParts(mapSymbol(l, node).value)) return;
  if (node.kind === 'map_access' && hasParts(mapSymbol(l, node.map).value)) return discard(l, node.key);
  l.expression(node);
}

function lowerDeclaration(l: Lowerer, node: VariableDeclaration): void {
  const symbol = l.symbol(node.variable);
  const place = l.declare(symbol);
  if (node.value === undefined) zero(l.b, place, Math.max(1, sizeOf(symbol.type)));
  else l.storeTo(node.value, place, 'exact');
}

function lowerAssignment(l: Lowerer, node: Assignment): void {
  const { target } = node;
  const { b } = l;
  switch (target.kind) {
    case 'discard':
      return discard(l, node.value);
    case 'map':
    case 'map_access':
      return assignMap(l, node, target);
    case 'variable': {
      const symbol = l.symbol(target);
      const place = l.variable(symbol);
      const operator = compoundOperator(node.operator);
      if (operator === undefined) {
        const type = l.typeOf(node.value);
        const operand = l.expression(node.value);
        // What reads the variable itself must not see it half written.
        const whole =
          operand.kind === 'producer' && mentions(node.value, target.name)
            ? { kind: 'place' as const, place: materialize(b, type, operand) }
            : operand;
        storeOperand(b, place, type, whole, 'exact');
        return;
      }
      if (scalarShape(symbol.type) === undefined) bug(`${node.operator} on a ${symbol.type.kind}`);
      const right = l.value(node.value);
      const left = loadScalar(b, place, symbol.type);
      const step = symbol.type.kind === 'pointer' ? b.alu('mul', right, Math.max(1, sizeOf(symbol.type.to))) : right;
      const size = sizeOf(symbol.type);
      storeScalar(b, place, symbol.type, arithmetic(l, operator, { left, right: step, size }, symbol.type, node.span));
      return;
    }
  }
}

function mentions(node: unknown, name: string): boolean {
  if (typeof node !== 'object' || node === null) return false;
  if ('kind' in node && node.kind === 'variable' && 'name' in node && node.name === name) return true;
  return Object.entries(node).some(([key, value]) => key !== 'span' && !key.endsWith('Span') && mentions(value, name));
}
