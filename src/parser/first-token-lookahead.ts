import {
  Alternation,
  LLkLookaheadStrategy,
  NonTerminal,
  Option,
  Repetition,
  RepetitionMandatory,
  RepetitionMandatoryWithSeparator,
  RepetitionWithSeparator,
  Terminal,
} from 'chevrotain';
import type { ILookaheadStrategy, IProduction, Rule } from 'chevrotain';
import { chooseBetween, enterIf, type Choose, type Enter, type Way } from './decisions.ts';

type AlternationQuestion = Parameters<ILookaheadStrategy['buildLookaheadForAlternation']>[0];
type OptionalQuestion = Parameters<ILookaheadStrategy['buildLookaheadForOptional']>[0];

/** What a piece of the grammar may start with, as chevrotain numbers token types; `isEmpty` if it may be nothing. */
interface First {
  readonly tokens: Set<number>;
  readonly isEmpty: boolean;
}

const wayOf = ({ tokens, isEmpty }: First): Way => (isEmpty ? undefined : tokens);

const OPTIONALS = {
  Option,
  Repetition,
  RepetitionWithSeparator,
  RepetitionMandatory,
  RepetitionMandatoryWithSeparator,
} satisfies Record<OptionalQuestion['prodType'], unknown>;

/**
 * chevrotain works out what every decision of a grammar looks ahead for when the parser is made, for any number of
 * tokens, and that is most of its start-up. Ours looks at one token only, and a script takes few of the decisions: so
 * each is worked out at its first use, from what the rules may start with. The validations stay chevrotain's.
 */
export class FirstTokenLookahead extends LLkLookaheadStrategy {
  private readonly ofRules = new Map<Rule, First>();

  override buildLookaheadForAlternation({ rule, prodOccurrence }: AlternationQuestion): Choose {
    return chooseBetween(() =>
      find(rule, Alternation, prodOccurrence).definition.map((way) => wayOf(this.ofSequence(inside(way)))),
    );
  }

  override buildLookaheadForOptional({ rule, prodOccurrence, prodType }: OptionalQuestion): Enter {
    return enterIf(() => wayOf(this.ofSequence(find(rule, OPTIONALS[prodType], prodOccurrence).definition)));
  }

  private ofSequence(sequence: readonly IProduction[]): First {
    const tokens = new Set<number>();
    for (const production of sequence) {
      const first = this.of(production);
      first.tokens.forEach((token) => tokens.add(token));
      if (!first.isEmpty) return { tokens, isEmpty: false };
    }
    return { tokens, isEmpty: true };
  }

  private of(production: IProduction): First {
    if (production instanceof Terminal) {
      const { tokenTypeIdx, categoryMatches = [] } = production.terminalType;
      return { tokens: new Set([tokenTypeIdx!, ...categoryMatches]), isEmpty: false };
    }
    if (production instanceof NonTerminal) return this.ofRule(production.referencedRule);
    if (production instanceof Alternation) {
      const alternatives = production.definition.map((alternative) => this.ofSequence(inside(alternative)));
      const tokens = new Set(alternatives.flatMap((first) => [...first.tokens]));
      return { tokens, isEmpty: alternatives.some(({ isEmpty }) => isEmpty) };
    }
    const { tokens, isEmpty } = this.ofSequence(inside(production));
    const isMandatory =
      production instanceof RepetitionMandatory || production instanceof RepetitionMandatoryWithSeparator;
    return { tokens, isEmpty: isEmpty || !isMandatory };
  }

  private ofRule(rule: Rule): First {
    const known = this.ofRules.get(rule);
    if (known !== undefined) return known;
    const first = this.ofSequence(rule.definition);
    this.ofRules.set(rule, first);
    return first;
  }
}

/** What a production that is neither a token nor a rule's name consists of. */
function inside(production: IProduction): readonly IProduction[] {
  return (production as Option).definition;
}

/** chevrotain names a decision by its rule, its kind and a number. */
function find<T extends Alternation | Option>(
  rule: Rule,
  kind: abstract new (...args: never[]) => T,
  index: number,
): T {
  const search = (productions: readonly IProduction[]): T | undefined => {
    for (const production of productions) {
      if (production instanceof kind && production.idx === index) return production;
      // The definition of a NonTerminal is another rule's.
      if (production instanceof Terminal || production instanceof NonTerminal) continue;
      const found = search(inside(production));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(rule.definition)!;
}
