/** A pattern of tracefs and shells (lib/glob.c): `*`, `?`, `[a-z]`, `[!a]`, and `\` before a character that stands for itself. */
export function glob(pattern: string): RegExp {
  let text = '';
  for (let i = 0; i < pattern.length; i += 1) {
    const mark = pattern[i]!;
    const close = mark === '[' ? pattern.indexOf(']', i + 2) : -1;
    if (mark === '*') text += '.*';
    else if (mark === '?') text += '.';
    else if (mark === '\\' && i + 1 < pattern.length) text += escaped(pattern[(i += 1)]!);
    else if (close > 0) {
      text += characterClass(pattern.slice(i + 1, close));
      i = close;
    } else text += escaped(mark);
  }
  return new RegExp(`^${text}$`, 's');
}
/** A range that runs backwards holds nothing. */
function characterClass(inside: string): string {
  const isNot = inside.startsWith('!') || inside.startsWith('^');
  const parts = [...inside.slice(isNot ? 1 : 0).matchAll(/([^])(?:-([^]))?/g)];
  const ranges = parts.flatMap(([, first = '', last = first]) =>
    first <= last ? [`${inClass(first)}-${inClass(last)}`] : [],
  );
  return `[${isNot ? '^' : ''}${ranges.join('')}]`;
}
const escaped = (character: string): string => character.replace(/[.+^${}()|[\]\\*?]/, '\\$&');
const inClass = (character: string): string => character.replace(/[\\\]^-]/, '\\$&');
