import { MAP_TYPES } from '../../abi/map-types.ts';
import type { MapDeclaration, MapRef, Program } from '../../ast/nodes.ts';
import { DECLARABLE_MAP_TYPES, isDeclarableMapType } from '../../lang/map-layout.ts';
import type { Type } from '../../lang/types.ts';
import { withHint } from '../../source/diagnostic.ts';
import type { PassContext } from '../context.ts';
import { error, warning } from '../messages.ts';
import type { Checking } from './checking.ts';
import { isPerCpu } from './typing.ts';

export function checkMapDeclaration(node: MapDeclaration, context: PassContext): void {
  if (isDeclarableMapType(node.type)) return;
  const invalid = error('map-type', node.span, `Invalid bpf map type: ${node.type}`);
  context.report(withHint(invalid, `Valid map types: ${Object.keys(DECLARABLE_MAP_TYPES).join(', ')}`));
}

/** A map has a value and a key, and its declared type suits the value. */
export function checkMapType(map: MapRef, checking: Checking): void {
  const { inference, context } = checking;
  const slots = inference.map(map.name);
  const value = inference.resolver.get(slots.value);
  const scalar = context.maps.scalar.get(map.name);
  const keyed = scalar === false && inference.resolver.get(slots.key) !== undefined;
  // A map that is only printed, cleared or the like has no value either.
  if (value === undefined || (scalar !== true && !keyed)) {
    context.report(error('undefined-map', map.span, `Undefined map: @${map.name}`));
    return;
  }
  const declared = checking.declarations.get(map.name)?.type;
  if (declared === undefined || !isDeclarableMapType(declared)) return;
  if (MAP_TYPES[DECLARABLE_MAP_TYPES[declared]].perCpu === isPerCpu(value.type)) return;
  const text =
    `Incompatible map types. Type from declaration: ${declared}. ` +
    `Type from value/key type: ${chosenMapType(value.type)}`;
  context.report(error('incompatible-map', map.span, text));
}

function chosenMapType(value: Type): string {
  return isPerCpu(value) ? 'percpuhash' : 'hash';
}

export function warnUnusedDeclarations(program: Program, checking: Checking): void {
  const unused = program.mapDeclarations.filter((declaration) => !checking.usedMaps.has(declaration.map.name));
  unused.sort((a, b) => (a.map.name < b.map.name ? -1 : 1));
  for (const declaration of unused) {
    checking.context.report(warning('unused-map', declaration.span, `Unused map: @${declaration.map.name}`));
  }
}
