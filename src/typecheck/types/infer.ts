import type { Comptime, MapRef, Node, Probe, Program, Statement, Subprogram, Variable } from '../../ast/nodes.ts';
import type { Type } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import type { Span } from '../../source/source.ts';
import type { PassContext, ParsedAttachPoint } from '../context.ts';
import { attachmentOf } from '../context.ts';
import { inferWrittenType } from './infer-cast.ts';
import { inferExpression } from './infer-expression.ts';
import { inferStatement } from './infer-statement.ts';
import { TypeResolver } from './resolver.ts';
import type { MapSlot, Unknown, VariableSlot } from './resolver.ts';
import { typing } from './typing.ts';
import type { Typing } from './typing.ts';

/** A node that variables can be declared in. */
export type Scope = VariableSlot['scope'];

/** Types that `sizeof`, `typeinfo` and the like have already told the program: they may not change any more. */
export type LockedTypes = ReadonlyMap<string, Typing>;

/** One run of inference over the program: collects the rules, keeps the scopes while it does. */
export class Inference {
  readonly resolver = new TypeResolver();
  readonly slots = new Map<Variable, VariableSlot>();
  readonly mapSlots = new Map<string, { readonly key: MapSlot; readonly value: MapSlot }>();
  readonly unresolvedComptimes: Comptime[] = [];
  /** Variables declared with a type of known size: assignments must fit, and do not widen it. */
  readonly sized = new Set<VariableSlot>();
  /** By the name under which the slot is locked. */
  readonly introspected = new Map<VariableSlot | MapSlot, string>();
  /** Integer types that a map's aggregation was called with. */
  readonly aggregated = new Map<string, Typing>();
  /** Of return statements: the subprogram or probe they are in. */
  attachment: ParsedAttachPoint | undefined;
  insideProbe = false;
  introspection = 0;
  private readonly scopes: Scope[] = [];
  private readonly declared = new Map<Scope, Map<string, VariableSlot>>();

  readonly context: PassContext;
  readonly locked: LockedTypes;
  readonly subprograms = new Map<string, Subprogram>();

  constructor(context: PassContext, locked: LockedTypes) {
    this.context = context;
    this.locked = locked;
  }

  run(program: Program): void {
    for (const subprogram of program.subprograms) this.subprograms.set(subprogram.name, subprogram);
    for (const subprogram of program.subprograms) this.subprogram(subprogram);
    for (const probe of program.probes) this.probe(probe);
    this.resolver.run([...this.mapSlots.values()].map((slots) => slots.value));
  }

  private probe(probe: Probe): void {
    this.attachment = attachmentOf(probe, this.context);
    this.insideProbe = true;
    this.inScope(probe, () => {
      if (probe.predicate !== undefined) inferExpression(this, probe.predicate);
      inferStatement(this, probe.body);
    });
  }

  private subprogram(subprogram: Subprogram): void {
    this.attachment = undefined;
    this.insideProbe = false;
    this.inScope(subprogram, () => {
      for (const parameter of subprogram.parameters) {
        const slot = this.declare(parameter.variable);
        inferWrittenType(this, parameter.type);
        this.resolver.same(parameter.type, slot);
        this.sized.add(slot);
        this.variable(parameter.variable);
      }
      inferStatement(this, subprogram.body);
      inferWrittenType(this, subprogram.returns);
    });
  }

  inScope(scope: Scope, body: () => void): void {
    this.scopes.push(scope);
    body();
    this.scopes.pop();
  }

  findVariable(name: string): VariableSlot | undefined {
    for (const scope of this.scopes) {
      const slot = this.declared.get(scope)?.get(name);
      if (slot !== undefined) return slot;
    }
    return undefined;
  }

  /** The variable's slot: an existing one, or a new one in the innermost scope. */
  declare(variable: Variable): VariableSlot {
    const existing = this.findVariable(variable.name);
    if (existing !== undefined) return existing;
    const scope = this.scopes[this.scopes.length - 1] ?? bug(`$${variable.name} is used outside any scope`);
    const slot: VariableSlot = { name: variable.name, scope };
    const names = this.declared.get(scope);
    if (names === undefined) this.declared.set(scope, new Map([[variable.name, slot]]));
    else names.set(variable.name, slot);
    return slot;
  }

  variable(variable: Variable): VariableSlot {
    const slot = this.declare(variable);
    this.slots.set(variable, slot);
    this.resolver.same(slot, variable);
    if (this.introspection > 0) this.introspected.set(slot, lockName(slot, this));
    return slot;
  }

  map(name: string): { readonly key: MapSlot; readonly value: MapSlot } {
    let slots = this.mapSlots.get(name);
    if (slots === undefined) {
      slots = { key: { map: name, part: 'key' }, value: { map: name, part: 'value' } };
      this.mapSlots.set(name, slots);
    }
    return slots;
  }

  /** A use of the map as such. */
  mapUse(map: MapRef): { readonly key: MapSlot; readonly value: MapSlot } {
    const slots = this.map(map.name);
    if (this.introspection > 0) {
      this.introspected.set(slots.key, lockName(slots.key, this));
      this.introspected.set(slots.value, lockName(slots.value, this));
    }
    return slots;
  }

  seed(node: Node, type: Type, space: Typing['space'] = 'none'): void {
    this.resolver.seed(node, typing(type, space));
  }

  rule(output: Unknown, inputs: readonly Unknown[], resolve: (inputs: readonly Typing[]) => Typing | undefined): void {
    this.resolver.rule(output, inputs, resolve);
  }

  /** What may not change in the next run, because the program has been told. */
  lockedTypes(): LockedTypes {
    const locked = new Map(this.locked);
    for (const slot of this.introspected.keys()) {
      const typing = this.resolver.get(slot);
      const name = this.introspected.get(slot)!;
      if (typing !== undefined && !locked.has(name)) locked.set(name, typing);
    }
    return locked;
  }

  statements(statements: readonly Statement[]): void {
    for (const statement of statements) inferStatement(this, statement);
  }
}

/** The name under which a slot's type is locked: nodes change from one run of inference to the next, spans do not. */
export function lockName(slot: VariableSlot | MapSlot, inference: Inference): string {
  if ('map' in slot) return `${slot.part}:@${slot.map}`;
  return `$${slot.name}:${inference.attachment?.name ?? ''}:${spanKey(slot.scope.span)}`;
}

function spanKey(span: Span): string {
  const own = `${span.source.name}:${span.start}-${span.end}`;
  return span.expandedFrom === undefined ? own : `${own}<${spanKey(span.expandedFrom)}`;
}
