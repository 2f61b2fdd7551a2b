import { readdirSync, readFileSync } from 'node:fs';
import { Alternation, LLkLookaheadStrategy, NonTerminal, Option, Repetition, Terminal } from 'chevrotain';
import type { ILookaheadStrategy, IProduction, IToken, Rule } from 'chevrotain';
import { expect, test } from 'vitest';
import { lex } from '../../src/lexer/lex.ts';
import { VOCABULARY } from '../../src/lexer/tokens.ts';
import { FirstTokenLookahead } from '../../src/parser/first-token-lookahead.ts';
import { createGrammar, grammarDecisions } from '../../src/parser/parse.ts';
import { createSource } from '../../src/source/source.ts';

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

test('a parser that is given the decisions reads every script as one that works them out, mistakes included', () => {
  const told = createGrammar(true, JSON.parse(JSON.stringify(grammarDecisions())));
  const works = createGrammar(true);
  const outcome = (grammar: typeof told, text: string) => {
    grammar.start(createSource('t.bt', text), lex(text).tokens);
    return { program: grammar.program(), mistakes: grammar.mistakes };
  };
  for (const text of scripts()) expect(outcome(told, text)).toEqual(outcome(works, text));
});

/** The scripts of the lessons, whole and broken off at every word. */
function scripts(): string[] {
  const folder = new URL('../cases/lessons/', import.meta.url);
  const whole = readdirSync(folder)
    .filter((name) => name.endsWith('.bt'))
    .map((name) => readFileSync(new URL(name, folder), 'utf8'));
  expect(whole.length).toBeGreaterThan(10);
  return whole.flatMap((text) => [text, ...[...text.matchAll(/\b/g)].map(({ index }) => text.slice(0, index))]);
}
