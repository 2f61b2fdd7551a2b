import { PER_CPU_SECTION } from '../../btf/decode.ts';
import { kernelTypes, offsetOf, sizeOfStruct } from '../kernel-types.ts';
import { bug } from '../../source/bug.ts';

/** Byte offsets of the members of a kernel structure that the machine writes, by the machine's names for them. */
export type Fields<K extends string> = { readonly [name in K]: number } & { readonly size: number };

/** Offsets by structure and path, as BTF gives them; under the path '' the structure's size. */
export type Layouts = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Replaced by the build with the machine's layouts, as JSON; absent when the sources run as they are. */
declare const TSBPFTRACE_LAYOUTS: string | undefined;

interface Declared {
  readonly struct: string;
  /** Paths by the machine's names, '' under `size`. */
  readonly paths: readonly (readonly [name: string, path: string])[];
  readonly fields: Record<string, number>;
}

const declared: Declared[] = [];
let resolvedCount = 0;

/**
 * Declares which members of a structure the machine keeps up to date in guest memory. Paths are C's (`se.vruntime`,
 * `__sk_common.skc_dport`); offsets come from the kernel's BTF when the first machine is made.
 */
export function structFields<K extends string>(
  name: string,
  // `size` is the structure's own.
  paths: { readonly [field in K]: string } & { readonly size?: never },
): Fields<K> {
  const all = [['size', ''] as const, ...Object.entries<string>(paths)];
  const fields = Object.fromEntries(all.map(([field]) => [field, 0]));
  declared.push({ struct: name, paths: all, fields });
  return fields as Fields<K>;
}

/** The section of per-CPU variables is laid out by BTF, too: its members are the variables. */
function place(struct: string, path: string): number {
  if (struct === PER_CPU_SECTION) {
    const types = kernelTypes();
    const found = path === '' ? types.dataSectionSize(struct) : types.perCpuVariable(path)?.offset;
    if (found === undefined) bug(`the kernel has no per-CPU variable ${path}`);
    return found;
  }
  return path === '' ? sizeOfStruct(struct) : offsetOf(struct, path);
}

/** Fills every declared structure in; only the first machine has work here. */
export function resolveFields(): void {
  const open = declared.slice(resolvedCount);
  resolvedCount = declared.length;
  if (open.length === 0) return;
  // Decoding BTF takes longer than all the rest of making a machine, and many a script needs no other type.
  const known: Layouts = typeof TSBPFTRACE_LAYOUTS === 'string' ? JSON.parse(TSBPFTRACE_LAYOUTS) : {};
  for (const { struct, paths, fields } of open) {
    for (const [name, path] of paths) fields[name] = known[struct]?.[path] ?? place(struct, path);
  }
}

/** What the build puts in place of reading BTF: the layouts of all structures declared so far. */
export function machineLayouts(): Layouts {
  const layouts: Record<string, Record<string, number>> = {};
  for (const { struct, paths } of declared) {
    const row = (layouts[struct] ??= {});
    for (const [, path] of paths) row[path] = place(struct, path);
  }
  return layouts;
}
