import { Alternation, LLkLookaheadStrategy, NonTerminal, Option, Repetition, Terminal } from 'chevrotain';
import type { ILookaheadStrategy, IProduction, IToken, Rule } from 'chevrotain';
import { expect, test } from 'vitest';
import { VOCABULARY } from '../../src/lexer/tokens.ts';
import { FirstTokenLookahead } from '../../src/parser/first-token-lookahead.ts';
import { createGrammar } from '../../src/parser/parse.ts';

type Decide = (this: unknown, alternatives?: []) => unknown;

/** Every decision of one rule, as a strategy takes it. */
function decisions(rule: Rule, strategy: ILookaheadStrategy): Map<string, Decide> {
  const found = new Map<string, Decide>();
  const visit = (production: IProduction): void => {
    if (production instanceof Terminal || production instanceof NonTerminal) return;
    const { definition, idx: prodOccurrence } = production as Option;
    const question = { prodOccurrence, rule, maxLookahead: 1, dynamicTokensEnabled: false };
    if (production instanceof Alternation) {
      const choose = strategy.buildLookaheadForAlternation({ ...question, hasPredicates: false });
      found.set(`OR${prodOccurrence}`, choose);
    } else if (production instanceof Option) {
      const enter = strategy.buildLookaheadForOptional({ ...question, prodType: 'Option' });
      found.set(`OPTION${prodOccurrence}`, enter);
    } else if (production instanceof Repetition) {
      const enter = strategy.buildLookaheadForOptional({ ...question, prodType: 'Repetition' });
      found.set(`MANY${prodOccurrence}`, enter);
    }
    definition.forEach(visit);
  };
  rule.definition.forEach(visit);
  return found;
}

const rules = Object.values(createGrammar(true).getGAstProductions());

test.each(rules.map((rule) => [rule.name, rule] as const))(
  'every decision of %s is the one that chevrotain takes, whatever token is next',
  (_, rule) => {
    const ours = decisions(rule, new FirstTokenLookahead({ maxLookahead: 1 }));
    const theirs = decisions(rule, new LLkLookaheadStrategy({ maxLookahead: 1 }));
    const differing = VOCABULARY.flatMap(({ name, tokenTypeIdx }) => {
      const next = () => ({ tokenTypeIdx }) as IToken;
      const reader = { LA: next, LA_FAST: next };
      return [...theirs.keys()]
        .filter((key) => ours.get(key)!.call(reader, []) !== theirs.get(key)!.call(reader, []))
        .map((key) => `${key} at ${name}`);
    });
    expect(differing).toEqual([]);
  },
);

test('decisions are compared at all', () => {
  const count = rules.reduce((sum, rule) => sum + decisions(rule, new LLkLookaheadStrategy()).size, 0);
  expect(count).toBeGreaterThan(80);
});
