import { assertNever } from '../source/bug.ts';
import { isAggregationType } from './aggregations.ts';
import type { Type } from './types.ts';

/** Bytes of a stack value in front of its addresses; see map-layout.ts. */
const KSTACK_HEADER = 8;
const USTACK_HEADER = 16;
/** struct bpf_stack_build_id */
const BUILD_ID_FRAME = 32;

/** Size of a value in bytes, as bpftrace 0.27 lays it out. */
export function sizeOf(type: Type): number {
  if (isAggregationType(type)) return 8;
  switch (type.kind) {
    case 'void':
    case 'timestamp_mode':
    case 'stack_mode':
      return 0;
    case 'bool':
      return 1;
    case 'int':
      return type.size;
    case 'enum':
      return type.enum.size;
    case 'string':
      return type.size;
    case 'buffer':
      return type.size + 4;
    case 'pointer':
      return 8;
    case 'array':
      return sizeOf(type.element) * type.length;
    case 'c_struct':
      return type.struct.size;
    case 'tuple':
      return aggregateLayout(type.elements).size;
    case 'record':
      return aggregateLayout(type.fields.map((field) => field.type)).size;
    case 'ksym':
    case 'username':
    case 'strerror':
      return 8;
    case 'kstack':
      return KSTACK_HEADER + type.limit * (type.mode === 'build_id' ? BUILD_ID_FRAME : 8);
    case 'ustack':
      return USTACK_HEADER + type.limit * (type.mode === 'build_id' ? BUILD_ID_FRAME : 8);
    case 'usym':
    case 'timestamp':
    case 'cgroup_path':
      return 16;
    case 'inet':
      return 24;
    case 'mac':
      return 6;
    default:
      return assertNever(type);
  }
}

/** Alignment of a value inside a tuple or record. */
export function alignOf(type: Type): number {
  switch (type.kind) {
    case 'string':
    case 'buffer':
    case 'usym':
    case 'inet':
    case 'timestamp':
    case 'mac':
    case 'cgroup_path':
      return 1;
    case 'tuple':
      return aggregateLayout(type.elements).align;
    case 'record':
      return aggregateLayout(type.fields.map((field) => field.type)).align;
    // A C struct inside a tuple is bytes to bpftrace, whatever its members' alignment.
    case 'c_struct':
      return 1;
    case 'array':
      return Math.max(1, alignOf(type.element));
    default: {
      const size = sizeOf(type);
      if (size <= 2) return Math.max(1, size);
      return size <= 4 ? 4 : 8;
    }
  }
}

export interface AggregateLayout {
  readonly offsets: readonly number[];
  readonly size: number;
  readonly align: number;
}

/** Where the elements of a tuple or record stand: in order, each at its alignment, the whole padded to the largest. */
export function aggregateLayout(elements: readonly Type[]): AggregateLayout {
  const offsets: number[] = [];
  let offset = 0;
  let align = 1;
  for (const element of elements) {
    const elementAlign = alignOf(element);
    align = Math.max(align, elementAlign);
    offset = roundUp(offset, elementAlign);
    offsets.push(offset);
    offset += sizeOf(element);
  }
  return { offsets, size: roundUp(offset, align), align };
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
