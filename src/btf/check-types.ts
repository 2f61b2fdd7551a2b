import type { BtfTypeSet } from './decode.ts';
import { malformed } from './malformed.ts';
import type { CType } from './types.ts';
import { MAX_RESOLVE_DEPTH } from './wire.ts';

/** Throws unless all types of a blob can be walked: each is built, and no chain of typedefs, qualifiers and arrays is endless. */
export function checkTypes(types: BtfTypeSet): void {
  for (let id = 1; id <= types.typeCount; id++) {
    const type = types.type(id);
    if (type === undefined) continue;
    if (type.kind === 'struct' || type.kind === 'union') type.members.forEach((member) => checkChain(member.type, id));
    else if (type.kind === 'enum') void type.values;
    else if (type.kind === 'function')
      [type.returns, ...type.parameters.map((p) => p.type)].forEach((t) => checkChain(t, id));
    else checkChain(type.kind === 'pointer' ? type.to : type, id);
  }
}

function checkChain(type: CType, id: number): void {
  let at = type;
  for (let depth = 0; ; depth++) {
    if (depth > MAX_RESOLVE_DEPTH) malformed(`type ${id} leads through more than ${MAX_RESOLVE_DEPTH} others`);
    if (at.kind === 'typedef' || at.kind === 'qualifier') at = at.type;
    else if (at.kind === 'array') at = at.element;
    else return;
  }
}
