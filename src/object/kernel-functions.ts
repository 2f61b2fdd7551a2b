import { HELPERS, type HelperName, type HelperRow } from '../abi/helpers.ts';
import type { FunctionProtoType } from '../btf/types.ts';

/** A function of the kernel's own that programs may call; libbpf finds it by its name and compares the types. */
export interface KernelFunction {
  readonly id: number;
  /** As the kernel calls it. */
  readonly name: string;
  readonly type: FunctionProtoType;
}

type KernelFunctionName = {
  [K in HelperName]: (typeof HELPERS)[K] extends { kfunc: true } ? K : never;
}[HelperName];

const TYPES: Record<KernelFunctionName, FunctionProtoType> = {
  session_is_return: {
    kind: 'function',
    returns: { kind: 'int', name: '_Bool', size: 1, signed: false, bool: true, char: false },
    parameters: [{ name: 'ctx', type: { kind: 'pointer', to: { kind: 'void' } } }],
    variadic: false,
  },
};

const FUNCTIONS: readonly KernelFunction[] = Object.entries(TYPES).map(([name, type]) => {
  const row: HelperRow = HELPERS[name as KernelFunctionName];
  return { id: row.id, name: `bpf_${name}`, type };
});

export function kernelFunction(id: number): KernelFunction | undefined {
  return FUNCTIONS.find((row) => row.id === id);
}

export function kernelFunctionNamed(name: string): KernelFunction | undefined {
  return FUNCTIONS.find((row) => row.name === name);
}
