import { decodeBtf } from '../btf/decode.ts';
import type { BtfTypeSet } from '../btf/decode.ts';
import { findPath, sizeOf, stripType } from '../btf/layout.ts';
import { functionsOnDemand, overlayTypeSets, typesOnDemand } from '../btf/type-set.ts';
import { parseTypeText } from '../btf/type-text.ts';
import type { CType, FunctionProtoType, TypeSet } from '../btf/types.ts';
import { decodeBase64 } from './base64.ts';
import { KERNEL_BTF_BASE64 } from './generated/kernel-btf.ts';
import { FUNCTIONS_BTF_BASE64, UNTYPED_FUNCTIONS } from './generated/kernel-functions.ts';
import { REMAINING_BTF_BASE64 } from './generated/remaining-btf.ts';
import { declareStructs, MODULE_STRUCTS, MODULE_TRACEPOINTS } from './module-types.ts';
import { bug } from '../source/bug.ts';

let decoded: BtfTypeSet | undefined;

/** The types that the machine is made of, and its functions; decoded when first asked for. */
export function kernelTypes(): BtfTypeSet {
  return (decoded ??= decodeBtf(decodeBase64(KERNEL_BTF_BASE64)));
}

let remaining: BtfTypeSet | undefined;
let unreached: BtfTypeSet | undefined;
let untyped: ReadonlySet<string> | undefined;
let all: TypeSet | undefined;

const unreachedFunctions = (): BtfTypeSet => (unreached ??= decodeBtf(decodeBase64(FUNCTIONS_BTF_BASE64)));
/** Functions that the compiler has split or cut down (`.isra.0`, `.constprop.0`): BTF has no prototype of them. */
const untypedFunctions = (): ReadonlySet<string> => (untyped ??= new Set(UNTYPED_FUNCTIONS.split('\n')));

/** Names of the functions that a real kernel lets one trace and this one never calls. */
export function unreachedFunctionNames(): readonly string[] {
  return [...unreachedFunctions().names('function'), ...untypedFunctions()];
}

/** Whether a real kernel has a function of the name, be it one that this machine never calls. */
export function isKernelFunction(name: string): boolean {
  return allKernelTypes().function(name) !== undefined || untypedFunctions().has(name);
}

/** Those and all others that a real kernel's BTF has: nothing in the machine is of such a type, but scripts may name it. */
export function allKernelTypes(): TypeSet {
  return (all ??= overlayTypeSets(
    kernelTypes(),
    typesOnDemand(() => (remaining ??= decodeBtf(decodeBase64(REMAINING_BTF_BASE64)))),
    functionsOnDemand(unreachedFunctions),
  ));
}

let declaredByModules: TypeSet | undefined;

/** Types that are in the BTF of modules; made when first asked for. */
export function moduleTypes(): TypeSet {
  return (declaredByModules ??= declareStructs(MODULE_STRUCTS, kernelTypes()));
}

/** Where a member lies in a kernel struct. */
export interface FieldPlace {
  readonly type: CType;
  readonly offset: number;
  /** Of the member, or of the integer that holds a bit field. */
  readonly size: number;
  readonly signed: boolean;
  /** Present for bit fields: counted from `offset`. */
  readonly bits?: { readonly shift: number; readonly width: number };
}

const places = new Map<string, FieldPlace>();

/** Finds `fieldOf('task_struct', 'se.vruntime')`, `fieldOf('task_struct', 'comm[0]')`; undefined when the kernel has no such member. */
export function findField(struct: string, path: string): FieldPlace | undefined {
  const key = `${struct}.${path}`;
  const known = places.get(key);
  if (known !== undefined) return known;
  const outer = kernelTypes().struct(struct) ?? kernelTypes().union(struct) ?? moduleTypes().struct(struct);
  const steps = path.match(/\w+/g)?.map((step) => (/^\d/.test(step) ? Number(step) : step)) ?? [];
  const found = outer === undefined ? undefined : findPath(outer, steps);
  const size = found === undefined ? undefined : sizeOf(found.type);
  if (found === undefined || size === undefined) return undefined;
  const bare = stripType(found.type);
  const { offsetBits, bitfieldSize } = found;
  // A bit field is read as its declared integer, aligned; it does not straddle one.
  const offset = bitfieldSize === undefined ? offsetBits >> 3 : Math.floor(offsetBits / (size * 8)) * size;
  const place: FieldPlace = {
    type: found.type,
    offset,
    size,
    signed: (bare.kind === 'int' || bare.kind === 'enum') && bare.signed,
    ...(bitfieldSize === undefined ? {} : { bits: { shift: offsetBits - offset * 8, width: bitfieldSize } }),
  };
  places.set(key, place);
  return place;
}

/** As findField, for members that our own code lays out: a missing one is our mistake. */
export function fieldOf(struct: string, path: string): FieldPlace {
  const place = findField(struct, path);
  if (place === undefined) bug(`the kernel has no ${struct}.${path}`);
  return place;
}

/** Byte offset of a member in a kernel struct. */
export function offsetOf(struct: string, path: string): number {
  return fieldOf(struct, path).offset;
}

/** Size in bytes of a kernel struct or union. */
export function sizeOfStruct(name: string): number {
  const type = kernelTypes().struct(name) ?? kernelTypes().union(name) ?? moduleTypes().struct(name);
  if (type === undefined) bug(`the kernel has no struct ${name}`);
  return type.size;
}

/** Parameters of a raw tracepoint, without the leading `void *__data`. */
export function rawTracepointParameters(name: string): FunctionProtoType['parameters'] | undefined {
  const known = kernelTypes().function(`${PROBE_STUB}${name}`)?.parameters.slice(1);
  if (known !== undefined || !Object.hasOwn(MODULE_TRACEPOINTS, name)) return known;
  return Object.entries(MODULE_TRACEPOINTS[name]!).map(([parameter, text]) => ({
    name: parameter,
    type: typeOf(name, text),
  }));
}

function typeOf(tracepoint: string, text: string): CType {
  const type = parseTypeText(text, moduleTypes());
  if (type === undefined) bug(`${tracepoint} has no type ${text}`);
  return type;
}

// The kernel defines one such function for every tracepoint, and its BTF keeps the parameter names.
const PROBE_STUB = '__probestub_';

/** Names of all raw tracepoints, sorted. */
export function rawTracepointNames(): readonly string[] {
  return [...kernelTypes().names('function')]
    .filter((name) => name.startsWith(PROBE_STUB))
    .map((name) => name.slice(PROBE_STUB.length))
    .sort();
}
