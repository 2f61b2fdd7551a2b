import type { BlockExpression, Expression, FieldAccess } from '../../ast/nodes.ts';
import { literalBytes } from '../../lang/literal-bytes.ts';
import { BOOL, INT64, UINT64, VOID, intType } from '../../lang/types.ts';
import { assertNever } from '../../source/bug.ts';
import { integerNode } from '../literals.ts';
import { error } from '../messages.ts';
import { inferCall } from './infer-call.ts';
import { inferKey, inferKeyArgument } from './infer-statement.ts';
import type { Inference } from './infer.ts';
import { fieldTyping } from './fields.ts';
import { binaryTyping } from './operators.ts';
import { literalTyping, typing } from './typing.ts';
import { inferIdentifier } from './infer-identifier.ts';
import { hasFields, inferIntrospection, typeinfoType } from './infer-introspection.ts';
import { inferConditional } from './infer-conditional.ts';
import { inferIndex } from './infer-index.ts';
import { inferCast } from './infer-cast.ts';
import { inferUnary } from './infer-unary.ts';

/** Collects the rules of an expression and everything in it. */
export function inferExpression(inference: Inference, node: Expression): void {
  switch (node.kind) {
    case 'integer':
      inference.resolver.seed(node, literalTyping(node.value));
      return;
    case 'boolean':
      inference.seed(node, BOOL);
      return;
    case 'string':
      inference.seed(node, { kind: 'string', size: literalBytes(node.value).length + 1 }, 'kernel');
      return;
    case 'positional':
      inference.seed(node, INT64);
      return;
    case 'positional_count':
      inference.seed(node, UINT64);
      return;
    case 'identifier':
      inferIdentifier(inference, node);
      return;
    case 'variable':
      inference.variable(node);
      return;
    case 'map': {
      if (inference.context.maps.badScalar.has(node)) {
        const text =
          `@${node.name} used as a map without an explicit key (scalar map), ` +
          'previously used with an explicit key (non-scalar map)';
        inference.context.report(error('scalar-use', node.span, text));
        // A scalar map's key is an integer, which the keys used elsewhere may not agree with either.
        const key = integerNode(0n, node.span);
        inferExpression(inference, key);
        inferKeyArgument(inference, node, key, node);
        return;
      }
      inference.resolver.same(inference.mapUse(node).value, node);
      return;
    }
    case 'map_access': {
      const slots = inference.mapUse(node.map);
      inferExpression(inference, node.key);
      if (inference.context.maps.badKeyed.has(node.map)) {
        const text =
          `@${node.map.name} used as a map with an explicit key (non-scalar map), ` +
          'previously used without an explicit key (scalar map)';
        inference.context.report(error('keyed-use', node.span, text));
        return;
      }
      inferKey(inference, node);
      inference.resolver.same(slots.value, node);
      return;
    }
    case 'call':
      inferCall(inference, node);
      return;
    case 'unary':
      inferUnary(inference, node);
      return;
    case 'binary':
      inferExpression(inference, node.left);
      inferExpression(inference, node.right);
      inference.rule(node, [node.left, node.right], ([left, right]) =>
        binaryTyping(node, left!, right!, inference.context.report),
      );
      return;
    case 'ternary':
    case 'if':
      inferConditional(inference, node);
      return;
    case 'field':
      inferField(inference, node);
      return;
    case 'index':
      inferIndex(inference, node);
      return;
    case 'tuple_access':
      inferExpression(inference, node.base);
      inference.rule(node, [node.base], ([base]) => {
        const element = base!.type.kind === 'tuple' ? base!.type.elements[node.index] : undefined;
        return element === undefined ? undefined : typing(element);
      });
      return;
    case 'cast':
      inferCast(inference, node);
      return;
    case 'tuple':
      for (const element of node.elements) inferExpression(inference, element);
      // As in bpftrace, `()` is no value: none of its uses type-checks.
      if (node.elements.length === 0) inference.resolver.seed(node, typing(VOID));
      inference.rule(node, node.elements, (elements) =>
        typing({ kind: 'tuple', elements: elements.map((element) => element.type) }),
      );
      return;
    case 'record': {
      const values = node.fields.map((field) => field.value);
      for (const value of values) inferExpression(inference, value);
      inference.rule(node, values, (typings) => {
        const fields = node.fields.map((field, i) => ({ name: field.name, type: typings[i]!.type }));
        return typing({ kind: 'record', fields });
      });
      return;
    }
    case 'address_of':
      inferExpression(inference, node.operand);
      inference.rule(node, [node.operand], ([operand]) =>
        // The kernel's space, so that what it leads to can be read like any other kernel memory.
        typing({ kind: 'pointer', to: operand!.type, space: 'kernel' }, 'kernel'),
      );
      return;
    case 'sizeof':
    case 'offsetof':
      inferIntrospection(inference, node.operand);
      // The literal that replaces it has the type that counts; until then any integer will do.
      inference.rule(node, [node.operand], ([operand]) =>
        node.kind === 'offsetof' && !hasFields(inference, node, operand!.type) ? undefined : typing(intType(1, false)),
      );
      return;
    case 'typeof':
      inferIntrospection(inference, node.operand);
      inference.resolver.same(node.operand, node);
      return;
    case 'typeinfo':
      inferIntrospection(inference, node.operand);
      inference.rule(node, [node.operand], ([operand]) => typing(typeinfoType(operand!.type)));
      return;
    case 'comptime':
      inferExpression(inference, node.operand);
      inference.unresolvedComptimes.push(node);
      return;
    case 'block_expression':
      inferBlock(inference, node);
      return;
    default:
      assertNever(node);
  }
}

function inferBlock(inference: Inference, node: BlockExpression): void {
  inference.inScope(node, () => {
    inference.statements(node.statements);
    if (node.result === undefined) return;
    inferExpression(inference, node.result);
    inference.resolver.same(node.result, node);
  });
}

function inferField(inference: Inference, node: FieldAccess): void {
  inferExpression(inference, node.base);
  const attachment = inference.attachment;
  inference.rule(node, [node.base], ([base]) => fieldTyping(node, base!, attachment, inference.context));
}
