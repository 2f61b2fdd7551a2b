import type { MapLocation } from '../../abi/execution.ts';
import {
  ELEMENT_HEADER,
  ELEMENT_STATE,
  HASH,
  hashCoefficients,
  RECORD_FLAGS,
  RECORD_HEADER,
} from '../../abi/map-layouts.ts';
import { MAP_TYPES } from '../../abi/map-types.ts';
import type { MapDefinition } from '../../abi/program-image.ts';
import { lookupKind } from '../inlining.ts';
import type { FunctionBody } from './binary.ts';
import { TYPE } from './binary.ts';
import type { Code } from './code.ts';
import { createCode, OP } from './code.ts';

const { i32 } = TYPE;

/** What the functions need besides the layout of their map. */
export interface MapFunctionContext {
  /** Arena offset of the u32 that says on which CPU we run. */
  readonly cpu: number;
  readonly lookupHelper: number;
  readonly reserveHelper: number;
  readonly submitHelper: number;
}

const load = (code: Code, distance = 0): Code => code.access(OP.i32_load, distance);
const store = (code: Code, distance = 0): Code => code.access(OP.i32_store, distance);

/** Adds to the number on the stack the distance to the current CPU's copies. */
function addCpu(code: Code, cpu: number, cpuStride: number): void {
  if (cpuStride !== 0) load(code.i32(cpu)).i32(cpuStride).op(OP.i32_mul, OP.i32_add);
}

/** The function (key) → value or 0 of a map on its layout; undefined where lookups are the runtime's. */
export function lookupFunction(
  definition: MapDefinition,
  { address, array, hash }: MapLocation,
  context: MapFunctionContext,
): FunctionBody | undefined {
  const kind = lookupKind(definition);
  if (kind === 'array' && array !== undefined) return arrayLookup(array, context);
  return kind === 'hash' && hash !== undefined ? hashLookup(definition, address, hash, context) : undefined;
}

function arrayLookup(
  { values, stride, maxEntries, cpuStride }: NonNullable<MapLocation['array']>,
  { cpu }: MapFunctionContext,
): FunctionBody {
  const [key, code] = [0, createCode()];
  load(code.get(key)).tee(key).i32(maxEntries).op(OP.i32_ge_u);
  code.structured(OP.if, i32, '', () => {
    code.i32(0).op(OP.else).get(key).i32(stride).op(OP.i32_mul).i32(values).op(OP.i32_add);
    addCpu(code, cpu, cpuStride);
  });
  return { signature: { parameters: [i32], results: [i32] }, locals: [], code: code.bytes };
}

/** Folds the high bits of the number on the stack down; `local` is for the number. */
function fold(code: Code, shift: number, local: number): Code {
  return code.tee(local).get(local).i32(shift).op(OP.i32_shr_u, OP.i32_xor);
}

