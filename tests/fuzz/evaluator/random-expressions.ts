import {
  AGGREGATIONS,
  ARITHMETIC,
  COMPARISONS,
  INT_TYPES,
  KEYED_AGGREGATIONS,
  type Kind,
  LARGE,
  MAPS,
  NUMBERS,
  PRINTED,
  SCALARS,
  SERIES,
  type Scope,
  TEXTS,
} from './vocabulary.ts';
import type { Random } from '../random-source.ts';

/** What a script is about: few things each, so that it is small and they meet often. */
export interface Topic {
  readonly maps: readonly string[];
  readonly aggregations: readonly string[];
  readonly keyed: readonly string[];
  readonly printed: readonly string[];
  readonly series: readonly string[];
  readonly scalars: readonly string[];
  readonly hasRecords: boolean;
  /** `@v`, whose values are pairs. */
  readonly hasPairMap: boolean;
}

export function randomTopic(random: Random): Topic {
  const some = (rows: Readonly<Record<string, unknown>>, count: number): readonly string[] => {
    const names = Object.keys(rows);
    const first = random(names.length);
    return Array.from({ length: count }, (_, index) => names[(first + index) % names.length]!);
  };
  return {
    maps: some(MAPS, 1 + random(2)),
    aggregations: some(AGGREGATIONS, random(3)),
    keyed: some(KEYED_AGGREGATIONS, random(2)),
    printed: some(PRINTED, random(3) === 0 ? 1 : 0),
    series: some(SERIES, random(4) === 0 ? 1 : 0),
    scalars: some(SCALARS, random(3)),
    hasRecords: random(3) === 0,
    hasPairMap: random(3) === 0,
  };
}

/** Random expressions of each kind over what is in scope. */
export class Expressions {
  readonly topic: Topic;
  readonly random: Random;
  #names = 0;

  constructor(random: Random) {
    this.random = random;
    this.topic = randomTopic(random);
  }

