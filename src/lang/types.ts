import type { EnumType, StructType, UnionType } from '../btf/types.ts';

export type IntSize = 1 | 2 | 4 | 8;
/** Where a pointer's target lives; decides probe_read_kernel or probe_read_user. `none` is memory that the program may read directly. */
export type AddressSpace = 'kernel' | 'user' | 'none';
export type StackMode = 'bpftrace' | 'perf' | 'raw' | 'build_id';

/**
 * The types of bpftrace 0.27. Sizes and alignment: layout.ts. Text, as messages print them: type-name.ts.
 */
export type Type =
  /** No value: the result of printf and friends. */
  | { readonly kind: 'void' }
  | { readonly kind: 'bool' }
  /** `flexible`, while types are inferred: of a non-negative literal, takes the sign of what it meets. */
  | { readonly kind: 'int'; readonly size: IntSize; readonly signed: boolean; readonly flexible?: true }
  | { readonly kind: 'enum'; readonly enum: EnumType; readonly name: string }
  /** `size` counts the terminating NUL. */
  | { readonly kind: 'string'; readonly size: number }
  /** Raw bytes with a u32 length in front: `size` is the capacity. */
  | { readonly kind: 'buffer'; readonly size: number }
  | { readonly kind: 'pointer'; readonly to: Type; readonly space: AddressSpace }
  | { readonly kind: 'array'; readonly element: Type; readonly length: number }
  /** A C struct or union, read from kernel or user memory, from the context (`args`) or held as bytes. */
  | { readonly kind: 'c_struct'; readonly struct: StructType | UnionType; readonly space: AddressSpace }
  | { readonly kind: 'tuple'; readonly elements: readonly Type[] }
  | { readonly kind: 'record'; readonly fields: readonly { readonly name: string; readonly type: Type }[] }
  // Map values that aggregate; per-CPU in the kernel, combined when read.
  | { readonly kind: 'count' }
  | { readonly kind: 'sum'; readonly signed: boolean }
  | { readonly kind: 'avg'; readonly signed: boolean }
  | { readonly kind: 'min'; readonly signed: boolean }
  | { readonly kind: 'max'; readonly signed: boolean }
  | { readonly kind: 'stats'; readonly signed: boolean }
  | { readonly kind: 'hist'; readonly bits: number }
  | { readonly kind: 'lhist'; readonly min: bigint; readonly max: bigint; readonly step: bigint }
  | {
      readonly kind: 'tseries';
      readonly intervalNs: bigint;
      readonly intervals: number;
      readonly aggregation: 'none' | 'avg' | 'max' | 'min' | 'sum';
      readonly signed: boolean;
    }
  // Values that user space turns into text.
  | { readonly kind: 'kstack'; readonly mode: StackMode; readonly limit: number }
  | { readonly kind: 'ustack'; readonly mode: StackMode; readonly limit: number }
  | { readonly kind: 'ksym' }
  | { readonly kind: 'usym' }
  /** u32 family (AF_INET, AF_INET6) in front of 16 bytes of address. */
  | { readonly kind: 'inet' }
  | { readonly kind: 'mac' }
  /** strftime(): index of the format, mode and nanoseconds. The mode is that of the clock its argument was read from. */
  | { readonly kind: 'timestamp'; readonly mode?: 'monotonic' | 'boot' | 'tai' | 'sw_tai' }
  | { readonly kind: 'username' }
  | { readonly kind: 'cgroup_path' }
  | { readonly kind: 'strerror' }
  | { readonly kind: 'timestamp_mode' }
  | { readonly kind: 'stack_mode' };
export type TypeKind = Type['kind'];

export const VOID: Type = { kind: 'void' };
export const BOOL: Type = { kind: 'bool' };
export const intType = (size: IntSize, signed: boolean): Type => ({ kind: 'int', size, signed });
export const INT64: Type = intType(8, true);
export const UINT64: Type = intType(8, false);
export const INT32: Type = intType(4, true);
export const UINT32: Type = intType(4, false);
