import type { MapDeclaration, MapRef, Program } from '../../ast/nodes.ts';
import type { Type } from '../../lang/types.ts';
import { withHint } from '../../source/diagnostic.ts';
import type { PassContext } from '../context.ts';
import { error, warning } from '../messages.ts';
import type { Checking } from './check-types.ts';
import { isPerCpu } from './typing.ts';

/** Map types that a script may declare, and whether each CPU has its own values. */
export const DECLARABLE_MAPS: Readonly<Record<string, { readonly perCpu: boolean }>> = {
  percpulruhash: { perCpu: true },
  percpuhash: { perCpu: true },
  lruhash: { perCpu: false },
  hash: { perCpu: false },
};

export function checkMapDeclaration(node: MapDeclaration, context: PassContext): void {
  if (Object.hasOwn(DECLARABLE_MAPS, node.type)) return;
  const invalid = error('map-type', node.span, `Invalid bpf map type: ${node.type}`);
  context.report(withHint(invalid, `Valid map types: ${Object.keys(DECLARABLE_MAPS).join(', ')}`));
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
  const row = declared === undefined ? undefined : DECLARABLE_MAPS[declared];
  if (row === undefined || row.perCpu === isPerCpu(value.type)) return;
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
