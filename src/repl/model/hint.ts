import { isBuiltin } from '../../lang/builtins.ts';
import { isFunction, type FunctionName } from '../../lang/functions.ts';
import { PROBE_KINDS } from '../../lang/probes.ts';
import { classify, type ClassifiedToken } from '../../pipeline/highlight.ts';
import { FUNCTION_HELP } from '../help/functions.ts';
import { BUILTIN_HELP, KEYWORD_HELP, PROBE_HELP } from '../help/words.ts';
import type { Model } from './model.ts';

/** A line about what stands at the cursor; `strong` is the part that matters now. */
export interface Hint {
  readonly before: string;
  readonly strong: string;
  readonly after: string;
}

/** The attach point at the cursor: its parameters are worth asking for. */
export function attachPointAt(model: Model): string | undefined {
  const { text, cursor } = model.editor;
  const token = classify(text).find(({ start, end }) => start <= cursor && cursor <= end);
  return token?.class === 'probe' && token.text.includes(':') ? token.text : undefined;
}

/** Signature help inside of a call, or else what is known of the word at the cursor. */
export function hintAt(model: Model): Hint | undefined {
  const { text, cursor } = model.editor;
  const tokens = classify(text);
  const at = tokens.find(({ start, end }) => start <= cursor && cursor <= end && end > start);
  const about = at && aboutToken(at, model);
  // A function's name is explained by its signature.
  if (about !== undefined && at?.class !== 'function') return about;
  return signatureAt(tokens, cursor) ?? about;
}

function aboutToken(token: ClassifiedToken, { facts, described }: Model): Hint | undefined {
  const { text } = token;
  const named = (fact: string | undefined): Hint | undefined =>
    fact === undefined ? undefined : { before: '', strong: text, after: `  ${fact}` };
  switch (token.class) {
    case 'builtin':
      return isBuiltin(text) ? named(BUILTIN_HELP[text]) : undefined;
    case 'function':
      return isFunction(text) ? signature(text, undefined) : undefined;
    case 'keyword':
      return named(KEYWORD_HELP[text]);
    case 'variable':
      return named(facts?.variables[text.slice(1)]);
    case 'map':
      return named(facts?.maps[text]);
    case 'probe': {
      const kind = PROBE_KINDS.find((name) => name === text.split(':')[0]);
      const parameters = described[text];
      if (parameters !== undefined && parameters !== '') return { before: '', strong: text, after: `  ${parameters}` };
      return kind === undefined ? undefined : { before: '', strong: kind, after: `  ${PROBE_HELP[kind]}` };
    }
    default:
      return undefined;
  }
}

/** The innermost call around the cursor, with the parameter that is being written. */
function signatureAt(tokens: readonly ClassifiedToken[], cursor: number): Hint | undefined {
  let depth = 0;
  let index = 0;
  for (let i = tokens.length - 1; i >= 0; i--) {
    const { start, text, class: found } = tokens[i]!;
    if (start >= cursor) continue;
    if (found === 'bracket' && (text === ')' || text === ']' || text === '}')) depth++;
    else if (found === 'bracket' && (text === '(' || text === '[' || text === '{')) {
      if (depth > 0) depth--;
      else if (text === '{') return undefined;
      else {
        const name = tokens[i - 1]?.text ?? '';
        if (text === '(' && isFunction(name)) return signature(name, index);
        index = 0;
      }
    } else if (text === ',' && depth === 0) index++;
  }
  return undefined;
}

function signature(name: FunctionName, index: number | undefined): Hint {
  const { parameters, summary } = FUNCTION_HELP[name];
  const at = index === undefined ? undefined : Math.min(index, parameters.length - 1);
  if (at === undefined || at < 0) return { before: '', strong: name, after: `(${parameters.join(', ')})  ${summary}` };
  const before = parameters.slice(0, at).map((parameter) => `${parameter}, `);
  const after = parameters.slice(at + 1).map((parameter) => `, ${parameter}`);
  return {
    before: `${name}(${before.join('')}`,
    strong: parameters[at]!,
    after: `${after.join('')})  ${summary}`,
  };
}
