import { skipBalanced, skipLayout } from './layout.ts';

/** The end of the attach point at `start`: up to a blank, ',', '{', or the '/' of a predicate. */
export function scanAttachPoint(text: string, start: number): number {
  let i = start;
  while (i < text.length) {
    const character = text[i]!;
    if (character === '{' || character === ',' || /\s/.test(character)) break;
    if (character === '"') {
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
      i = Math.min(i + 1, text.length);
      continue;
    }
    // Behind a ':' a slash belongs to a path (uprobe:/bin/sh:main).
    if (character === '/' && i > start && !text.slice(start, i).includes(':') && !/[/*]/.test(text[i + 1] ?? '')) break;
    i++;
  }
  return i;
}

export interface CDefinition {
  /** Ends with ';' whether or not the script wrote one. */
  readonly text: string;
  readonly end: number;
  readonly mistake?: { readonly message: string; readonly offset: number };
}

/** Reads `struct NAME { ... } __attribute__((...)) ;` at `start`, or nothing when this is not a definition. */
export function scanCDefinition(text: string, start: number): CDefinition | undefined {
  if (!/^(?:struct|union|enum)(?!\w)/.test(text.slice(start, start + 7))) return undefined;
  const open = findDefinitionBrace(text, start);
  if (open === undefined) return undefined;
  let end = skipBraces(text, open);
  let definition = text.slice(start, end).trimEnd();
  for (;;) {
    const attribute = skipLayout(text, end);
    if (!/^__attribute__(?!\w)/.test(text.slice(attribute, attribute + 14))) break;
    const paren = skipLayout(text, attribute + 13);
    if (!text.startsWith('((', paren)) {
      const mistake = { message: "__attribute__ syntax error, expected '(('", offset: paren };
      return { text: definition, end: paren, mistake };
    }
    const after = skipBalanced(text, paren, '(', ')');
    if (after === undefined) {
      const mistake = { message: "__attribute__ syntax error, mismatched '(' and ')'", offset: paren };
      return { text: definition, end: text.length, mistake };
    }
    definition += text.slice(end, after);
    end = after;
  }
  const semicolon = skipLayout(text, end);
  return {
    text: definition.endsWith(';') ? definition : `${definition};`,
    end: text[semicolon] === ';' ? semicolon + 1 : end,
  };
}

/** The '{' behind words and bracketed groups; attach points (`struct:probe`) have something else first. */
function findDefinitionBrace(text: string, start: number): number | undefined {
  let i: number | undefined = start;
  while (i !== undefined && i < text.length) {
    const character = text[i]!;
    if (character === '{') return i;
    if (/\w/.test(character)) i = /\w+/y.exec(text.slice(i))![0].length + i;
    else if (character === '(') i = skipBalanced(text, i, '(', ')');
    else if (character === '[') i = skipBalanced(text, i, '[', ']');
    else return undefined;
    if (i !== undefined) i = skipLayout(text, i);
  }
  return undefined;
}

function skipBraces(text: string, open: number): number {
  let depth = 0;
  let i = open;
  while (i < text.length) {
    const afterComment = text[i] === '/' ? skipLayout(text, i) : i;
    if (afterComment > i) {
      i = afterComment;
      continue;
    }
    const character = text[i++];
    if (character === '{') depth++;
    else if (character === '}' && --depth === 0) break;
  }
  return i;
}
