import type { Call, Expression } from '../../ast/nodes.ts';
import type { Value } from '../ir/ir.ts';
import { expressionAt, text } from './arguments.ts';
import { literalBytes } from './strings.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, asValue, materialize } from './memory.ts';
import { NONE, type Operand, scalarShape } from './operand.ts';
import { bug } from '../../source/bug.ts';

const argumentsOf = (node: Call): readonly Expression[] =>
  node.args.slice(1).map((_, index) => expressionAt(node, index + 1));

/** The format in read-only data, with its NUL, and its length. */
function formatOf(l: Lowerer, node: Call): { readonly at: Value; readonly size: number } {
  const bytes = literalBytes(text(node, 0) ?? bug(`${node.name} without a format`));
  const data = l.unit.readOnly(Uint8Array.of(...bytes, 0));
  return { at: l.b.mapValue(data.map, data.offset), size: bytes.length + 1 };
}

/**
 * What the kernel's formatter takes for an argument: text and other bytes by their address, integers as they lie in
 * memory: it knows nothing of their signs beyond their own width.
 */
function wordOf(l: Lowerer, node: Expression, operand: Operand): Value {
  const type = l.typeOf(node);
  const shape = scalarShape(type);
  if (shape === undefined) return addressOf(l.b, materialize(l.b, type, operand, 'text'));
  const value = asValue(l.b, type, operand);
  return shape.size === 8 ? value : l.b.extend(value, shape.size === 4 ? 32 : shape.size === 2 ? 16 : 8, false);
}

/** An iterator's printf() writes to the file that is being read: seq_printf() of the file in its context. */
export function printToSequence(l: Lowerer, node: Call, context: Value): Operand {
  const { b } = l;
  const args = argumentsOf(node);
  const words = args.map((arg) => wordOf(l, arg, l.expression(arg)));
  const size = 8 * words.length;
  const data = size === 0 ? undefined : b.slot('data', size);
  if (data !== undefined) words.forEach((word, index) => b.store(data, 8 * index, 8, word));
  const format = formatOf(l, node);
  const sequence = b.load(b.load(context, 0, 8, false, true), 0, 8);
  b.call('seq_printf', sequence, format.at, format.size, data === undefined ? 0 : b.slotAddress(data), size);
  return NONE;
}

/** debugf(): a line in the kernel's trace buffer. */
export function printToTrace(l: Lowerer, node: Call): Operand {
  const args = argumentsOf(node);
  const words = args.map((arg) => wordOf(l, arg, l.expression(arg)));
  const format = formatOf(l, node);
  l.b.call('trace_printk', format.at, format.size, ...words);
  return NONE;
}
