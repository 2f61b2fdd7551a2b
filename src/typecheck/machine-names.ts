import type { KernelFunction, Target } from '../lang/target.ts';
import { hasWildcard } from './attach-point-parts.ts';
import { matchesPattern } from '../lang/name-pattern.ts';

/** Named things of the machine: a plain name finds its own without a look at the thousands of others. */
interface NameIndex<T> {
  /** Those whose names match, in the machine's order. */
  matching(pattern: string): readonly T[];
}

/** What attach points name. */
export interface MachineNames {
  readonly functions: NameIndex<KernelFunction>;
  readonly tracepoints: NameIndex<ReturnType<Target['tracepoints']>[number]>;
}

export function machineNames(target: Target): MachineNames {
  return {
    functions: {
      matching(pattern) {
        if (hasWildcard(pattern)) return target.functions().filter(({ name }) => matchesPattern(name, pattern));
        const found = target.functionNamed(pattern);
        return found === undefined ? [] : [found];
      },
    },
    tracepoints: indexed(() => target.tracepoints()),
  };
}

function indexed<T extends { readonly name: string }>(list: () => readonly T[]): NameIndex<T> {
  let byName: Map<string, T[]> | undefined;
  return {
    matching(pattern) {
      if (hasWildcard(pattern)) return list().filter(({ name }) => matchesPattern(name, pattern));
      byName ??= groupByName(list());
      return byName.get(pattern) ?? [];
    },
  };
}

function groupByName<T extends { readonly name: string }>(items: readonly T[]): Map<string, T[]> {
  const index = new Map<string, T[]>();
  for (const item of items) {
    const same = index.get(item.name);
    if (same === undefined) index.set(item.name, [item]);
    else same.push(item);
  }
  return index;
}
