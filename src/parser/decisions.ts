import type { EmbeddedActionsParser, ILookaheadStrategy, IToken } from 'chevrotain';
import { VOCABULARY } from '../lexer/tokens.ts';

/** The token types that a way of the grammar starts with, by chevrotain's numbers; undefined if the way may be empty. */
export type Way = ReadonlySet<number> | undefined;

/** Takes one of several ways. */
export type Choose = ReturnType<ILookaheadStrategy['buildLookaheadForAlternation']>;
/** Takes one way or goes past it. */
export type Enter = ReturnType<ILookaheadStrategy['buildLookaheadForOptional']>;

/** The part of a parser that its decisions see; they are called as its methods. */
interface TokenReader {
  LA(distance: number): IToken;
}

const waysOf = new WeakMap<Choose | Enter, () => readonly Way[]>();

const isOpen = (way: Way, next: number): boolean => way === undefined || way.has(next);

/** A decision between ways, which are worked out when it is first taken. */
export function chooseBetween(work: () => readonly Way[]): Choose {
  let ways: readonly Way[] | undefined;
  const choose: Choose = function (this: unknown, gated = []) {
    ways ??= work();
    const next = (this as TokenReader).LA(1).tokenTypeIdx;
    const index = ways.findIndex((way, i) => gated[i]?.GATE?.call(this) !== false && isOpen(way, next));
    return index < 0 ? undefined : index;
  };
  waysOf.set(choose, work);
  return choose;
}

/** The decision whether to take a way, which is worked out when it is first asked for. */
export function enterIf(work: () => Way): Enter {
  let way: Way;
  let isWorkedOut = false;
  const enter: Enter = function (this: unknown) {
    if (!isWorkedOut) {
      way = work();
      isWorkedOut = true;
    }
    return isOpen(way, (this as TokenReader).LA(1).tokenTypeIdx);
  };
  waysOf.set(enter, () => [work()]);
  return enter;
}

/** A way by the places of its token types in the vocabulary. */
type WrittenWay = readonly number[] | null;
type Written = readonly (readonly [key: number, ways: readonly WrittenWay[]])[];

/** All decisions of a grammar as plain data, under chevrotain's keys for them. */
export interface DecisionTable {
  readonly choices: Written;
  readonly options: Written;
}

/** What chevrotain's types keep to themselves (11.2, lib/src/parse/parser/parser.js and traits/looksahead.js). */
interface Internals {
  selfAnalysisDone: boolean;
  readonly lookAheadFuncsCache: Map<number, Choose | Enter>;
}

const internals = (parser: EmbeddedActionsParser): Internals => parser as unknown as Internals;

// Of chevrotain's keys for decisions: the four bits that tell their kind, and the kind that chooses.
const KIND_BITS = 0xf00;
const CHOICE = 0x100;

/** The decisions of a parser that has recorded its rules. */
export function writeDecisions(parser: EmbeddedActionsParser): DecisionTable {
  const place = new Map(VOCABULARY.map(({ tokenTypeIdx }, index) => [tokenTypeIdx!, index]));
  const write = (way: Way): WrittenWay => (way === undefined ? null : [...way].map((token) => place.get(token)!));
  const all = [...internals(parser).lookAheadFuncsCache].map(
    ([key, decision]) => [key, waysOf.get(decision)!().map(write)] as const,
  );
  return {
    choices: all.filter(([key]) => (key & KIND_BITS) === CHOICE),
    options: all.filter(([key]) => (key & KIND_BITS) !== CHOICE),
  };
}

/** Gives a parser the decisions that another of its kind has worked out: it need not record its rules. */
export function readDecisions(parser: EmbeddedActionsParser, { choices, options }: DecisionTable): void {
  const read = (way: WrittenWay): Way =>
    way === null ? undefined : new Set(way.map((index) => VOCABULARY[index]!.tokenTypeIdx!));
  const { lookAheadFuncsCache } = internals(parser);
  for (const [key, ways] of choices) {
    lookAheadFuncsCache.set(
      key,
      chooseBetween(() => ways.map(read)),
    );
  }
  for (const [key, [way]] of options) {
    lookAheadFuncsCache.set(
      key,
      enterIf(() => read(way!)),
    );
  }
  internals(parser).selfAnalysisDone = true;
}
