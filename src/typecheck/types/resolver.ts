import type { Node } from '../../ast/nodes.ts';
import { isFlexible, sameType } from './typing.ts';
import type { Typing } from './typing.ts';
import { intType } from '../../lang/types.ts';

/** One variable of one scope. */
export interface VariableSlot {
  readonly name: string;
  readonly scope: Node;
}
export interface MapSlot {
  readonly map: string;
  readonly part: 'key' | 'value';
}
/** What inference finds a type for. */
export type Unknown = Node | VariableSlot | MapSlot;

interface Rule {
  readonly output: Unknown;
  readonly inputs: readonly Unknown[];
  /** The output's type given the inputs'; undefined when there is none (then it has reported why). */
  readonly resolve: (inputs: readonly Typing[]) => Typing | undefined;
}

/**
 * Type inference as a fixpoint: facts seed a queue of rules, and a rule runs again when one of its inputs changed.
 * Rules run in the order in which the tree was visited, which fixes the order of messages.
 */
export class TypeResolver {
  readonly types = new Map<Unknown, Typing>();
  private readonly seeded: Unknown[] = [];
  private readonly dependents = new Map<Unknown, Rule[]>();
  private readonly queue: Rule[] = [];
  private readonly queued = new Set<Rule>();

  get(unknown: Unknown): Typing | undefined {
    return this.types.get(unknown);
  }

  seed(unknown: Unknown, typing: Typing): void {
    this.types.set(unknown, typing);
    this.seeded.push(unknown);
  }

  rule(output: Unknown, inputs: readonly Unknown[], resolve: Rule['resolve']): void {
    const rule: Rule = { output, inputs, resolve };
    for (const input of inputs) {
      const rules = this.dependents.get(input);
      if (rules === undefined) this.dependents.set(input, [rule]);
      else rules.push(rule);
    }
  }

  /** The output has whatever type the input has. */
  same(input: Unknown, output: Unknown): void {
    this.rule(output, [input], ([typing]) => typing);
  }

  /**
   * Runs to the fixpoint. Maps that only ever modify themselves (`@a++`) have no type then: they start as int8, like an
   * assignment of 0, and everything is run again.
   */
  run(mapValues: Iterable<MapSlot>): void {
    for (const seeded of this.seeded) this.enqueue(seeded);
    this.drain();
    let untyped = false;
    for (const slot of mapValues) {
      if (this.types.has(slot)) continue;
      untyped = true;
      this.seed(slot, { type: intType(1, true), space: 'none' });
    }
    if (untyped) this.run(mapValues);
  }

  private drain(): void {
    for (let head = 0; head < this.queue.length; head += 1) {
      const rule = this.queue[head]!;
      this.queued.delete(rule);
      const inputs: Typing[] = [];
      for (const input of rule.inputs) {
        const typing = this.types.get(input);
        if (typing !== undefined) inputs.push(typing);
      }
      if (inputs.length < rule.inputs.length) continue;
      const result = rule.resolve(inputs);
      if (result === undefined) continue;
      const current = this.types.get(rule.output);
      if (current !== undefined && isSettled(current, result)) continue;
      this.types.set(rule.output, result);
      this.enqueue(rule.output);
    }
    this.queue.length = 0;
  }

  private enqueue(unknown: Unknown): void {
    for (const rule of this.dependents.get(unknown) ?? []) {
      if (this.queued.has(rule)) continue;
      this.queued.add(rule);
      this.queue.push(rule);
    }
  }
}

/** A type may lose its flexible sign or gain an address space, never the other way round: else rules would chase each other. */
function isSettled(current: Typing, next: Typing): boolean {
  if (!sameType(current.type, next.type)) return false;
  const flexible = isFlexible(current.type);
  const nextFlexible = isFlexible(next.type);
  if (flexible && !nextFlexible) return false;
  if (current.space !== next.space && current.space === 'none') return false;
  return (current.context === true) === (next.context === true);
}
