import type {
  BlockExpression,
  Call,
  Expression,
  Identifier,
  Macro,
  Node,
  Offsetof,
  Program,
  TypeExpression,
} from '../ast/nodes.ts';
import { isBuiltin } from '../lang/builtins.ts';
import { isFunction } from '../lang/functions.ts';
import type { Pass, PassContext } from './context.ts';
import { error } from './messages.ts';
import { MacroRegistry } from './macro-registry.ts';
import { forEachChild, relocate, rewriteChildren } from './rewrite.ts';

/** Puts macro bodies where the macros are called. Their variables get names of their own, their maps must be arguments. */
export const expandMacros: Pass = {
  name: 'macros',
  run(program: Program, context: PassContext): Program {
    const registry = new MacroRegistry(program.macros, context);
    const expansion: Expansion = { registry, context, stack: [] };
    const expand = (node: Node): Node => rewrite(node, undefined, expansion);
    const expanded = {
      ...program,
      macros: [],
      subprograms: program.subprograms.map((subprogram) => rewriteChildren(subprogram, expand)),
      probes: program.probes.map((probe) => rewriteChildren(probe, expand)),
    };
    checkTypeArguments(expanded, context);
    return expanded;
  },
};

/** Where a type may stand. */
const TAKES_TYPE: ReadonlySet<Node['kind']> = new Set([
  'cast',
  'variable_declaration',
  'subprogram',
  'sizeof',
  'offsetof',
  'typeof',
  'typeinfo',
]);

/** A type that was passed to a macro must have ended up where a type may stand. */
function checkTypeArguments(node: Node, context: PassContext): void {
  const takesType = TAKES_TYPE.has(node.kind);
  forEachChild(node, (child) => {
    if (!takesType && (child.kind === 'typeof' || child.kind === 'type')) {
      const text =
        'When used as a call argument, `typeof` builtin only valid for macro calls that are expecting a type parameter';
      context.report(error('type-argument', child.span, text));
    }
    checkTypeArguments(child, context);
  });
}

interface Expansion {
  readonly registry: MacroRegistry;
  readonly context: PassContext;
  /** Macros that are being expanded, outermost first. */
  readonly stack: Macro[];
}

/** One call of one macro: what its names stand for. */
interface Frame {
  readonly macro: Macro;
  readonly depth: number;
  readonly variables: Map<string, string>;
  readonly maps: Map<string, string>;
  readonly expressions: Map<string, Expression | TypeExpression>;
  /** Variables of the macro's own. */
  readonly renamed: Set<string>;
}

function rewrite(node: Node, frame: Frame | undefined, expansion: Expansion): Node {
  const visit = (child: Node): Node => rewrite(child, frame, expansion);
  switch (node.kind) {
    case 'identifier':
      return rewriteIdentifier(node, frame, expansion);
    case 'call': {
      const rewritten = rewriteChildren(node, visit);
      return expandCall(rewritten, rewritten.args, expansion);
    }
    case 'sizeof':
    case 'typeof':
    case 'typeinfo':
      return rewriteIntrospection(node, frame, expansion);
    case 'offsetof':
      return rewriteFields(rewriteIntrospection(node, frame, expansion) as Offsetof, frame, expansion.context);
    case 'type':
      return rewriteType(node, frame, expansion);
    case 'assignment': {
      const { target } = node;
      if (frame !== undefined && target.kind === 'variable' && !frame.variables.has(target.name)) {
        frame.renamed.add(target.name);
      }
      return rewriteChildren(node, visit);
    }
    case 'variable_declaration':
      if (frame !== undefined) {
        const { name } = node.variable;
        if (frame.variables.has(name)) {
          const text = `Variable declaration shadows macro arg $${name}`;
          expansion.context.report(error('macro-shadowing', node.span, text));
          return node;
        }
        frame.renamed.add(name);
      }
      return rewriteChildren(node, visit);
    case 'variable': {
      if (frame === undefined) return node;
      const passed = frame.variables.get(node.name);
      if (passed !== undefined) return { ...node, name: passed };
      return frame.renamed.has(node.name) ? { ...node, name: ownName(node.name, frame) } : node;
    }
    case 'map': {
      if (frame === undefined) return node;
      const passed = frame.maps.get(node.name);
      if (passed !== undefined) return { ...node, name: passed };
      const text = `Unhygienic access to map: @${node.name}. Maps must be passed into the macro as arguments.`;
      expansion.context.report(error('unhygienic-map', node.span, text));
      return node;
    }
    default:
      return rewriteChildren(node, visit);
  }
}

/** `$$macro_$x`: nothing that a script can spell. */
function ownName(name: string, frame: Frame): string {
  const depth = frame.depth === 1 ? '' : `_${frame.depth}`;
  return `$${frame.macro.name}${depth}_$${name}`;
}

