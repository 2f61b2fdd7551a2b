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
      const inside = pattern
        .slice(i + 1, close)
        .replace(/^!/, '^')
        .replace(/[\\\]]/g, '\\$&');
      text += `[${inside}]`;
      i = close;
    } else text += escaped(mark);
  }
  return new RegExp(`^${text}$`, 's');
}
const escaped = (character: string): string => character.replace(/[.+^${}()|[\]\\*?]/, '\\$&');
