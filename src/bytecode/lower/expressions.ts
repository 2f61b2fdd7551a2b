import type { BlockExpression, Cast, Expression, Identifier, If, RecordLiteral, Tuple } from '../../ast/nodes.ts';
import { isBuiltin } from '../../lang/builtins.ts';
import { aggregateLayout, sizeOf } from '../../lang/layout.ts';
import type { Type } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import { lowerBuiltin } from './builtins.ts';
import { lowerCall } from './calls.ts';
import { lowerField, lowerIndex, lowerTupleAccess } from './fields.ts';
import type { Lowerer } from './lowerer.ts';
import { hasParts, mapSymbol, paddingOf, readMap, mapKey, lookup, mapTarget } from './map-access.ts';
import { addressOf, asValue, copy, loadScalar, materialize, storeBytes, storeOperand, zero } from './memory.ts';
import { type Operand, type Place, NONE, at, scalar, scalarShape } from './operand.ts';
import { fitTo, lowerBinary, lowerTernary, lowerUnary } from './operators.ts';
import { literalBytes } from './strings.ts';

export function lowerExpression(l: Lowerer, node: Expression): Operand {
  const { b } = l;
  switch (node.kind) {
    case 'integer':
      return scalar(b.const(node.value));
    case 'boolean':
      return scalar(b.const(node.value));
    case 'string':
      return stringLiteral(l, node.value, l.typeOf(node));
    case 'identifier':
      if (isBuiltin(node.name)) return lowerBuiltin(l, node, node.name);
      return enumerator(l, node);
    case 'variable': {
      const type = l.typeOf(node);
      const place = l.variable(l.symbol(node));
      return scalarShape(type) === undefined ? { kind: 'place', place } : scalar(loadScalar(b, place, type));
    }
    case 'map':
    case 'map_access':
      return readMap(l, node);
    case 'call':
      return lowerCall(l, node);
    case 'unary':
      return deref(l, lowerUnary(l, node), l.typeOf(node));
    case 'binary':
      return lowerBinary(l, node);
    case 'ternary':
      return lowerTernary(l, node);
    case 'if':
      return lowerIf(l, node);
    case 'field':
      return lowerField(l, node);
    case 'index':
      return lowerIndex(l, node);
    case 'tuple_access':
      return lowerTupleAccess(l, node);
    case 'cast':
      return lowerCast(l, node);
    case 'tuple':
      return elements(l, node, node.elements);
    case 'record':
      return elements(
        l,
        node,
        node.fields.map((field) => field.value),
      );
    case 'address_of':
      return addressOperator(l, node.operand);
    case 'block_expression':
      return lowerBlockExpression(l, node);
    case 'comptime':
      return l.expression(node.operand);
    case 'positional':
    case 'positional_count':
    case 'sizeof':
    case 'offsetof':
    case 'typeof':
    case 'typeinfo':
      return bug(`${node.kind} is folded before code generation`);
  }
}

/** A member of an enum, of the script's own first. */
function enumerator(l: Lowerer, node: Identifier): Operand {
  const type = l.typeOf(node);
  const own = type.kind === 'enum' ? type.enum.values.find((member) => member.name === node.name) : undefined;
  const found = own ?? l.unit.typed.target.types.enumerator(node.name) ?? bug(`unknown word ${node.name}`);
  return scalar(l.b.const(found.value));
}

/** `*p` of a register type reads it. */
function deref(l: Lowerer, operand: Operand, type: Type): Operand {
  if (operand.kind !== 'remote' || scalarShape(type) === undefined) return operand;
  return scalar(asValue(l.b, type, operand));
}

function stringLiteral(l: Lowerer, text: string, type: Type): Operand {
  const bytes = literalBytes(text);
  return {
    kind: 'producer',
    write: (to, filling) => storeBytes(l.b, to, bytes, sizeOf(type), filling),
  };
}

/** A tuple's or record's elements, each evaluated in order and written to its place. */
function elements(l: Lowerer, node: Tuple | RecordLiteral, values: readonly Expression[]): Operand {
  const types = values.map((value) => l.typeOf(value));
  const operands = values.map((value) => l.expression(value));
  const { offsets } = aggregateLayout(types);
  return {
    kind: 'producer',
    write: (to) => {
      for (const hole of paddingOf(types)) zero(l.b, at(to, hole.offset), hole.size);
      operands.forEach((operand, index) => {
        const place = at(to, offsets[index]!);
        storeOperand(l.b, place, types[index]!, operand, 'exact');
      });
    },
  };
}

