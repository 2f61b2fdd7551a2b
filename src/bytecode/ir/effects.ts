import { HELPERS, type HelperName } from '../../abi/helpers.ts';
import type { ArgKind } from '../../abi/helper-types.ts';
import type { Instr } from './ir.ts';

/**
 * Helpers whose result does not change while a program runs and that touch nothing: equal calls are one call, unused
 * calls are none. A program runs on one CPU and for one task from start to end.
 */
const CONSTANT_HELPERS: ReadonlySet<HelperName> = new Set<HelperName>([
  'get_smp_processor_id',
  'get_current_pid_tgid',
  'get_current_uid_gid',
  'get_current_task',
  'get_numa_node_id',
  'get_current_cgroup_id',
]);

/** Helpers that change nothing that anybody sees except memory of the program that they are handed. */
const UNOBSERVABLE_HELPERS: ReadonlySet<HelperName> = new Set<HelperName>([
  'ktime_get_ns',
  'ktime_get_boot_ns',
  'ktime_get_tai_ns',
  'get_prandom_u32',
  'map_lookup_elem',
  'map_lookup_percpu_elem',
  'per_cpu_ptr',
  'this_cpu_ptr',
  'strncmp',
  'strnstr',
]);

const WRITTEN: ReadonlySet<ArgKind> = new Set<ArgKind>([
  'uninit_mem',
  'written_mem',
  'written_mem_or_null',
  'uninit_map_value',
]);

/** Same operands, same result, at any time. */
export function isPure(instr: Instr): boolean {
  switch (instr.op) {
    case 'const':
    case 'alu':
    case 'extend':
    case 'swap':
    case 'compare':
    case 'slot_address':
    case 'map':
    case 'map_value':
    case 'variable':
    case 'function':
      return true;
    case 'load':
      return instr.invariant;
    case 'call':
      return CONSTANT_HELPERS.has(instr.helper);
    default:
      return false;
  }
}

/** May be dropped when nothing uses the result. */
export function isRemovable(instr: Instr): boolean {
  return (
    isPure(instr) ||
    instr.op === 'phi' ||
    instr.op === 'param' ||
    instr.op === 'load' ||
    (instr.op === 'call' && UNOBSERVABLE_HELPERS.has(instr.helper))
  );
}

/** Whether argument `index` of a helper points at memory that the helper fills and does not read. */
export function helperWrites(helper: HelperName, index: number): boolean {
  const kind = HELPERS[helper].args[index];
  return kind !== undefined && WRITTEN.has(kind);
}
