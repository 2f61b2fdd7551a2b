import { demangle, withoutParameters } from '../btf/cxx/demangle.ts';

/** Whether a name matches a pattern with `*` for any text. */
export function matchesPattern(name: string, pattern: string): boolean {
  if (!pattern.includes('*')) return name === pattern;
  const pieces = pattern.split('*');
  const first = pieces[0]!;
  const last = pieces[pieces.length - 1]!;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

/** Whether a pattern means a function of C++ by how it is declared; parameters count where the pattern has some. */
export function matchesDeclaration(symbol: string, pattern: string): boolean {
  const declaration = demangle(symbol);
  if (declaration === undefined) return false;
  return matchesPattern(pattern.includes('(') ? declaration : withoutParameters(declaration), pattern);
}
