import { MAP_FLAGS } from '../abi/map-types.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import type { BtfVariable } from '../btf/types.ts';
import { badObject, demand } from './bad-object.ts';
import { SECTION_FLAGS, SECTION_TYPES, SYMBOL_TYPES } from './elf-format.ts';
import type { ElfFile, ElfSection } from './elf-reader.ts';
import { readMapVariable } from './map-btf.ts';

/** Where the maps of an object stand: a symbol's section and value lead to one, and in sections of data also to a byte of it. */
export interface MapIndex {
  /** By section number; a section of data has one map. */
  readonly data: ReadonlyMap<number, number>;
  /** By section number, then by the place in it; a text says why that map cannot be had. */
  readonly definitions: ReadonlyMap<number, ReadonlyMap<number, number | string>>;
}

/** Bytes of data that all maps together may have, whether the object holds them or asks for zeroes (.bss). */
export const MAX_DATA = 1 << 26;

/** The maps that an object declares, and those that libbpf makes of its data. */
export function readMaps(
  elf: ElfFile,
  described: readonly BtfVariable[] | undefined,
): { readonly maps: readonly MapDefinition[]; readonly index: MapIndex } {
  const maps: MapDefinition[] = [];
  const data = new Map<number, number>();
  const definitions = new Map<number, Map<number, number | string>>();
  let room = MAX_DATA;
  for (const section of elf.sections) {
    if (section.name === 'maps')
      badObject("maps in a section 'maps' are no longer taken by libbpf: declare them in .maps");
    const isData =
      /^\.(?:ro)?data(?:\.|$)|^\.bss(?:\.|$)/.test(section.name) && (section.flags & SECTION_FLAGS.alloc) !== 0;
    if (isData && section.size > 0) {
      room -= section.size;
      demand(room >= 0, `${section.name} has ${section.size} bytes: more data than the ${MAX_DATA} bytes that fit`);
      data.set(section.index, maps.push(dataMap(section)) - 1);
    }
    if (section.name !== '.maps') continue;
    const variables = new Map((described ?? badObject('no BTF describes the maps')).map((v) => [v.name, v]));
    const places = new Map<number, number | string>();
    for (const symbol of elf.symbols) {
      const isMap = symbol.section === section.index && symbol.type === SYMBOL_TYPES.object;
      if (!isMap) continue;
      const variable = variables.get(symbol.name) ?? badObject(`no BTF describes the map '${symbol.name}'`);
      const map = readMapVariable(symbol.name, variable.type);
      places.set(symbol.value, typeof map === 'string' ? map : maps.push(map) - 1);
    }
    definitions.set(section.index, places);
  }
  return { maps, index: { data, definitions } };
}

/** The array that libbpf makes of a section of data. */
function dataMap(section: ElfSection): MapDefinition {
  const isZero = section.type === SECTION_TYPES.nobits;
  const readOnly = section.name.startsWith('.rodata');
  return {
    name: section.name.slice(1),
    type: 'array',
    keySize: 4,
    valueSize: section.size,
    maxEntries: 1,
    flags: readOnly ? MAP_FLAGS.rdonly_prog : 0,
    ...(isZero ? {} : { initial: section.bytes.slice() }),
  };
}
