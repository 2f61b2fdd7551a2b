import type { MapDefinition } from '../../abi/program-image.ts';
import { allocateIfRoom, copyBytes, roundUp8, zeroBytes } from '../arena.ts';
import { ERRNO } from '../errno.ts';
import { withoutElements, type BpfMap, type MapHost } from './bpf-map.ts';

/** Values that tasks own: at most one of each such map per task, gone with the task. Addresses are arena offsets. */
export interface TaskStorageMap extends BpfMap {
  /** The task's value, or 0; `create` makes one, if there is memory, that starts as a copy of `initial`, or as zeros. */
  valueOf(task: number, create: boolean, initial: number): number;
  remove(task: number): number;
}

/** Values given back are not used again before so many others: a program may still hold the address of one (RCU frees them). */
const QUARANTINE = 64;

/** BPF_MAP_TYPE_TASK_STORAGE (kernel/bpf/bpf_task_storage.c, bpf_local_storage.c); user space names tasks by pidfd, which we do not. */
export function createTaskStorageMap(definition: MapDefinition, address: number, host: MapHost): TaskStorageMap {
  const { arena } = host;
  const size = roundUp8(definition.valueSize);
  const values = new Map<number, number>();
  const freed: number[] = [];

  function remove(task: number): number {
    const value = values.get(task);
    if (value === undefined) return -ERRNO.ENOENT;
    values.delete(task);
    freed.push(value);
    return 0;
  }

  function valueOf(task: number, create: boolean, initial: number): number {
    const known = values.get(task);
    if (known !== undefined || !create) return known ?? 0;
    const value = freed.length > QUARANTINE ? freed.shift()! : allocateIfRoom(arena, size);
    if (value === 0) return 0;
    if (initial === 0) zeroBytes(arena, value, size);
    else copyBytes(arena, value, initial, definition.valueSize);
    values.set(task, value);
    return value;
  }

  const stopListening = host.onTaskFreed?.((task) => void remove(task));
  return {
    ...withoutElements(definition, { address }),
    valueOf,
    remove,
    clear() {
      for (const task of [...values.keys()]) remove(task);
    },
    zero() {
      for (const value of values.values()) zeroBytes(arena, value, size);
    },
    release: () => stopListening?.(),
  };
}

/** The flag of bpf_task_storage_get that makes a value where there is none (BPF_LOCAL_STORAGE_GET_F_CREATE). */
export const STORAGE_CREATE = 1;
