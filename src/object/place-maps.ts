import type { MapDefinition, Program } from '../abi/program-image.ts';
import { MAP_FLAGS } from '../abi/map-types.ts';
import { badObject, demand } from './bad-object.ts';

/** Where a map stands in an object. libbpf makes an array of one element from each section of data. */
export type MapPlace =
  { readonly kind: 'definition' } | { readonly kind: 'data'; readonly section: string; readonly readOnly: boolean };

/** What a map must be for its name to be that of a section of data, as `readObject` names them. */
const OWN_SECTIONS: readonly { readonly name: RegExp; readonly readOnly: boolean; readonly isZero?: true }[] = [
  { name: /^rodata(?:\.|$)/, readOnly: true },
  { name: /^data(?:\.|$)/, readOnly: false },
  { name: /^bss(?:\.|$)/, readOnly: false, isZero: true },
];

/** Maps whose value's address programs load are data to libbpf; all others are definitions. */
export function placeMaps(programs: readonly Program[], maps: readonly MapDefinition[]): readonly MapPlace[] {
  const references = programs.flatMap(({ relocations }) => relocations);
  return maps.map((map, index): MapPlace => {
    const own = references.filter((reference) => reference.map === index);
    const isData = map.initial !== undefined || own.some(({ offset }) => offset !== undefined);
    if (!isData) return { kind: 'definition' };
    const fits = map.type === 'array' && map.keySize === 4 && map.maxEntries === 1;
    demand(fits, `map '${map.name}': only an array with one element has a value with an address`);
    if (own.some(({ offset }) => offset === undefined))
      badObject(`map '${map.name}': an object cannot hold both its address and its value's`);
    const readOnly = (map.flags & MAP_FLAGS.rdonly_prog) !== 0;
    const prefix = readOnly ? '.rodata' : '.data';
    const isNamed = OWN_SECTIONS.some(
      (row) => row.name.test(map.name) && row.readOnly === readOnly && !(row.isZero && map.initial !== undefined),
    );
    return { kind: 'data', section: isNamed ? `.${map.name}` : `${prefix}.${map.name}`, readOnly };
  });
}
