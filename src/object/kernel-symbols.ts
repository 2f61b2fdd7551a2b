import { HELPERS, type HelperName, type HelperRow } from '../abi/helpers.ts';
import type { CType, FunctionProtoType, IntType, StructType } from '../btf/types.ts';

/** A function or variable of the kernel's own that programs name; libbpf finds it by its name and compares the types. */
export interface KernelSymbol {
  readonly id: number;
  /** As the kernel calls it. */
  readonly name: string;
  readonly type: CType;
}

type KernelFunctionName = {
  [K in HelperName]: (typeof HELPERS)[K] extends { kfunc: object } ? K : never;
}[HelperName];

const INT: IntType = { kind: 'int', name: 'int', size: 4, signed: true, bool: false, char: false };
const CHAR: IntType = { kind: 'int', name: 'char', size: 1, signed: true, bool: false, char: false };
const SIZE: IntType = { kind: 'int', name: 'unsigned long', size: 8, signed: false, bool: false, char: false };
const TEXT: CType = { kind: 'pointer', to: { kind: 'qualifier', qualifier: 'const', type: CHAR } };
/** libbpf compares structs behind pointers by their kind only. */
const TASK: StructType = { kind: 'struct', name: 'task_struct', size: 0, members: [] };

const TYPES: Record<KernelFunctionName, FunctionProtoType> = {
  session_is_return: {
    kind: 'function',
    returns: { kind: 'int', name: '_Bool', size: 1, signed: false, bool: true, char: false },
    parameters: [{ name: 'ctx', type: { kind: 'pointer', to: { kind: 'void' } } }],
    variadic: false,
  },
  strnstr: {
    kind: 'function',
    returns: INT,
    parameters: [
      { name: 's1__ign', type: TEXT },
      { name: 's2__ign', type: TEXT },
      { name: 'len', type: SIZE },
    ],
    variadic: false,
  },
  task_from_pid: {
    kind: 'function',
    returns: { kind: 'pointer', to: TASK },
    parameters: [{ name: 'pid', type: INT }],
    variadic: false,
  },
  task_release: {
    kind: 'function',
    returns: { kind: 'void' },
    parameters: [{ name: 'p', type: { kind: 'pointer', to: TASK } }],
    variadic: false,
  },
};

const FUNCTIONS: readonly KernelSymbol[] = (Object.keys(TYPES) as KernelFunctionName[]).map((name) => {
  const row: HelperRow = HELPERS[name];
  return { id: row.id, name: `bpf_${name}`, type: TYPES[name] };
});

export function kernelFunction(id: number): KernelSymbol | undefined {
  return FUNCTIONS.find((row) => row.id === id);
}

export function kernelFunctionNamed(name: string): KernelSymbol | undefined {
  return FUNCTIONS.find((row) => row.name === name);
}

/** A type without what lies behind its structs, which libbpf does not compare. */
export function outlineOf(type: CType): CType {
  switch (type.kind) {
    case 'struct':
    case 'union':
      return { kind: type.kind, name: type.name, size: 0, members: [] };
    case 'typedef':
    case 'qualifier':
      return outlineOf(type.type);
    case 'pointer':
      return { kind: 'pointer', to: outlineOf(type.to) };
    case 'array':
      return { kind: 'array', element: outlineOf(type.element), length: type.length };
    case 'function': {
      const parameters = type.parameters.map((parameter) => ({ ...parameter, type: outlineOf(parameter.type) }));
      return { ...type, returns: outlineOf(type.returns), parameters };
    }
    default:
      return type;
  }
}
