import { MAP_TYPES, type MapType } from '../abi/map-types.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import { sizeOf } from '../btf/layout.ts';
import type { CType, IntType, StructType } from '../btf/types.ts';
import { badObject, demand } from './bad-object.ts';

/*
 * A map as libbpf declares it: a variable in .maps of a struct type that no value is ever stored in. Each member is a
 * pointer, and what it points at says the property: a number is the length of an array, a type is the type itself.
 */
export const INT: IntType = { kind: 'int', name: 'int', size: 4, signed: true, bool: false, char: false };
const POINTER_BITS = 64;

/** Types of keys and values, where more is known than their sizes. */
export interface MapTypes {
  readonly key?: CType;
  readonly value?: CType;
}

const number = (length: number): CType => ({ kind: 'array', element: INT, length });

/** The type of a map's variable. */
export function mapVariableType(map: MapDefinition, types: MapTypes = {}): StructType {
  const properties: [string, CType][] = [['type', number(MAP_TYPES[map.type].id)]];
  if (map.flags !== 0) properties.push(['map_flags', number(map.flags)]);
  if (map.maxEntries !== 0) properties.push(['max_entries', number(map.maxEntries)]);
  const sized = (property: 'key' | 'value', size: number): void => {
    const type = types[property];
    if (type !== undefined && sizeOf(type) === size) properties.push([property, type]);
    else if (size !== 0) properties.push([`${property}_size`, number(size)]);
  };
  sized('key', map.keySize);
  sized('value', map.valueSize);
  return {
    kind: 'struct',
    name: '',
    size: properties.length * (POINTER_BITS / 8),
    members: properties.map(([name, to], index) => ({
      name,
      type: { kind: 'pointer', to },
      offsetBits: index * POINTER_BITS,
    })),
  };
}

const TYPE_BY_ID = new Map<number, MapType>(
  (Object.keys(MAP_TYPES) as MapType[]).map((name) => [MAP_TYPES[name].id, name]),
);

type Numbers = Partial<Record<'type' | 'key_size' | 'value_size' | 'max_entries' | 'map_flags', number>>;

/** Members that do not change what the map is to a program here. */
const IGNORED: ReadonlySet<string> = new Set(['pinning', 'numa_node', 'map_extra']);

/** Structs that the kernel looks after when they stand in a map's value (btf_parse_fields in kernel/bpf/btf.c). */
const SPECIAL_STRUCTS: ReadonlySet<string> = new Set(
  'spin_lock res_spin_lock timer wq task_work list_head list_node rb_root rb_node refcount'
    .split(' ')
    .map((name) => `bpf_${name}`),
);
const SPECIAL_POINTERS: ReadonlySet<string> = new Set(['kptr', 'kptr_untrusted', 'percpu_kptr', 'uptr']);

/** What a value holds that is more than bytes, undefined if nothing is. */
function specialField(type: CType): string | undefined {
  switch (type.kind) {
    case 'typedef':
    case 'qualifier':
      return specialField(type.type);
    case 'array':
      return specialField(type.element);
    case 'pointer':
      return SPECIAL_POINTERS.has(type.tag ?? '') ? `a ${type.tag}` : undefined;
    case 'struct':
    case 'union':
      if (SPECIAL_STRUCTS.has(type.name)) return `a struct ${type.name}`;
      for (const member of type.members) {
        const found = specialField(member.type);
        if (found !== undefined) return found;
      }
      return undefined;
    default:
      return undefined;
  }
}

/** The map that a variable of .maps declares; a text, when there are no such maps here. */
export function readMapVariable(name: string, type: CType): MapDefinition | string {
  const where = `map '${name}'`;
  demand(type.kind === 'struct', `${where} is no struct with the properties of a map`);
  const numbers: Numbers = {};
  let special: string | undefined;
  for (const member of type.members) {
    if (IGNORED.has(member.name)) continue;
    const to = member.type.kind === 'pointer' ? member.type.to : badObject(`${where}: '${member.name}' is no pointer`);
    switch (member.name) {
      case 'type':
      case 'key_size':
      case 'value_size':
      case 'max_entries':
      case 'map_flags':
        numbers[member.name] = to.kind === 'array' ? to.length : badObject(`${where}: '${member.name}' is no number`);
        break;
      case 'key':
      case 'value':
        numbers[`${member.name}_size`] =
          sizeOf(to) ?? badObject(`${where}: the type of its ${member.name} has no size`);
        demand(numbers[`${member.name}_size`]! <= 0xffff_ffff, `${where}: its ${member.name} is too large`);
        special ??= specialField(to);
        break;
      // What a map of programs or of maps holds at first; each is a number of four bytes there.
      case 'values':
        numbers.value_size ??= 4;
        break;
      default:
        badObject(`${where}: no map has the property '${member.name}'`);
    }
  }
  const id = numbers.type ?? badObject(`${where} has no type`);
  const mapType = TYPE_BY_ID.get(id);
  if (mapType === undefined) return `${where}: map type ${id} is not known here`;
  if (special !== undefined) return `${where}: its values hold ${special}, which maps here are not made for`;
  return {
    name,
    type: mapType,
    keySize: numbers.key_size ?? 0,
    valueSize: numbers.value_size ?? 0,
    maxEntries: numbers.max_entries ?? 0,
    flags: numbers.map_flags ?? 0,
  };
}
