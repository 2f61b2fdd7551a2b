import type { Cast, Expression, For, Jump, MapAccess, MapRef, Node, Program, Statement } from '../../ast/nodes.ts';
import { BUILTINS, isBuiltin } from '../../lang/builtins.ts';
import type { BuiltinRow } from '../../lang/builtins.ts';
import { functionRow, takesMap, takesMode } from '../../lang/functions.ts';
import { typeName } from '../../lang/type-name.ts';
import type { Type } from '../../lang/types.ts';
import type { PassContext } from '../context.ts';
import { error, warning } from '../messages.ts';
import { forEachChild, walk } from '../rewrite.ts';
import type { Span } from '../../source/source.ts';
import { checkCast } from './check-cast.ts';
import { checkCallTypes } from './check-call.ts';
import { checkMapDeclaration, checkMapType, warnUnusedDeclarations } from './check-maps.ts';
import type { Inference } from './infer.ts';
import { isMultiValue, isPerCpu, isInteger } from './typing.ts';
import type { Checking } from './checking.ts';
import { typingOf } from './checking.ts';
import { checkBinary, checkCondition, checkIndex, checkOperand, checkTupleAccess } from './check-operators.ts';

/** The last word on types: everything has one, and operators, calls, keys and casts accept theirs. */
export function checkTypes(program: Program, inference: Inference, context: PassContext): void {
  const declarations = new Map(program.mapDeclarations.map((node) => [node.map.name, node]));
  const checking: Checking = {
    inference,
    context,
    usedMaps: new Set(),
    declarations,
    top: undefined,
    loops: 0,
    last: new WeakSet(),
  };
  for (const declaration of program.mapDeclarations) checkMapDeclaration(declaration, context);
  for (const top of [...program.subprograms, ...program.probes]) {
    checking.top = top;
    endsBlock(top.body, checking);
    for (const child of top.kind === 'probe' ? [top.predicate, top.body] : [top.body]) {
      if (child !== undefined) visit(child, checking);
    }
    if (top.kind === 'probe' && top.predicate !== undefined) {
      checkCondition(top.predicate, top.predicateSpan ?? top.predicate.span, checking);
    }
  }
  warnUnusedDeclarations(program, checking);
}

function visit(node: Node, checking: Checking): void {
  const { context } = checking;
  const children = (): void => forEachChild(node, (child) => visit(child, checking));
  switch (node.kind) {
    case 'identifier':
      if (typingOf(node, checking) === undefined && !isBuiltin(node.name)) {
        context.report(error('unknown-identifier', node.span, `Unknown identifier: '${node.name}'`));
      }
      return;
    case 'call': {
      const modes = takesMode(node.name);
      for (const [index, argument] of node.args.entries()) {
        if (argument.kind === 'identifier' && modes && !isBuiltin(argument.name)) continue;
        if (index === 0 && argument.kind === 'map' && takesMap(node.name)) checkMap(argument, checking);
        else visit(argument, checking);
      }
      checkCallTypes(node, checking);
      return;
    }
    case 'map':
      checkMap(node, checking);
      return;
    case 'map_access':
      checkMap(node.map, checking);
      visit(node.key, checking);
      checkKey(node, checking);
      return;
    case 'address_of':
      checkAddress(node, checking);
      return;
    case 'variable':
      if (typingOf(node, checking) === undefined) {
        context.report(error('untyped', node.span, 'Could not resolve the type of this variable'));
      }
      return;
    case 'unary':
      children();
      checkOperand(node.operand, checking);
      return;
    case 'index':
      children();
      checkOperand(node.base, checking);
      checkOperand(node.index, checking);
      checkIndex(node, checking);
      return;
    case 'tuple_access':
      children();
      checkTupleAccess(node, checking);
      return;
    case 'binary':
      children();
      checkOperand(node.left, checking);
      checkOperand(node.right, checking);
      checkBinary(node, checking);
      return;
    case 'if':
    case 'ternary':
      children();
      checkCondition(node.condition, node.span, checking);
      return;
    case 'jump':
      children();
      checkReturn(node, checking);
      return;
    case 'while':
      visit(node.condition, checking);
      checkOperand(node.condition, checking);
      // bpftrace looks for no mistake here, and then has no code for it.
      if (typingOf(node.condition, checking) !== undefined)
        checkCondition(node.condition, node.condition.span, checking);
      inLoop(node.body, checking);
      return;
    case 'for':
      visitFor(node, checking);
      return;
    case 'field':
      children();
      checkCommonField(node, checking);
      return;
    case 'cast':
      visit((node satisfies Cast).operand, checking);
      checkCast(node, checking);
      return;
    case 'tuple':
      children();
      for (const element of node.elements) checkElement(element, 'tuple', checking);
      return;
    case 'record':
      children();
      for (const field of node.fields) checkElement(field.value, 'record', checking);
      return;
    case 'expression_statement':
      children();
      checkDiscarded(node, checking);
      return;
    case 'assignment':
      if (node.target.kind !== 'variable') visit(node.target, checking);
      visit(node.value, checking);
      if (node.target.kind === 'variable' && typingOf(node.target, checking) === undefined) {
        context.report(error('untyped', node.span, 'Invalid expression for assignment'));
      }
      return;
    case 'variable_declaration':
      if (node.value !== undefined) visit(node.value, checking);
      checkDeclaration(node, checking);
      return;
    default:
      children();
  }
}

