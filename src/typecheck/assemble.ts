import type { AttachPoint, Expression, MapRef, Node, Probe, Program, Variable } from '../ast/nodes.ts';
import { bug } from '../source/bug.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import type { MapSymbol, TypedProbe, TypedProgram, TypedSubprogram, VariableSymbol } from '../lang/typed-program.ts';
import type { AddressSpace, Type } from '../lang/types.ts';
import { VOID } from '../lang/types.ts';
import type { PassContext } from './context.ts';
import { attachmentOf } from './context.ts';
import { rewriteChildren, walk } from './rewrite.ts';
import type { Inference } from './types/infer.ts';
import { spellType } from './types/type-expression.ts';
import type { Typing } from './types/typing.ts';

/** The result of checking: the tree with unrolled loops, and side maps from its nodes to what was found out. */
export function assemble(
  program: Program,
  inference: Inference,
  context: PassContext,
  warnings: readonly Diagnostic[],
): TypedProgram {
  const types = new Map<Node, Type>();
  const variables = new Map<Variable, VariableSymbol>();
  const symbols = new Map<object, VariableSymbol>();
  const symbolOf = (variable: Variable): VariableSymbol => {
    const slot = inference.slots.get(variable) ?? bug(`variable $${variable.name} was not visited`);
    const known = symbols.get(slot);
    if (known !== undefined) return known;
    const symbol: VariableSymbol = { name: slot.name, type: finalType(inference.resolver.get(slot)) };
    symbols.set(slot, symbol);
    return symbol;
  };
  // `node` stands in the result, `original` is what inference saw; they differ inside unrolled loops.
  const record = (node: Node, original: Node): void => {
    const typing = inference.resolver.get(original);
    if (typing !== undefined) types.set(node, finalType(typing));
    else if (original.kind === 'call' || original.kind === 'block_expression' || original.kind === 'if') {
      types.set(node, VOID);
    }
    if (node.kind === 'variable') variables.set(node, symbolOf(original as Variable));
  };
  const spelled = (node: Node): Node => {
    const type = inference.resolver.get(node)?.type ?? bug('typeof without a type');
    const written = spellType(type, node.span, context);
    record(written, node);
    return written;
  };
  const unroll = (node: Node): Node => {
    if (node.kind === 'typeof') return spelled(node);
    if (node.kind === 'unroll') {
      const times = node.count.kind === 'integer' ? Number(node.count.value) : bug('unroll count is not a literal');
      const statements = Array.from({ length: times }, () => copy(node.body));
      return { kind: 'block', span: node.span, statements: statements as never };
    }
    const rewritten = rewriteChildren(node, unroll);
    record(rewritten, node);
    return rewritten;
  };
  const copy = (node: Node): Node => {
    if (node.kind === 'unroll' || node.kind === 'typeof') return unroll(node);
    const duplicate = { ...rewriteChildren(node, copy) };
    record(duplicate, node);
    return duplicate;
  };
  const numbers = new Map<string, number>();
  const probes = joinSessions(
    program.probes.map((probe) => typedProbe(unroll(probe) as Probe, context, numbers)),
    program.probes.map((probe) => probe.attachPoints[0]!),
    context,
  );
  const subprograms = program.subprograms.map((subprogram): TypedSubprogram => {
    const declaration = unroll(subprogram) as typeof subprogram;
    return {
      name: subprogram.name,
      declaration,
      parameters: subprogram.parameters.map((parameter) => symbolOf(parameter.variable)),
      returns: finalType(inference.resolver.get(subprogram.returns)),
    };
  });
  return {
    probes,
    subprograms,
    types,
    variables,
    maps: mapSymbols(program, inference),
    config: context.config,
    target: context.target,
    warnings,
  };
}

/** Probes at returns go into those at the entries whose programs they share; `points` are the probes' attach points. */
function joinSessions(
  probes: readonly TypedProbe[],
  points: readonly AttachPoint[],
  { sessions }: PassContext,
): readonly TypedProbe[] {
  const byPoint = new Map(points.map((point, index) => [point, probes[index]!]));
  const shared = new Set(sessions.values());
  return probes.flatMap((probe, index) => {
    const point = points[index]!;
    if (shared.has(point)) return [];
    const returns = byPoint.get(sessions.get(point) ?? point);
    return returns === undefined || returns === probe ? [probe] : [{ ...probe, returns }];
  });
}

/** Probes of one base name are numbered; `numbers` counts. */
function typedProbe(probe: Probe, context: PassContext, numbers: Map<string, number>): TypedProbe {
  const attachment = attachmentOf(probe, context);
  const attach = attachment?.target ?? bug('a probe was left without a target');
  const base = attachment!.name.replace(/[^A-Za-z0-9]/g, '_');
  const number = (numbers.get(base) ?? 0) + 1;
  numbers.set(base, number);
  return {
    name: `${base}_${number}`,
    probeName: attachment!.name,
    attach,
    ...(probe.predicate === undefined ? {} : { predicate: probe.predicate as Expression }),
    body: probe.body,
    span: probe.span,
  };
}

function mapSymbols(program: Program, inference: Inference): ReadonlyMap<string, MapSymbol> {
  const refs = new Map<string, MapRef>();
  for (const top of [...program.subprograms, ...program.probes]) {
    walk(top, (node) => {
      if (node.kind === 'map' && !refs.has(node.name)) refs.set(node.name, node);
    });
  }
  const declared = new Map(program.mapDeclarations.map((declaration) => [declaration.map.name, declaration]));
  const symbols = new Map<string, MapSymbol>();
  for (const [name, ref] of refs) {
    const slots = inference.map(name);
    const key = inference.resolver.get(slots.key);
    const declaration = declared.get(name);
    symbols.set(name, {
      name,
      ...(key === undefined ? {} : { key: finalType(key) }),
      value: finalType(inference.resolver.get(slots.value)),
      ...(declaration === undefined
        ? {}
        : { declared: { type: declaration.type, maxEntries: Number(declaration.maxEntries) } }),
      span: ref.span,
      ref,
    });
  }
  return symbols;
}

/** Folds what inference knows beside the type into the type: where pointers lead, where structs lie. */
function finalType(typing: Typing | undefined): Type {
  if (typing === undefined) return VOID;
  const { type } = typing;
  if (type.kind === 'pointer') return { ...type, space: pointerSpace(typing.space) };
  if (type.kind === 'c_struct') {
    const own = typing.context === true || typing.internal === true;
    return { ...type, space: own ? 'none' : pointerSpace(typing.space) };
  }
  if (type.kind === 'timestamp' && typing.clock !== undefined) return { ...type, mode: typing.clock };
  return type;
}

/** Where nothing is known of an address, it is taken for the kernel's, as on x86 bpftrace does. */
function pointerSpace(space: AddressSpace): AddressSpace {
  return space === 'user' ? 'user' : 'kernel';
}