/** `if` as a statement or as a value. */
function lowerIf(l: Lowerer, node: If): Operand {
  const { b } = l;
  const type = l.unit.typed.types.get(node);
  const wanted = type !== undefined && type.kind !== 'void' && node.otherwise !== undefined ? type : undefined;
  const result: Place | undefined =
    wanted === undefined ? undefined : { base: b.slot('if', Math.max(1, sizeOf(wanted))), offset: 0 };
  const [yes, no, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
  l.condition(node.condition, yes, no);
  const branch = (body: Expression | undefined): void => {
    if (body !== undefined) {
      const operand = l.expression(body);
      if (result !== undefined && operand.kind !== 'none') storeOperand(b, result, wanted!, operand, 'exact');
    }
    b.jump(done);
  };
  b.enter(yes);
  branch(node.then);
  b.enter(no);
  branch(node.otherwise);
  b.enter(done);
  if (result === undefined) return NONE;
  return scalarShape(wanted!) === undefined ? { kind: 'place', place: result } : scalar(loadScalar(b, result, wanted!));
}

function lowerBlockExpression(l: Lowerer, node: BlockExpression): Operand {
  l.statements(node.statements);
  return node.result === undefined ? NONE : l.expression(node.result);
}

/** Memory of the program as an address: pointers to a copy for what has no place of its own. */
function addressOperator(l: Lowerer, node: Expression): Operand {
  const { b } = l;
  if (node.kind === 'variable') return scalar(addressOf(b, l.variable(l.symbol(node))));
  if (node.kind === 'map' && mapSymbol(l, node).key !== undefined) return scalar(b.map(l.unit.mapIndex(node.name)));
  if (node.kind === 'map' || node.kind === 'map_access') {
    const { ref, key } = mapTarget(node);
    if (hasParts(mapSymbol(l, ref).value)) return readMap(l, node);
    return scalar(lookup(l, l.unit.mapIndex(ref.name), mapKey(l, mapSymbol(l, ref), key)));
  }
  const operand = l.expression(node);
  if (operand.kind === 'remote') return scalar(b.add(operand.pointer, operand.offset));
  return scalar(addressOf(b, materialize(b, l.typeOf(node), operand)));
}

function lowerCast(l: Lowerer, node: Cast): Operand {
  const { b } = l;
  const to = l.typeOf(node);
  const from = l.typeOf(node.operand);
  if (to.kind === 'bool') {
    // Text is true unless it is empty.
    if (from.kind === 'string') {
      const text = l.place(node.operand);
      return scalar(b.compare('jne', b.load(text.base, text.offset, 1), 0));
    }
    return scalar(b.compare('jne', l.value(node.operand), 0));
  }
  if (scalarShape(to) !== undefined) {
    // An address has no sign: of a negative number the bits of its own width are taken.
    if (to.kind === 'pointer' && from.kind === 'int' && from.signed && from.size < 8) {
      return scalar(b.extend(l.value(node.operand), (from.size * 8) as 8 | 16 | 32, false));
    }
    if (scalarShape(from) !== undefined) return scalar(fitTo(l, l.value(node.operand), to));
    // Bytes read as a number: an array or a string of up to 8.
    const whole: Place = { base: b.slot('cast', 8), offset: 0 };
    const size = Math.min(8, sizeOf(from));
    b.store(whole.base, 0, 8, 0);
    copy(b, whole, l.place(node.operand), size);
    return scalar(loadScalar(b, whole, to));
  }
  const operand = l.expression(node.operand);
  const [fromSize, toSize] = [sizeOf(from), sizeOf(to)];
  if (fromSize === toSize && operand.kind !== 'scalar') return operand;
  return {
    kind: 'producer',
    write: (place, filling) => {
      if (fromSize <= toSize) {
        storeOperand(b, place, from, operand, filling);
        if (fromSize < toSize && filling === 'exact') zero(b, at(place, fromSize), toSize - fromSize);
        return;
      }
      copy(b, place, materialize(b, from, operand), toSize);
      // A string that was cut short still ends.
      if (to.kind === 'string') b.store(place.base, place.offset + toSize - 1, 1, 0);
    },
  };
}