function checkAddress(node: Extract<Node, { kind: 'address_of' }>, checking: Checking): void {
  if (node.operand.kind === 'variable') {
    if (typingOf(node.operand, checking) !== undefined) return;
    const text = `No type available for variable $${node.operand.name}`;
    checking.context.report(error('untyped', node.span, text));
  } else visit(node.operand, checking);
}

/** Bodies of probes, functions and loops are no values, nor are blocks and branches at their end; others may be. */
function endsBlock(node: Node, checking: Checking): void {
  switch (node.kind) {
    case 'block':
    case 'block_expression': {
      const last = node.statements.at(-1);
      if (last === undefined) return;
      checking.last.add(last);
      endsBlock(last, checking);
      return;
    }
    case 'expression_statement':
      endsBlock(node.expression, checking);
      return;
    case 'if':
      endsBlock(node.then, checking);
      if (node.otherwise !== undefined) endsBlock(node.otherwise, checking);
      return;
    default:
  }
}

function inLoop(body: Statement, checking: Checking): void {
  endsBlock(body, checking);
  checking.loops += 1;
  visit(body, checking);
  checking.loops -= 1;
}

function visitFor(node: For, checking: Checking): void {
  visit(node.iterable, checking);
  inLoop(node.body, checking);
  // A loop's body may become a callback, which does not get the probe's context.
  walk(node.body, (child) => {
    if (child.kind === 'call' && functionRow(child.name)?.context === true) {
      const text = `'${child.name}' builtin is not allowed in a for-loop`;
      checking.context.report(error('context-in-loop', child.span, text));
    }
    if (child.kind !== 'identifier' || !isBuiltin(child.name)) return;
    const row: BuiltinRow = BUILTINS[child.name];
    if (row.context === true) {
      const text = `'${child.name}' builtin is not allowed in a for-loop`;
      checking.context.report(error('context-in-loop', child.span, text));
    }
  });
}

function checkMap(map: MapRef, checking: Checking): void {
  checking.usedMaps.add(map.name);
  checkMapType(map, checking);
}

function checkKey(node: MapAccess, checking: Checking): void {
  const report = (message: string): void => checking.context.report(error('bad-key', node.key.span, message));
  const key = typingOf(node.key, checking);
  if (key === undefined || key.type.kind === 'void') {
    report(`Invalid map key type: ${key === undefined ? 'none' : 'void'}`);
    return;
  }
  if (key.type.kind === 'pointer' && key.context === true) report('context cannot be part of a map key');
  const parts: readonly Type[] = key.type.kind === 'tuple' ? [key.type, ...key.type.elements] : [key.type];
  for (const part of parts) if (isMultiValue(part)) report(`${typeName(part)} cannot be part of a map key`);
}

function checkReturn(node: Jump, checking: Checking): void {
  if (node.jump !== 'return' || node.value === undefined || checking.top?.kind !== 'probe') return;
  const type = typingOf(node.value, checking)?.type;
  if (type !== undefined && isInteger(type)) return;
  const text = `Probe return values can only be integers. Found ${type === undefined ? 'none' : typeName(type)}`;
  checking.context.report(error('return-value', node.span, text));
}

const COMMON_FIELDS_BITS = 64;

/** The kernel does not let programs read what every tracepoint's record starts with. */
function checkCommonField(node: Extract<Node, { kind: 'field' }>, checking: Checking): void {
  if (node.base.kind !== 'identifier' || node.base.name !== 'args') return;
  const base = typingOf(node.base, checking);
  if (base?.type.kind !== 'c_struct' || base.parameters === true) return;
  const member = base.type.struct.members.find((candidate) => candidate.name === node.field);
  if (member === undefined || member.offsetBits >= COMMON_FIELDS_BITS) return;
  const text = 'BPF does not support accessing common tracepoint fields';
  checking.context.report(error('common-field', node.span, text));
}

function checkElement(element: Expression, place: 'tuple' | 'record', checking: Checking): void {
  const type = typingOf(element, checking)?.type;
  if (type === undefined) return;
  if (type.kind === 'void') {
    checking.context.report(error('no-value', element.span, `A value without a type cannot exist inside a ${place}.`));
  } else if (isMultiValue(type)) {
    const text = `Map type ${typeName(type)} cannot exist inside a ${place}.`;
    checking.context.report(error('map-type', element.span, text));
  }
}

function checkDiscarded(node: Extract<Node, { kind: 'expression_statement' }>, checking: Checking): void {
  const { expression } = node;
  if (expression.kind === 'unary' && (expression.operator === '++' || expression.operator === '--')) return;
  const type = typingOf(expression, checking)?.type;
  if (type === undefined || type.kind === 'void') return;
  // bpftrace's parser leaves the semicolon to the block whose value the expression would be.
  const span = checking.last.has(node) ? withoutSemicolon(node.span) : node.span;
  checking.context.report(warning('discarded', span, 'Return value discarded.'));
}

function withoutSemicolon(span: Span): Span {
  const text = span.source.text.slice(span.start, span.end);
  return { ...span, end: span.start + text.replace(/\s*;$/, '').length };
}

function checkDeclaration(node: Extract<Node, { kind: 'variable_declaration' }>, checking: Checking): void {
  if (node.type === undefined) return;
  const type = typingOf(node.type, checking)?.type;
  if (type === undefined) {
    checking.context.report(error('declared-type', node.type.span, 'Type cannot be resolved: still none'));
  } else if (isPerCpu(type) || type.kind === 'void') {
    const text = `Invalid variable declaration type: ${typeName(type)}`;
    checking.context.report(error('declared-type', node.type.span, text));
  }
}
