import { tokenize } from './tokens.ts';
import type { CToken } from './tokens.ts';

export interface CMacro {
  readonly name: CToken;
  /** Absent for object-like macros. */
  readonly parameters?: readonly string[];
  readonly variadic: boolean;
  readonly body: readonly CToken[];
}

/** The macros defined at a point, and how many tokens they may still make: a few nested lines can ask for more than any memory holds. */
export interface MacroTable {
  readonly defined: Map<string, CMacro>;
  budget: number;
}

/**
 * Expands every macro in a run of tokens, after Prosser's algorithm: a token carries the names of the macros that it came out of. With the budget used
 * up macros are left as they stand.
 */
export function expandMacros(tokens: readonly CToken[], macros: MacroTable): readonly CToken[] {
  const output: CToken[] = [];
  // A stack, top last: what a macro yields is read again together with what follows it.
  const input = [...tokens].reverse();
  for (let token = input.pop(); token !== undefined; token = input.pop()) {
    const macro = isReplaceable(token, macros) ? macros.defined.get(token.text) : undefined;
    if (macro === undefined) {
      output.push(token);
      continue;
    }
    let replaced: readonly CToken[];
    if (macro.parameters === undefined) {
      replaced = macro.body;
    } else {
      const call = takeArguments(input);
      if (call === undefined) {
        output.push(token);
        continue;
      }
      replaced = substitute(macro, macro.parameters, call, macros);
    }
    const hidden = new Set(token.hidden).add(token.text);
    const { file, line, column } = token;
    macros.budget -= replaced.length + 1;
    for (const made of pasteTokens(replaced).toReversed()) {
      const both = made.hidden === undefined ? hidden : new Set([...made.hidden, ...hidden]);
      input.push({ ...made, file, line, column, hidden: both });
    }
  }
  return output;
}

function isReplaceable(token: CToken, macros: MacroTable): boolean {
  return token.kind === 'identifier' && token.hidden?.has(token.text) !== true && macros.budget > 0;
}

/** Takes `( a, b )` off the stack; undefined, and nothing taken, when no parenthesis follows. */
function takeArguments(input: CToken[]): CToken[][] | undefined {
  let at = input.length - 1;
  while (input[at]?.kind === 'newline') at--;
  if (input[at]?.text !== '(') return undefined;
  const found: CToken[][] = [[]];
  let depth = 0;
  for (at--; at >= 0; at--) {
    const token = input[at]!;
    if (token.text === ')' && depth === 0) {
      input.length = at;
      return found;
    }
    if (token.text === '(') depth++;
    else if (token.text === ')') depth--;
    if (token.text === ',' && depth === 0) found.push([]);
    else if (token.kind !== 'newline') found.at(-1)!.push(token);
  }
  return undefined;
}

function substitute(
  macro: CMacro,
  parameters: readonly string[],
  given: readonly CToken[][],
  macros: MacroTable,
): readonly CToken[] {
  const argument = (name: string): readonly CToken[] | undefined => {
    if (macro.variadic && name === '__VA_ARGS__') return joinWithCommas(given.slice(parameters.length));
    const index = parameters.indexOf(name);
    return index === -1 ? undefined : (given[index] ?? []);
  };
  const result: CToken[] = [];
  macro.body.forEach((token, i) => {
    const before = macro.body[i - 1]?.text;
    const after = macro.body[i + 1]?.text;
    if (token.text === '#' && argument(after ?? '') !== undefined) return;
    const value = token.kind === 'identifier' ? argument(token.text) : undefined;
    if (value === undefined) result.push(token);
    else if (before === '#') result.push({ ...token, kind: 'string', text: stringify(value) });
    // Operands of ## are taken as written.
    else if (before === '##' || after === '##') result.push(...value);
    else result.push(...expandMacros(value, macros));
  });
  return result;
}

function joinWithCommas(lists: readonly (readonly CToken[])[]): readonly CToken[] {
  return lists.flatMap((list, i) =>
    i === 0 || list[0] === undefined ? list : [{ ...list[0], kind: 'punctuator', text: ',' } as const, ...list],
  );
}

function stringify(tokens: readonly CToken[]): string {
  const text = tokens.map((token, i) => (i > 0 && token.spaced ? ' ' : '') + token.text).join('');
  return JSON.stringify(text);
}

function pasteTokens(tokens: readonly CToken[]): readonly CToken[] {
  const result: CToken[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const left = result.at(-1);
    const right = tokens[i + 1];
    if (token.text !== '##' || left === undefined || right === undefined) {
      if (token.text !== '##') result.push(token);
      continue;
    }
    const [pasted] = tokenize(left.text + right.text, left.file);
    result[result.length - 1] = { ...left, kind: pasted!.kind, text: left.text + right.text };
    i++;
  }
  return result;
}
