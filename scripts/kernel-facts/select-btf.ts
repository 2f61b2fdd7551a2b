import { type BtfTypeSet, PER_CPU_SECTION } from '../../src/btf/decode.ts';
import { BtfWriter } from '../../src/btf/encode.ts';
import { sizeOf } from '../../src/btf/layout.ts';
import type { CType } from '../../src/btf/types.ts';

export interface BtfSelection {
  readonly structs: readonly string[];
  readonly pointerDepth: number;
  /** Structs, unions, enums and typedefs kept with what they hold by value. */
  readonly plain: readonly string[];
  /** Enums kept, by one of their members. */
  readonly enumerators: readonly string[];
  readonly isFunctionKept: (name: string) => boolean;
}

/** Cuts a kernel's BTF down to a selection: full types near the named structs, forward declarations at the edge. */
export function selectBtf(types: BtfTypeSet, selection: BtfSelection): Uint8Array {
  const reached = reach(types, selection);
  const kept = new Set<string>();
  for (const type of reached) if (type.kind === 'struct' || type.kind === 'union') kept.add(type.name);

  const writer = new BtfWriter({ keep: (name) => kept.has(name) });
  for (const name of selection.structs) {
    for (const type of [types.struct(name), types.union(name)]) if (type !== undefined) writer.type(type);
  }
  for (const type of reached) writer.type(type);
  for (const name of selection.plain) {
    for (const type of [types.typedef(name), types.enum(name)]) if (type !== undefined) writer.type(type);
  }
  for (const name of selection.enumerators) {
    const found = types.enumerator(name);
    if (found === undefined) console.warn(`no enum member ${name} in this kernel`);
    else writer.type(found.type);
  }
  // Typedefs of plain numbers cost little, and scripts cast to them and take their size.
  for (const name of types.names('typedef')) {
    const typedef = types.typedef(name)!;
    if (!name.startsWith(TRACEPOINT_TYPE) && isScalar(typedef)) writer.type(typedef);
  }
  // Each argument list ends in an arrow to a prototype; equal ones are one type already.
  for (const name of [...types.names('function')].sort()) {
    if (selection.isFunctionKept(name)) writer.func(name, types.function(name)!);
  }
  writePerCpuVariables(types, writer, kept);
  return writer.finish();
}

/** What a kernel's BTF has beside a selection: all types by name, and enums without one for their members. */
export function remainingBtf(types: BtfTypeSet, selected: BtfTypeSet): Uint8Array {
  const writer = new BtfWriter();
  for (const kind of ['struct', 'union', 'enum', 'typedef'] as const) {
    for (const name of types.names(kind)) {
      if (selected[kind](name) === undefined && !name.startsWith(TRACEPOINT_TYPE)) writer.type(types[kind](name)!);
    }
  }
  for (let id = 1; id <= types.typeCount; id++) {
    const type = types.type(id);
    if (type?.kind !== 'enum' || type.name !== '') continue;
    if (type.values.some(({ name }) => selected.enumerator(name) === undefined)) writer.type(type);
  }
  return writer.finish();
}
/** Prototypes of functions; the structures that they name are forward declarations. */
export function functionsBtf(types: BtfTypeSet, isKept: (name: string) => boolean): Uint8Array {
  const writer = new BtfWriter({ keep: () => false });
  for (const name of [...types.names('function')].sort()) if (isKept(name)) writer.func(name, types.function(name)!);
  return writer.finish();
}

/** Typedefs that the kernel makes of each raw tracepoint's prototype. */
const TRACEPOINT_TYPE = 'btf_trace_';

/** The variables whose types are there; the section keeps its size, and each variable its place. */
function writePerCpuVariables(types: BtfTypeSet, writer: BtfWriter, kept: ReadonlySet<string>): void {
  const isKept = (type: CType): boolean => {
    switch (type.kind) {
      case 'struct':
      case 'union':
        return kept.has(type.name);
      case 'array':
        return isKept(type.element);
      case 'typedef':
      case 'qualifier':
        return isKept(type.type);
      default:
        return true;
    }
  };
  const rows = (types.dataSection(PER_CPU_SECTION) ?? [])
    .filter(({ type }) => isKept(type))
    .map(({ name, type, offset }) => ({ variable: writer.variable(name, type), offset, size: sizeOf(type) ?? 0 }));
  writer.dataSection(PER_CPU_SECTION, types.dataSectionSize(PER_CPU_SECTION) ?? 0, rows);
}

function isScalar(type: CType): boolean {
  if (type.kind === 'typedef' || type.kind === 'qualifier') return isScalar(type.type);
  return type.kind === 'int' || type.kind === 'float';
}

function reach(types: BtfTypeSet, { structs, pointerDepth, plain }: BtfSelection): Iterable<CType> {
  const depths = new Map<CType, number>();
  const queue: [CType, number][] = [];
  for (const name of structs) {
    const seeds = [types.struct(name), types.union(name)].filter((type) => type !== undefined);
    if (seeds.length === 0) console.warn(`no struct or union ${name} in this kernel`);
    for (const seed of seeds) queue.push([seed, pointerDepth]);
  }
  for (const name of plain) {
    for (const type of [types.struct(name), types.union(name)]) if (type !== undefined) queue.push([type, 0]);
  }
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [type, depth] = next;
    if ((depths.get(type) ?? -1) >= depth) continue;
    depths.set(type, depth);
    switch (type.kind) {
      case 'struct':
      case 'union':
        for (const member of type.members) queue.push([member.type, depth]);
        break;
      case 'array':
        queue.push([type.element, depth]);
        break;
      case 'typedef':
      case 'qualifier':
        queue.push([type.type, depth]);
        break;
      case 'pointer':
        if (depth > 0) queue.push([type.to, depth - 1]);
        break;
      default:
        break;
    }
  }
  return depths.keys();
}
