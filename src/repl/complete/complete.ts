import { BUILTINS, type BuiltinName, type BuiltinRow } from '../../lang/builtins.ts';
import { CONFIG, type ConfigName } from '../../lang/config.ts';
import { FUNCTIONS, type FunctionName } from '../../lang/functions.ts';
import type { Target } from '../../lang/target.ts';
import { typeName } from '../../lang/type-name.ts';
import { classify } from '../../pipeline/highlight.ts';
import { membersOf } from '../../pipeline/members.ts';
import { FUNCTION_HELP } from '../help/functions.ts';
import { BUILTIN_HELP, KEYWORD_HELP } from '../help/words.ts';
import type { Completions, Facts } from '../protocol.ts';
import { completionContext, type CompletionContext } from './context.ts';
import { probeCandidates } from './probes.ts';
import { rank, type Candidate } from './rank.ts';

const NOTHING: Completions = { from: 0, items: [], count: 0 };

/** What may stand at the cursor in a script. Commands (`:help`) are completed where they are known. */
export function complete(text: string, cursor: number, target: Target, facts: Facts | undefined): Completions {
  const context = completionContext(text, cursor);
  if (context.kind === 'none' || context.kind === 'command') return NOTHING;
  const colon = context.kind === 'probe' ? context.text.lastIndexOf(':') + 1 : 0;
  const prefix = context.kind === 'probe' ? context.text.slice(colon) : context.prefix;
  return rank(candidates(context, text, cursor, target, facts), prefix, context.from + colon);
}

type Completable = Exclude<CompletionContext, { readonly kind: 'none' | 'command' }>;

function candidates(
  context: Completable,
  text: string,
  cursor: number,
  target: Target,
  facts: Facts | undefined,
): readonly Candidate[] {
  switch (context.kind) {
    case 'probe':
      return probeCandidates(target, context.text);
    case 'member': {
      for (const reading of context.readings) {
        const members = membersOf(reading, target);
        if (members.length > 0) return members.map(({ name, type }) => ({ text: name, detail: () => type }));
      }
      return [];
    }
    case 'variable':
      return names(text, cursor, 'variable', (name) => facts?.variables[name.slice(1)] ?? '');
    case 'map':
      return names(text, cursor, 'map', (name) => facts?.maps[name] ?? '');
    case 'config':
      return (Object.keys(CONFIG) as ConfigName[]).map((name) => ({
        text: name,
        detail: () => `${CONFIG[name].default}`,
      }));
    case 'struct':
      return [...target.types.names('struct')].sort().map((name) => ({ text: name, detail: () => 'struct' }));
    case 'word':
      return words();
  }
}

/** Names of a class that the text uses elsewhere than at the cursor. */
function names(
  text: string,
  cursor: number,
  wanted: 'variable' | 'map',
  detail: (name: string) => string,
): readonly Candidate[] {
  const used = classify(text).filter(({ class: found, end }) => found === wanted && end !== cursor);
  return [...new Set(used.map((token) => token.text))].map((name) => ({ text: name, detail: () => detail(name) }));
}

let allWords: readonly Candidate[] | undefined;

function words(): readonly Candidate[] {
  return (allWords ??= [...builtins(), ...functions(), ...keywords()].sort((a, b) => (a.text < b.text ? -1 : 1)));
}

function builtins(): readonly Candidate[] {
  return (Object.keys(BUILTINS) as BuiltinName[])
    .filter((name) => !name.startsWith('__'))
    .map((name) => ({ text: name, detail: () => `${builtinType(name)}${BUILTIN_HELP[name]}` }));
}

function builtinType(name: BuiltinName): string {
  const row: BuiltinRow = BUILTINS[name];
  return row.type === undefined ? '' : `${typeName(row.type)}: `;
}

function functions(): readonly Candidate[] {
  return (Object.keys(FUNCTIONS) as FunctionName[])
    .filter((name) => !Object.hasOwn(BUILTINS, name))
    .map((name) => ({
      text: `${name}(`,
      detail: () => `(${FUNCTION_HELP[name].parameters.join(', ')}) ${FUNCTION_HELP[name].summary}`,
    }));
}

function keywords(): readonly Candidate[] {
  return Object.entries(KEYWORD_HELP).map(([text, summary]) => ({ text, detail: () => summary }));
}
