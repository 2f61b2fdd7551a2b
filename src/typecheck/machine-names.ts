import type { Target } from '../lang/target.ts';
import { hasWildcard } from './attach-point-parts.ts';
import { matchesPattern } from '../lang/name-pattern.ts';

/** Named things of the machine: a plain name finds its own without a look at the thousands of others. */
class NameIndex<T extends { readonly name: string }> {
  private readonly list: () => readonly T[];
  private byName: Map<string, T[]> | undefined;

  constructor(list: () => readonly T[]) {
    this.list = list;
  }

  /** Those whose names match, in the machine's order. */
  matching(pattern: string): readonly T[] {
    if (hasWildcard(pattern)) return this.list().filter(({ name }) => matchesPattern(name, pattern));
    this.byName ??= this.index();
    return this.byName.get(pattern) ?? [];
  }

  private index(): Map<string, T[]> {
    const index = new Map<string, T[]>();
    for (const item of this.list()) {
      const same = index.get(item.name);
      if (same === undefined) index.set(item.name, [item]);
      else same.push(item);
    }
    return index;
  }
}

/** What attach points name. */
export interface MachineNames {
  readonly functions: NameIndex<ReturnType<Target['functions']>[number]>;
  readonly tracepoints: NameIndex<ReturnType<Target['tracepoints']>[number]>;
}

export function machineNames(target: Target): MachineNames {
  return {
    functions: new NameIndex(() => target.functions()),
    tracepoints: new NameIndex(() => target.tracepoints()),
  };
}
