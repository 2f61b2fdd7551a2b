import { offsetOf, sizeOfStruct } from '../kernel-types.ts';

/** Byte offsets of the members of a kernel structure that the machine writes, by the machine's names for them. */
export type Fields<K extends string> = { readonly [name in K]: number } & { readonly size: number };

const unresolved: (() => void)[] = [];

/**
 * Declares which members of a structure the machine keeps up to date in guest memory. Paths are C's (`se.vruntime`,
 * `__sk_common.skc_dport`); offsets come from the kernel's BTF when the first machine is made.
 */
export function structFields<K extends string>(name: string, paths: { readonly [field in K]: string }): Fields<K> {
  const fields: Record<string, number> = { size: 0 };
  for (const field of Object.keys(paths)) fields[field] = 0;
  unresolved.push(() => {
    fields['size'] = sizeOfStruct(name);
    for (const [field, path] of Object.entries<string>(paths)) fields[field] = offsetOf(name, path);
  });
  return fields as Fields<K>;
}

/** Fills every declared structure in; only the first machine has work here. */
export function resolveFields(): void {
  for (const resolve of unresolved.splice(0)) resolve();
}
