/** Splits at each ':' outside quotes; quotes are taken off, and a backslash keeps the next character as it is. */
export function splitAttachPoint(text: string): { text: string; parts: string[]; quoted: boolean[] } {
  const parts = [''];
  const quoted = [false];
  let inQuotes = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    const last = parts.length - 1;
    if (character === '"') {
      inQuotes = !inQuotes;
      quoted[last] = true;
    } else if (character === ':' && !inQuotes) {
      parts.push('');
      quoted.push(false);
    } else if (character === '\\' && inQuotes && i + 1 < text.length) {
      parts[last] += text[++i]!;
    } else {
      parts[last] += character;
    }
  }
  return { text, parts, quoted };
}
