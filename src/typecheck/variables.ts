import type { Node, Program, TypeExpression, Typeof, Variable } from '../ast/nodes.ts';
import { withRelated } from '../source/diagnostic.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import type { PassContext } from './context.ts';
import { error, warning } from './messages.ts';
import { forEachChild } from './rewrite.ts';

/** Scratch variables are declared or assigned before use, once per scope. */
export function checkVariables(program: Program, context: PassContext): void {
  for (const subprogram of program.subprograms) {
    const scopes = new Scopes(context);
    scopes.within(() => {
      for (const parameter of subprogram.parameters) {
        const { name } = parameter.variable;
        scopes.add(name, { node: parameter.variable, origin: 'This is the function parameter.', assigned: true });
      }
      for (const type of [...subprogram.parameters.map((parameter) => parameter.type), subprogram.returns]) {
        visitType(type, scopes);
      }
      visit(subprogram.body, scopes);
      scopes.warnUnassigned();
    });
  }
  for (const probe of program.probes) {
    const scopes = new Scopes(context);
    scopes.within(() => {
      if (probe.predicate !== undefined) visit(probe.predicate, scopes);
      visit(probe.body, scopes);
      scopes.warnUnassigned();
    });
  }
}

/** `typeof($x)` as a type: the variable is only looked at, but it must be there. */
function visitType(node: TypeExpression | Typeof, scopes: Scopes): void {
  if (node.kind === 'typeof') visit(node, scopes);
}

interface Known {
  readonly node: Node;
  readonly origin: string;
  assigned: boolean;
}

class Scopes {
  readonly context: PassContext;
  /** Inside sizeof and its kin a variable is only looked at. */
  introspection = 0;
  private readonly stack: Map<string, Known>[] = [];
  private readonly all: Map<string, Known>[] = [];

  constructor(context: PassContext) {
    this.context = context;
  }

  within(body: () => void): void {
    const scope = new Map<string, Known>();
    this.stack.push(scope);
    this.all.push(scope);
    body();
    this.stack.pop();
  }

  find(name: string): Known | undefined {
    for (const scope of this.stack) {
      const known = scope.get(name);
      if (known !== undefined) return known;
    }
    return undefined;
  }

  add(name: string, known: Known): void {
    this.stack[this.stack.length - 1]?.set(name, known);
  }

  warnUnassigned(): void {
    for (const scope of this.all) {
      for (const [name, known] of [...scope].sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (known.assigned || known.node.kind !== 'variable_declaration') continue;
        const text = `Variable $${name} was never assigned to.`;
        this.context.report(warning('never-assigned', known.node.span, text));
      }
    }
  }
}

function visit(node: Node, scopes: Scopes): void {
  const children = (): void => forEachChild(node, (child) => visit(child, scopes));
  switch (node.kind) {
    case 'assignment':
      visit(node.value, scopes);
      if (node.target.kind === 'variable') assign(node.target, node, scopes);
      else visit(node.target, scopes);
      return;
    case 'variable_declaration':
      if (node.value !== undefined) visit(node.value, scopes);
      declare(node, scopes);
      return;
    case 'for':
      visitFor(node, scopes);
      return;
    case 'block':
    case 'block_expression':
      scopes.within(children);
      return;
    case 'sizeof':
    case 'offsetof':
    case 'typeof':
    case 'typeinfo':
      scopes.introspection += 1;
      children();
      scopes.introspection -= 1;
      return;
    case 'address_of':
      visitAddress(node.operand, scopes);
      return;
    case 'call':
      // What find() puts its result into is assigned by it.
      if (node.name === 'find' && node.args[2]?.kind === 'variable') {
        const result = node.args[2];
        for (const argument of node.args.slice(0, 2)) visit(argument, scopes);
        // bpftrace assigns it inside the macro: a variable that is not there yet ends with the call.
        scopes.within(() => assign(result, node, scopes));
        return;
      }
      children();
      return;
    case 'variable':
      use(node, scopes);
      return;
    default:
      children();
  }
}

function assign(target: Variable, node: Node, scopes: Scopes): void {
  const known = scopes.find(target.name);
  if (known !== undefined) known.assigned = true;
  else scopes.add(target.name, { node, origin: 'This is the initial assignment.', assigned: true });
}

function declare(node: Extract<Node, { kind: 'variable_declaration' }>, scopes: Scopes): void {
  if (node.type !== undefined) visit(node.type, scopes);
  const { name } = node.variable;
  const known = scopes.find(name);
  if (known !== undefined) {
    const text = `Variable $${name} was already declared. Variable shadowing is not allowed.`;
    scopes.context.report(withOrigin(error('shadowing', declaredSpan(node), text), known));
    return;
  }
  const assigned = node.value !== undefined;
  scopes.add(name, { node, origin: 'This is the initial declaration.', assigned });
}

function visitFor(node: Extract<Node, { kind: 'for' }>, scopes: Scopes): void {
  const { name } = node.variable;
  const known = scopes.find(name);
  if (known !== undefined) {
    const text = `Loop declaration shadows existing variable: $${name}`;
    scopes.context.report(withOrigin(error('shadowing', node.variable.span, text), known));
  }
  visit(node.iterable, scopes);
  scopes.within(() => {
    scopes.add(name, { node: node.variable, origin: 'This is the loop variable.', assigned: true });
    visit(node.body, scopes);
  });
}

function visitAddress(operand: Node, scopes: Scopes): void {
  if (operand.kind !== 'variable') {
    visit(operand, scopes);
    return;
  }
  const known = scopes.find(operand.name);
  // Whoever has the address may assign.
  if (known !== undefined) known.assigned = true;
  else scopes.context.report(undeclared(operand));
}

function use(node: Variable, scopes: Scopes): void {
  const known = scopes.find(node.name);
  if (known === undefined) {
    scopes.context.report(undeclared(node));
  } else if (!known.assigned && scopes.introspection === 0) {
    const text = `Variable used before it was assigned: $${node.name}`;
    scopes.context.report(warning('unassigned-use', node.span, text));
  }
}

function undeclared(node: Variable): Diagnostic {
  return error('undeclared', node.span, `Undefined or undeclared variable: $${node.name}`);
}

/** `let $x: int8` without what is assigned. */
function declaredSpan(node: Extract<Node, { kind: 'variable_declaration' }>): Node['span'] {
  return node.declarationSpan ?? node.span;
}

function withOrigin(diagnostic: Diagnostic, known: Known): Diagnostic {
  const { node } = known;
  return withRelated(diagnostic, known.origin, node.kind === 'variable_declaration' ? declaredSpan(node) : node.span);
}
