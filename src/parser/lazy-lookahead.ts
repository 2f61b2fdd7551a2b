import { LLkLookaheadStrategy } from 'chevrotain';
import type { ILookaheadStrategy } from 'chevrotain';

type Alternation = Parameters<ILookaheadStrategy['buildLookaheadForAlternation']>[0];
type Optional = Parameters<ILookaheadStrategy['buildLookaheadForOptional']>[0];
type ChooseAlternative = ReturnType<ILookaheadStrategy['buildLookaheadForAlternation']>;
type Enter = ReturnType<ILookaheadStrategy['buildLookaheadForOptional']>;

/**
 * chevrotain works out what every decision of a grammar looks ahead for when the parser is made, which is most of its
 * start-up. A script takes few of those decisions, so each is worked out at its first use.
 */
export class LazyLookahead extends LLkLookaheadStrategy {
  override buildLookaheadForAlternation(options: Alternation): ChooseAlternative {
    let choose: ChooseAlternative | undefined;
    const build = (): ChooseAlternative => super.buildLookaheadForAlternation(options);
    return function (this: unknown, ...args) {
      choose ??= build();
      return choose.apply(this as never, args);
    };
  }

  override buildLookaheadForOptional(options: Optional): Enter {
    let enter: Enter | undefined;
    const build = (): Enter => super.buildLookaheadForOptional(options);
    return function (this: unknown, ...args) {
      enter ??= build();
      return enter.apply(this as never, args);
    };
  }
}
