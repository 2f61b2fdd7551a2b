import type { MapLocation } from '../abi/execution.ts';
import {
  ELEMENT_HEADER,
  ELEMENT_STATE,
  HASH,
  hashCoefficients,
  RECORD_FLAGS,
  RECORD_HEADER,
} from '../abi/map-layouts.ts';
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

/**
 * Most keys are where they are looked for first: what comes after is a function of its own, so that V8 has no loop to inline.
 * A slot holds the number of its element plus one, hence the places one element below.
 */
function emitHashLookup({ name, type, keySize }: MapDefinition, index: number, writer: Writer): void {
  const words = Array.from({ length: keySize / 4 }, (_, word) => word);
  const keys = words.map((word) => `k${word}`).join(', ');
  const cpu = MAP_TYPES[type].perCpu ? ` + imul(HEAP32[CPU >> 2], CPU_STRIDE${index})` : '';
  const probe = (rest: () => void): void => {
    writer.line(`const entry = HEAP32[(INDEX${index} >> 2) + slot];`);
    writer.line('if (entry === 0) return 0;');
    writer.line(`const at = KEYS_BELOW${index} + imul(entry, KEY_STRIDE${index}) | 0;`);
    const equal = words.map((word) => `HEAP32[(at >> 2) + ${ELEMENT_HEADER / 4 + word}] === k${word}`);
    writer.block(`if (${equal.join(' && ')})`, () => {
      if (type.startsWith('lru')) writer.line(`HEAP32[(at >> 2) + 1] = ${ELEMENT_STATE.referenced};`);
      writer.line(`return VALUES_BELOW${index} + imul(entry, STRIDE${index})${cpu} | 0;`);
    });
    rest();
  };
  writer.line(`// ${name.replaceAll(/\W/g, '_')}: ${type} with keys of ${keySize} bytes`);
  writer.block(`function ${lookupSymbol(index)}(${keys})`, () => {
    const { before, multiplier, after } = HASH.finish;
    const coefficients = hashCoefficients(words.length);
    writer.line(`let hash = ${words.map((word) => `imul(k${word}, ${coefficients[word]!})`).join(' + ')} | 0;`);
    writer.line(`hash = imul(hash ^ hash >>> ${before}, ${multiplier});`);
    writer.line(`const slot = (hash ^ hash >>> ${after}) & MASK${index};`);
    probe(() => writer.line(`return ${lookupSymbol(index)}_next(slot, ${keys});`));
  });
  writer.block(`function ${lookupSymbol(index)}_next(first, ${keys})`, () => {
    writer.block(`for (let slot = first + 1 & MASK${index};; slot = slot + 1 & MASK${index})`, () =>
      probe(() => undefined),
    );
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
      [`KEYS_BELOW${index}`, hash.keys - hash.keyStride],
      [`KEY_STRIDE${index}`, hash.keyStride],
      [`VALUES_BELOW${index}`, hash.values - hash.valueStride],
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
