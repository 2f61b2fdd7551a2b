import type { Compilation } from '../../pipeline/compile.ts';
import type { Diagnostic } from '../../source/diagnostic.ts';
import type { Source, Span } from '../../source/source.ts';
import { typeName } from '../../lang/type-name.ts';
import type { Facts, Note } from '../protocol.ts';

/** Mistakes as plain data with their places in a text: of what a macro made, where the macro was called. */
export function notesOf(diagnostics: readonly Diagnostic[], source: Source): readonly Note[] {
  return diagnostics.map(({ severity, message, hints, span }) => {
    const place = placeIn(source, span);
    return { severity, message: message.trimEnd(), hints, ...(place === undefined ? {} : { place }) };
  });
}

function placeIn(source: Source, span: Span | undefined): Note['place'] {
  let at = span;
  while (at !== undefined && at.source.name !== source.name) at = at.expandedFrom;
  return at && { start: at.start, end: at.end };
}

/** The types of a checked script's names. */
export function factsOf({ typed }: Compilation): Facts | undefined {
  if (typed === undefined) return undefined;
  const variables = [...typed.variables.values()].map(({ name, type }) => [name, typeName(type)] as const);
  const maps = [...typed.maps.values()].map(
    ({ name, key, value }) =>
      [`@${name}`, `${key === undefined ? '' : `[${typeName(key)}] `}${typeName(value)}`] as const,
  );
  return { variables: Object.fromEntries(variables), maps: Object.fromEntries(maps) };
}
