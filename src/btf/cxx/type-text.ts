/** A type as C++ writes it, around what is declared: `int (*` and `)[3]`. */
export interface TypeText {
  readonly left: string;
  readonly right: string;
  /** A function or array, around which a pointer needs parentheses. */
  readonly shape?: 'function' | 'array';
  /** An argument pack: its elements. */
  readonly pack?: readonly TypeText[];
}

/** A type that stands wholly before what it declares. */
export const plain = (left: string): TypeText => ({ left, right: '' });

/** An argument pack, which is written only through its elements. */
export const packOf = (pack: readonly TypeText[]): TypeText => ({ left: '', right: '', pack });

/** The type as it is written when nothing is declared. */
export function textOf({ left, right, pack }: TypeText): string {
  if (pack === undefined) return left + right;
  return pack
    .map(textOf)
    .filter((text) => text !== '')
    .join(', ');
}

/** A pointer or reference to the type; to each element of a pack. */
export function pointerTo(type: TypeText, mark: '*' | '&' | '&&'): TypeText {
  const { left, right, shape, pack } = type;
  if (pack !== undefined) return { ...type, pack: pack.map((element) => pointerTo(element, mark)) };
  if (shape === 'function') return { left: `${left}(${mark}`, right: `)${right}` };
  if (shape === 'array') return { left: `${left} (${mark}`, right: `)${right}` };
  // References to references collapse: only two of && are one.
  if (mark !== '*' && left.endsWith('&')) return { left: mark === '&' ? `${left.replace(/&+$/, '')}&` : left, right };
  return { left: left + mark, right };
}

/** The type with qualifiers behind it; each element of a pack with them. */
export function qualified(type: TypeText, qualifiers: string): TypeText {
  const { left, right, shape, pack } = type;
  if (pack !== undefined) return { ...type, pack: pack.map((element) => qualified(element, qualifiers)) };
  if (shape === 'function') return { left, right: right + qualifiers, shape };
  const already = left.endsWith(qualifiers) || (right === '' && left.endsWith('&') && qualifiers === ' const');
  return { ...type, left: already ? left : left + qualifiers };
}

/** An array of the type; bounds of an array's array stand side by side. */
export function arrayOf({ left, right, shape }: TypeText, size: string): TypeText {
  return { left, right: ` [${size}]${shape === 'array' ? right.trimStart() : right}`, shape: 'array' };
}

/** A pointer to a member of a class, which may be a method. */
export function memberPointer(owner: TypeText, member: TypeText): TypeText {
  const mark = `${textOf(owner)}::*`;
  if (member.shape !== 'function') return plain(`${textOf(member)} ${mark}`);
  return { left: `${member.left}(${mark}`, right: `)${member.right}` };
}

/** `basic_string` of `std::basic_string<char>`. */
export function lastPart(text: string): string {
  let depth = 0;
  let start = 0;
  let end = text.length;
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '<') {
      if (depth === 0) end = i;
      depth += 1;
    } else if (text[i] === '>') depth -= 1;
    else if (depth === 0 && text.startsWith('::', i)) {
      start = i + 2;
      end = text.length;
    }
  }
  return text.slice(start, end);
}