  /** A name that nothing else has. */
  name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.random(choices.length)]!;
  }

  smallKey(scope: Scope): string {
    return this.random(2) === 0 ? `(int64)${this.random(3)}` : `((int64)(${this.int(scope, 1)}) & 3)`;
  }

  record(scope: Scope): string {
    const text = scope.variables.find(({ kind }) => kind === 'string')!.name;
    const fields = [
      `n=(int64)(${this.int(scope, 1)})`,
      `b=(uint8)(${this.int(scope, 1)})`,
      `s=${this.variable(scope, 'string') ?? text}`,
      `w=(int16)(${this.int(scope, 1)})`,
    ];
    return `(${fields.join(', ')})`;
  }

  bytes(scope: Scope): string {
    return this.variable(scope, 'bytes') ?? `(uint8[8])(uint64)(${this.int(scope, 1)})`;
  }

  value(kind: Kind, scope: Scope, depth: number): string {
    switch (kind) {
      case 'int':
        return this.int(scope, depth);
      case 'bool':
        return this.bool(scope, depth);
      case 'string':
        return this.text(scope);
      case 'pair':
        return this.pair(scope);
      case 'nested':
        return this.nested(scope);
      case 'text':
        return this.longText(scope);
      case 'record':
        return this.variable(scope, 'record') ?? this.record(scope);
      case 'bytes':
        return this.bytes(scope);
    }
  }

  variable(scope: Scope, kind: Kind): string | undefined {
    const found = scope.variables.filter((variable) => variable.kind === kind);
    return found.length === 0 || this.random(3) === 0 ? undefined : this.pick(found).name;
  }

  key(map: string, scope: Scope): string {
    switch (MAPS[map]) {
      case 'string':
        return `"${this.pick(TEXTS)}"`;
      case 'pair':
        return `((int64)${this.random(3)}, "${this.pick(TEXTS)}")`;
      case 'nested':
        return (
          this.variable(scope, 'nested') ??
          `((int8)${this.random(3)}, ("${this.pick(TEXTS)}", (int32)${this.random(2)}))`
        );
      default:
        return this.random(2) === 0 ? `(int64)${this.random(4)}` : `((int64)(${this.int(scope, 1)}) & 3)`;
    }
  }

  text(scope: Scope): string {
    const known = this.variable(scope, 'string');
    if (known !== undefined) return known;
    const literal = (): string => `"${this.pick(TEXTS)}"`;
    switch (this.random(8)) {
      case 0:
        return `(${this.bool(scope, 0)} ? ${literal()} : ${literal()})`;
      case 1:
        return `(if (${this.bool(scope, 0)}) { ${literal()} } else { ${literal()} })`;
      case 2:
        return this.topic.hasRecords ? `@t[${this.smallKey(scope)}]` : literal();
      case 3:
        return this.topic.hasPairMap ? `@v[${this.smallKey(scope)}].1` : literal();
      default:
        return literal();
    }
  }

  /** Text of str_concat()'s own size. */
  longText(scope: Scope): string {
    return this.variable(scope, 'text') ?? `str_concat(${this.text(scope)}, ${this.text(scope)})`;
  }

  nested(scope: Scope): string {
    const text = scope.variables.find(({ kind }) => kind === 'string')!.name;
    return (
      this.variable(scope, 'nested') ??
      `((int8)(${this.int(scope, 1)}), (${this.variable(scope, 'string') ?? text}, (int32)(${this.int(scope, 1)})))`
    );
  }

  pair(scope: Scope): string {
    if (this.topic.hasPairMap && this.random(4) === 0) return `@v[${this.smallKey(scope)}]`;
    return this.variable(scope, 'pair') ?? `((int64)(${this.int(scope, 1)}), "a longer text")`;
  }

  int(scope: Scope, depth: number): string {
    const leaf = (): string =>
      this.variable(scope, 'int') ?? (this.random(5) === 0 ? `(uint64)${this.pick(LARGE)}` : this.pick(NUMBERS));
    if (depth === 0) return leaf();
    const inner = (): string => this.int(scope, depth - 1);
    switch (this.random(27)) {
      case 0:
      case 1:
      case 2:
        return `(${inner()} ${this.pick(ARITHMETIC)} ${inner()})`;
      case 3:
        return `(${inner()} ${this.pick(['<<', '>>'])} ${this.random(7)})`;
      case 4:
        return `(${this.pick(['-', '~'])}(${inner()}))`;
      case 5:
        return `((${this.pick(INT_TYPES)})(${inner()}))`;
      case 6:
        return `(${this.bool(scope, depth - 1)} ? (int64)(${inner()}) : (int64)(${inner()}))`;
      case 7: {
        const name = this.pick(this.topic.maps);
        return `@${name}[${this.key(name, scope)}]`;
      }
      case 8:
        return this.topic.aggregations.length === 0 ? leaf() : `(int64)@${this.pick(this.topic.aggregations)}`;
      case 9: {
        const pair = this.variable(scope, 'pair');
        return pair === undefined ? leaf() : `${pair}.0`;
      }
      case 10:
        return this.random(2) === 0
          ? `(int64)strlen(${this.text(scope)})`
          : `(int64)strstr(${this.text(scope)}, "${this.pick(TEXTS.slice(1))}")`;
      case 11:
        return `mix(${inner()}, ${inner()})`;
      case 12:
        return `choose((int64)(${inner()}), (int64)(${inner()}))`;
      case 13: {
        if (!this.topic.hasRecords) return leaf();
        const record = this.variable(scope, 'record') ?? `@r[${this.smallKey(scope)}]`;
        return `${record}.${this.pick(['n', 'b', 'w'])}`;
      }
      case 14: {
        const bytes = this.variable(scope, 'bytes');
        if (bytes === undefined) return leaf();
        return this.pick([`(uint64)${bytes}`, `${bytes}[${this.random(8)}]`, `${bytes}[(uint64)(${inner()}) & 7]`]);
      }
      case 15: {
        const bytes = this.variable(scope, 'bytes');
        const other = this.variable(scope, 'bytes');
        return bytes === undefined || other === undefined
          ? leaf()
          : `(int64)memcmp(${bytes}, ${other}, ${1 + this.random(8)})`;
      }
      case 16:
        return `bswap((${this.pick(['uint16', 'uint32', 'uint64'])})(${inner()}))`;
      case 17:
        return `(if (${this.bool(scope, depth - 1)}) { (int64)(${inner()}) } else { (int64)(${inner()}) })`;
      case 18: {
        const name = this.name('$q');
        return `({ let ${name} = (int64)(${inner()}); ${name} + (int64)(${inner()}) })`;
      }
      case 19: {
        const name = this.variable(scope, 'int');
        return name === undefined ? leaf() : `(*(&${name}))`;
      }
      case 20:
        return this.pick([
          `(int64)strncmp(${this.text(scope)}, ${this.text(scope)}, ${1 + this.random(6)})`,
          `(int64)strcontains(${this.text(scope)}, "${this.pick(TEXTS.slice(1))}")`,
          ...this.topic.keyed.map((name) => `(int64)@${name}[${this.smallKey(scope)}]`),
          `len(@${this.pick(this.topic.maps)})`,
          `(int64)strlen(${this.longText(scope)})`,
          `(int64)strcontains(${this.longText(scope)}, "${this.pick(TEXTS.slice(1))}")`,
        ]);
      case 21:
        return this.topic.scalars.length === 0 ? leaf() : `@${this.pick(this.topic.scalars)}`;
      case 22:
        return this.pick([
          `(int64)weigh(${this.variable(scope, 'string') ?? '$text'}, (uint8)(${inner()}))`,
          `(int64)climb((int32)(${inner()}), ${this.bool(scope, depth - 1)})`,
          ...(this.topic.maps.includes('i') ? [`tally(@i, ${this.random(4)})`] : []),
        ]);
      case 23:
        return `(${inner()} ${this.pick(['<<', '>>'])} ((uint8)(${inner()}) & ${this.pick(['7', '31', '63'])}))`;
      case 24:
        return this.topic.hasPairMap ? `@v[${this.smallKey(scope)}].0` : leaf();
      case 25: {
        const name = this.variable(scope, 'int');
        return name === undefined ? leaf() : this.pick([`(int64)sizeof(${name})`, `(typeof(${name}))(${inner()})`]);
      }
      default:
        return leaf();
    }
  }

  bool(scope: Scope, depth: number): string {
    const int = (): string => this.int(scope, depth);
    switch (this.random(depth === 0 ? 4 : 11)) {
      case 0:
      case 1:
      case 2:
        return `((int64)(${int()}) ${this.pick(COMPARISONS)} (int64)(${int()}))`;
      case 3:
        return this.variable(scope, 'bool') ?? this.pick(['true', 'false']);
      case 4:
        return `(${this.bool(scope, depth - 1)} ${this.pick(['&&', '||'])} ${this.bool(scope, depth - 1)})`;
      case 5:
        return `(!${this.bool(scope, depth - 1)})`;
      case 6:
        return `(${this.text(scope)} ${this.pick(['==', '!='])} ${this.text(scope)})`;
      case 7:
        return `(${this.pair(scope)} ${this.pick(['==', '!='])} ${this.pair(scope)})`;
      case 8:
        return `((int64)(${int()}) ${this.pick(['&&', '||'])} (int64)(${int()}))`;
      case 9:
        return `(bool)(${int()})`;
      default:
        return `(${int()} ${this.pick(COMPARISONS)} ${int()})`;
    }
  }
}
