import type { MapLocation } from '../abi/execution.ts';
import { ELEMENT_HEADER, ELEMENT_STATE, HASH, RECORD_FLAGS, RECORD_HEADER } from '../abi/map-layouts.ts';
import { MAP_TYPES } from '../abi/map-types.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import { lookupKind } from './inlining.ts';
import { mapSymbol, mapValuesSymbol } from './transfer.ts';
import type { Writer } from './writer.ts';

/** Name of the function that looks a key up in map `index`. */
export function lookupSymbol(index: number): string {
  return `lookup${index}`;
}

/** Name of the function that reserves a record of ring buffer `index`. */
export function reserveSymbol(index: number): string {
  return `reserve${index}`;
}

/** Name of the function that submits a record, in images with one ring buffer. */
export const SUBMIT_SYMBOL = 'submit';

/** Writes the functions through which generated code works on the layout of map `index`; the runtime does what is rare. */
export function emitMapFunctions(definition: MapDefinition, index: number, writer: Writer): void {
  if (lookupKind(definition) === 'hash') emitHashLookup(definition, index, writer);
  else if (definition.type === 'ringbuf') emitReserve(index, writer);
}

function emitHashLookup({ name, type, keySize }: MapDefinition, index: number, writer: Writer): void {
  const words = Array.from({ length: keySize / 4 }, (_, word) => word);
  const cpu = MAP_TYPES[type].perCpu ? ` + imul(HEAP32[CPU >> 2], CPU_STRIDE${index})` : '';
  writer.line(`// ${name.replaceAll(/\W/g, '_')}: ${type} with keys of ${keySize} bytes`);
  writer.block(`function ${lookupSymbol(index)}(${words.map((word) => `k${word}`).join(', ')})`, () => {
    const { before, multiplier, after } = HASH.finish;
    writer.line(`let hash = imul(k0, ${HASH.word});`);
    for (const word of words.slice(1))
      writer.line(`hash = imul(hash, ${HASH.chain}) + imul(k${word}, ${HASH.word}) | 0;`);
    writer.line(`hash = imul(hash ^ hash >>> ${before}, ${multiplier});`);
    writer.line(`hash ^= hash >>> ${after};`);
    writer.block(`for (let slot = hash & MASK${index};; slot = slot + 1 & MASK${index})`, () => {
      writer.line(`const element = HEAP32[(INDEX${index} >> 2) + slot] - 1;`);
      writer.line('if (element < 0) return 0;');
      writer.line(`const at = KEYS${index} + imul(element, KEY_STRIDE${index}) | 0;`);
      const equal = words.map((word) => `HEAP32[(at >> 2) + ${ELEMENT_HEADER / 4 + word}] === k${word}`);
      writer.block(`if (${equal.join(' && ')})`, () => {
        if (type.startsWith('lru')) writer.line(`HEAP32[(at >> 2) + 1] = ${ELEMENT_STATE.referenced};`);
        writer.line(`return ${mapValuesSymbol(index)} + imul(element, STRIDE${index})${cpu} | 0;`);
      });
    });
  });
}

function emitReserve(index: number, writer: Writer): void {
  writer.block(`function ${reserveSymbol(index)}(size, total)`, () => {
    writer.line(`const position = HEAP32[PRODUCER${index} >> 2];`);
    // The runtime counts what does not fit.
    writer.line('const next = position + total | 0;');
    writer.line(
      `if ((next - HEAP32[CONSUMER${index} >> 2] | 0) > MASK${index} + 1) ` +
        `return bpf_ringbuf_reserve(${mapSymbol(index)}, size, 0, 0, 0);`,
    );
    writer.line(`const record = (position & MASK${index}) + RECORDS${index} | 0;`);
    writer.line(`HEAP32[PRODUCER${index} >> 2] = next;`);
    writer.line(`HEAP32[(record >> 2) - 2] = size | ${RECORD_FLAGS.busy};`);
    writer.line('return record;');
  });
}

/** Writes the function that submits a record of the only ring; the runtime wakes a consumer that waits for this very record. */
export function emitSubmit(index: number, writer: Writer): void {
  writer.block(`function ${SUBMIT_SYMBOL}(record, flags, flagsHigh)`, () => {
    writer.line(
      `if ((flags | flagsHigh) !== 0 || (HEAP32[CONSUMER${index} >> 2] & MASK${index}) + RECORDS${index} === record) ` +
        'bpf_ringbuf_submit(record, flags, flagsHigh);',
    );
    writer.line(`else HEAP32[(record >> 2) - 2] &= ${RECORD_FLAGS.length};`);
  });
}

/** What generated code knows of a map by name: its address, and where its parts are. */
export function mapConstants({ address, array, hash, ring }: MapLocation, index: number): [string, number][] {
  const constants: [string, number][] = [[mapSymbol(index), address]];
  if (array !== undefined) {
    constants.push(
      [mapValuesSymbol(index), array.values],
      [`STRIDE${index}`, array.stride],
      [`CPU_STRIDE${index}`, array.cpuStride],
      [`ENTRIES${index}`, array.maxEntries],
    );
  }
  if (hash !== undefined) {
    constants.push(
      [`INDEX${index}`, hash.index],
      [`MASK${index}`, hash.mask],
      [`KEYS${index}`, hash.keys],
      [`KEY_STRIDE${index}`, hash.keyStride],
      [mapValuesSymbol(index), hash.values],
      [`STRIDE${index}`, hash.valueStride],
      [`CPU_STRIDE${index}`, hash.cpuStride],
    );
  }
  if (ring !== undefined) {
    constants.push(
      [`RECORDS${index}`, ring.data + RECORD_HEADER],
      [`MASK${index}`, ring.mask],
      [`PRODUCER${index}`, ring.producer],
      [`CONSUMER${index}`, ring.consumer],
    );
  }
  return constants;
}
