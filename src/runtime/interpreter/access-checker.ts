import type { ExecutionEnvironment } from '../../abi/execution.ts';
import type { HelperRow } from '../../abi/helpers.ts';
import type { ArgKind } from '../../abi/helper-types.ts';
import { MAP_FLAGS } from '../../abi/map-types.ts';
import type { MapDefinition, ProgramImage } from '../../abi/program-image.ts';
import { MAX_BPF_STACK } from '../../isa/instruction.ts';

/** A program touched memory that its verifier should have kept it from. */
class AccessViolation extends Error {
  override readonly name = 'AccessViolation';
}

export interface CheckedContext {
  readonly size: number;
  readonly writable: boolean;
}

export interface AccessChecker {
  readonly begin: (context: number) => void;
  readonly enterFrame: (top: number) => void;
  readonly leaveFrame: (top: number) => void;
  readonly read: (slot: number, offset: number, size: number) => void;
  readonly write: (slot: number, offset: number, size: number) => void;
  /** `values`: low halves of r1 to r5. */
  readonly beforeHelper: (slot: number, row: HelperRow, values: readonly number[]) => void;
  readonly afterHelper: (row: HelperRow, values: readonly number[], result: number) => void;
  /** `args`: five 64-bit arguments as words. */
  readonly enterCallback: (row: HelperRow, values: readonly number[], args: Int32Array) => void;
}

export interface CheckedRun {
  readonly image: ProgramImage;
  readonly environment: ExecutionEnvironment;
  readonly context: CheckedContext;
  /** Lets a program read stack that it has not written. */
  readonly lenientStack?: boolean;
}

const READ = 1;
const WRITE = 2;
/** Readable by the program once written: stack of a live frame. */
const UNWRITTEN_STACK = 4;

/**
 * The checking mode of the interpreter: one byte of permission per byte of arena, granted as the running program gains
 * memory (context, frames, looked-up values, ring-buffer records, arguments of callbacks) and withdrawn as it loses it.
 * Stack must be written before it is read, unless `lenientStack`: the kernel lets privileged programs read what an earlier
 * program left there.
 */
export function createAccessChecker({ image, environment, context, lenientStack }: CheckedRun): AccessChecker {
  const rights = new Uint8Array(environment.buffer.byteLength);
  /** Live ring-buffer records: address to size. */
  const records = new Map<number, number>();

  function demand(what: string, slot: number, offset: number, size: number, right: number): void {
    for (let at = offset; at < offset + size; at++) {
      if ((rights[at]! & right) === 0) {
        const why = (rights[at]! & UNWRITTEN_STACK) !== 0 ? 'unwritten stack' : 'memory it does not own';
        throw new AccessViolation(`slot ${slot} ${what} ${size} bytes at ${offset}: ${why} at ${at}`);
      }
    }
  }

  function grant(offset: number, size: number, right: number): void {
    rights.fill(right, offset, offset + size);
  }

  function write(slot: number, offset: number, size: number): void {
    demand('writes', slot, offset, size, WRITE);
    grant(offset, size, READ | WRITE);
  }

  function read(slot: number, offset: number, size: number): void {
    demand('reads', slot, offset, size, lenientStack === true ? READ | UNWRITTEN_STACK : READ);
  }

  function mapOf(row: HelperRow, values: readonly number[]): MapDefinition | undefined {
    const at = row.args.indexOf('const_map_ptr');
    return image.maps[environment.maps.findIndex((map) => map.address === values[at])];
  }

  function valueRights(map: MapDefinition | undefined): number {
    return map !== undefined && (map.flags & MAP_FLAGS.rdonly_prog) !== 0 ? READ : READ | WRITE;
  }

  return {
    begin(at) {
      rights.fill(0);
      records.clear();
      grant(at, context.size, context.writable ? READ | WRITE : READ);
      // A ld_imm64 may address the one value of an array map without any lookup.
      image.maps.forEach((map, index) => {
        const array = environment.maps[index]?.array;
        if (array?.maxEntries === 1 && array.cpuStride === 0) grant(array.values, map.valueSize, valueRights(map));
      });
    },
    enterFrame(top) {
      grant(top - MAX_BPF_STACK, MAX_BPF_STACK, WRITE | UNWRITTEN_STACK);
    },
    leaveFrame(top) {
      grant(top - MAX_BPF_STACK, MAX_BPF_STACK, 0);
    },
    read,
    write,
    beforeHelper(slot, row, values) {
      const map = mapOf(row, values);
      const sizeAfter = (index: number): number => values[index + 1]! >>> 0;
      const checks: Partial<Record<ArgKind, (offset: number, index: number) => void>> = {
        map_key: (offset) => read(slot, offset, map?.keySize ?? 0),
        map_value: (offset) => read(slot, offset, map?.valueSize ?? 0),
        map_value_or_null: (offset) => offset !== 0 && read(slot, offset, map?.valueSize ?? 0),
        uninit_map_value: (offset) => write(slot, offset, map?.valueSize ?? 0),
        mem: (offset, index) => read(slot, offset, sizeAfter(index)),
        mem_or_null: (offset, index) => offset !== 0 && read(slot, offset, sizeAfter(index)),
        long: (offset) => write(slot, offset, 8),
        uninit_mem: (offset, index) => write(slot, offset, sizeAfter(index)),
        ringbuf_mem: (offset) => {
          const size = records.get(offset);
          if (size === undefined) throw new AccessViolation(`slot ${slot} returns ${offset}, which is no live record`);
          records.delete(offset);
          grant(offset, size, 0);
        },
      };
      row.args.forEach((kind, index) => checks[kind]?.(values[index]! >>> 0, index));
    },
    afterHelper(row, values, result) {
      if (result === 0) return;
      if (row.ret === 'map_value_or_null') {
        const map = mapOf(row, values);
        grant(result, map?.valueSize ?? 0, valueRights(map));
      } else if (row.ret === 'ringbuf_mem_or_null') {
        const size = values[row.args.indexOf('const_alloc_size_or_zero')]!;
        records.set(result, size);
        grant(result, size, READ | WRITE);
      }
    },
    enterCallback(row, values, args) {
      // for_each_map_elem calls with (map, key, value, context); the keys and values come from no lookup.
      const map = mapOf(row, values);
      if (map === undefined) return;
      grant(args[2]! >>> 0, map.keySize, READ);
      grant(args[4]! >>> 0, map.valueSize, valueRights(map));
    },
  };
}