function rewriteIdentifier(node: Identifier, frame: Frame | undefined, expansion: Expansion): Node {
  const passed = frame?.expressions.get(node.name);
  if (passed !== undefined) return rewrite(relocate(passed, node.span), undefined, expansion);
  return expandCall(node, [], expansion);
}

function expandCall(node: Call | Identifier, args: Call['args'], expansion: Expansion): Node {
  const { registry, stack, context } = expansion;
  const insideLibrary = stack.length > 0 && registry.isLibrary(stack[stack.length - 1]!);
  const macro = registry.find(node.name, args, insideLibrary);
  if (macro === undefined) {
    if (!isFunction(node.name) && !isBuiltin(node.name)) registry.reportMismatch(node, args, insideLibrary);
    return node;
  }
  if (stack.includes(macro)) {
    const chain = [...stack.slice(stack.indexOf(macro)), macro].map((each) => each.name).join(' > ');
    const text = `Recursive macro call detected. Call chain: ${chain}`;
    context.report(error('recursive-macro', node.span, text));
    return node;
  }
  stack.push(macro);
  const frame = frameOf(macro, args, stack.length, node);
  const body = relocate(macro.body, node.span);
  const expanded = rewriteChildren(body, (child) => rewrite(child, frame, expansion));
  stack.pop();
  return expanded;
}

function frameOf(macro: Macro, args: Call['args'], depth: number, call: Node): Frame {
  const frame: Frame = {
    macro,
    depth,
    variables: new Map(),
    maps: new Map(),
    expressions: new Map(),
    renamed: new Set(),
  };
  for (const [index, parameter] of macro.parameters.entries()) {
    const argument = args[index]!;
    if (parameter.mode === 'variable' && argument.kind === 'variable') {
      frame.variables.set(parameter.name, argument.name);
    } else if (parameter.mode === 'map' && argument.kind === 'map') {
      frame.maps.set(parameter.name, argument.name);
    } else if (argument.kind === 'variable' || argument.kind === 'map') {
      // In a block of its own it is a value: the macro cannot assign to it.
      const block: BlockExpression = { kind: 'block_expression', span: call.span, statements: [], result: argument };
      frame.expressions.set(parameter.name, block);
    } else {
      frame.expressions.set(parameter.name, argument);
    }
  }
  return frame;
}

/** Where a type may stand, a bare word is a type or a parameter, never a macro without arguments. */
function rewriteIntrospection<N extends Extract<Node, { operand: Expression | TypeExpression }>>(
  node: N,
  frame: Frame | undefined,
  expansion: Expansion,
): Node {
  const { operand } = node;
  if (operand.kind !== 'identifier') return rewriteChildren(node, (child) => rewrite(child, frame, expansion));
  const passed = frame?.expressions.get(operand.name);
  return passed === undefined ? node : ({ ...node, operand: relocate(typeArgument(passed), operand.span) } as N);
}

/** What `typeof(...)` as an argument stands for. */
function typeArgument(argument: Expression | TypeExpression): Expression | TypeExpression {
  return argument.kind === 'typeof' ? argument.operand : argument;
}

function rewriteFields(node: Offsetof, frame: Frame | undefined, context: PassContext): Offsetof {
  const [field] = node.fields;
  const passed = node.fields.length === 1 && field !== undefined ? frame?.expressions.get(field) : undefined;
  const path = passed === undefined ? undefined : fieldPath(passed);
  if (path === undefined && passed?.kind === 'field') {
    const text =
      'FieldAccess expressions must be made up entirely of idents (e.g. a.b.c) ' +
      'to replace the second argument in `offsetof`';
    context.report(error('macro-field', passed.span, text));
  }
  return path === undefined ? node : { ...node, fields: path };
}

function fieldPath(node: Node): readonly string[] | undefined {
  if (node.kind === 'identifier') return [node.name];
  if (node.kind !== 'field') return undefined;
  const base = fieldPath(node.base);
  return base === undefined ? undefined : [...base, node.field];
}

function rewriteType(node: TypeExpression, frame: Frame | undefined, expansion: Expansion): TypeExpression {
  const [keyword, tag] = node.name.split(' ');
  const parameter = tag ?? keyword ?? '';
  const argument = frame?.expressions.get(parameter);
  if (frame === undefined || argument === undefined) return node;
  const passed = typeArgument(argument);
  if (passed.kind === 'identifier') {
    return { ...node, name: tag === undefined ? passed.name : `${keyword} ${passed.name}` };
  }
  if (passed.kind === 'type') {
    if (tag === undefined) return { ...node, name: passed.name, suffixes: [...passed.suffixes, ...node.suffixes] };
    if (!passed.name.includes(' ') && passed.suffixes.length === 0) {
      return { ...node, name: `${keyword} ${passed.name}` };
    }
  }
  const text =
    `Invalid replacement for macro '${frame.macro.name}' type parameter '${parameter}' ` +
    `which makes up the type '${node.name}'`;
  expansion.context.report(error('macro-type', passed.span, text));
  return node;
}