function hashLookup(
  { type, keySize }: MapDefinition,
  map: number,
  layout: NonNullable<MapLocation['hash']>,
  { cpu, lookupHelper }: MapFunctionContext,
): FunctionBody {
  const words = Array.from({ length: keySize / 4 }, (_, word) => word);
  const [key, slot, element, at] = [0, 1, 2, 3];
  const wordLocal = (word: number): number => 4 + word;
  const code = createCode();
  code.get(key).i32(3).op(OP.i32_and);
  code.structured(OP.if, TYPE.none, '', () => code.i32(map).get(key).call(lookupHelper).op(OP.return));
  const coefficients = hashCoefficients(words.length);
  for (const word of words) {
    load(code.get(key), 4 * word)
      .tee(wordLocal(word))
      .i32(coefficients[word]!)
      .op(OP.i32_mul);
    if (word > 0) code.op(OP.i32_add);
  }
  const { before, multiplier, after } = HASH.finish;
  fold(code, before, slot).i32(multiplier).op(OP.i32_mul);
  fold(code, after, slot).i32(layout.mask).op(OP.i32_and).set(slot);
  code.structured(OP.loop, TYPE.none, 'probe', () => {
    load(code.get(slot).i32(2).op(OP.i32_shl), layout.index).tee(element).op(OP.i32_eqz);
    code.structured(OP.if, TYPE.none, '', () => code.i32(0).op(OP.return));
    code.get(element).i32(1).op(OP.i32_sub).tee(element);
    code.i32(layout.keyStride).op(OP.i32_mul).i32(layout.keys).op(OP.i32_add).set(at);
    // Different words leave bits.
    code.i32(0);
    for (const word of words) {
      load(code.get(at), ELEMENT_HEADER + 4 * word)
        .get(wordLocal(word))
        .op(OP.i32_xor, OP.i32_or);
    }
    code.op(OP.i32_eqz);
    code.structured(OP.if, TYPE.none, '', () => {
      if (layout.lru) store(code.get(at).i32(ELEMENT_STATE.referenced), 4);
      code.get(element).i32(layout.valueStride).op(OP.i32_mul).i32(layout.values).op(OP.i32_add);
      addCpu(code, cpu, MAP_TYPES[type].perCpu ? layout.cpuStride : 0);
      code.op(OP.return);
    });
    code.get(slot).i32(1).op(OP.i32_add).i32(layout.mask).op(OP.i32_and).set(slot);
    code.branch(OP.br, 'probe');
  });
  code.op(OP.unreachable);
  const locals = [slot, element, at, ...words].map(() => i32);
  return { signature: { parameters: [i32], results: [i32] }, locals, code: code.bytes };
}

/** The function (size) → record or 0 of a ring buffer. */
export function reserveFunction(
  map: number,
  { data, mask, producer, consumer }: NonNullable<MapLocation['ring']>,
  { reserveHelper }: MapFunctionContext,
): FunctionBody {
  const [size, position, next, at] = [0, 1, 2, 3];
  const code = createCode();
  load(code.i32(producer)).tee(position);
  code
    .get(size)
    .i32(RECORD_HEADER + 7)
    .op(OP.i32_add)
    .i32(-8)
    .op(OP.i32_and, OP.i32_add)
    .tee(next);
  load(code.i32(consumer))
    .op(OP.i32_sub)
    .i32(mask + 1)
    .op(OP.i32_gt_s);
  // The runtime counts what does not fit.
  code.structured(OP.if, TYPE.none, '', () =>
    code.i32(map).get(size).i32(0).i32(0).i32(0).call(reserveHelper).op(OP.return),
  );
  code.get(position).i32(mask).op(OP.i32_and).i32(data).op(OP.i32_add).tee(at);
  store(code.get(size).i32(RECORD_FLAGS.busy).op(OP.i32_or));
  store(code.i32(producer).get(next));
  code.get(at).i32(RECORD_HEADER).op(OP.i32_add);
  return { signature: { parameters: [i32], results: [i32] }, locals: [i32, i32, i32], code: code.bytes };
}

/** The function (record, flags, high half of flags) that submits; the runtime wakes a consumer that waits for this very record. */
export function submitFunction(
  { consumer, data, mask }: NonNullable<MapLocation['ring']>,
  { submitHelper }: MapFunctionContext,
): FunctionBody {
  const [record, flags, flagsHigh, header] = [0, 1, 2, 3];
  const code = createCode();
  code.get(record).i32(RECORD_HEADER).op(OP.i32_sub).set(header);
  code.get(flags).get(flagsHigh).op(OP.i32_or);
  load(code.i32(consumer)).i32(mask).op(OP.i32_and).i32(data).op(OP.i32_add);
  code.get(header).op(OP.i32_eq, OP.i32_or);
  code.structured(OP.if, TYPE.none, '', () => {
    code.get(record).get(flags).get(flagsHigh).call(submitHelper).op(OP.drop, OP.else);
    store(load(code.get(header).get(header)).i32(RECORD_FLAGS.length).op(OP.i32_and));
  });
  return { signature: { parameters: [i32, i32, i32], results: [] }, locals: [i32], code: code.bytes };
}
