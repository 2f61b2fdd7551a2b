import { Expressions, type Topic } from './random-expressions.ts';
import {
  AGGREGATED_TYPES,
  AGGREGATIONS,
  COMMUTATIVE,
  COMPOUND,
  FIRST_ELEMENTS,
  FIRST_TICK,
  HEAD,
  INT_TYPES,
  KEYED_AGGREGATIONS,
  type Kind,
  PREAMBLE,
  PRINTED,
  SCALARS,
  SPECIFIERS,
  type Scope,
  aggregate,
  tseries,
} from './vocabulary.ts';
import type { Random } from '../random-source.ts';

/** A script of one begin probe that computes something and prints it. Most of these type-check. */
export function randomScript(random: Random): string {
  return new Generator(random).script();
}

class Generator {
  readonly #random: Random;
  readonly #e: Expressions;
  /** How many more statements there may be. */
  #budget: number;

  constructor(random: Random) {
    this.#random = random;
    this.#budget = 3 + random(7);
    this.#e = new Expressions(random);
  }

  script(): string {
    const others = [...(this.#random(3) === 0 ? ['begin'] : []), ...(this.#random(3) === 0 ? ['end'] : [])];
    const main = this.#probe('begin', this.#types(), others.length === 0);
    const more = others.map((kind, index) => this.#another(kind, index === others.length - 1));
    // A declared map holds as many elements as scripts make.
    const declared = this.#topic.maps.filter(() => this.#random(4) === 0);
    const maps = declared.map((name) => `let @${name} = ${this.#e.pick(['hash', 'lruhash'])}(256);\n`);
    return [HEAD, ...maps, PREAMBLE, main, ...more].join('');
  }

  get #topic(): Topic {
    return this.#e.topic;
  }

  #another(kind: string, isLast: boolean): string {
    this.#budget = 2 + this.#random(3);
    const nothing: Scope = { variables: [] };
    const predicate = this.#random(2) === 0 ? '' : ` /${this.#e.bool({ ...nothing }, 1).replace(/\$text/g, '"abc"')}/`;
    return this.#probe(`${kind}${predicate}`, ['let $text : string[16] = "abc";'], isLast);
  }

  #probe(head: string, first: readonly string[], isLast: boolean): string {
    const scope: Scope = { variables: [{ name: '$text', kind: 'string' }] };
    const body: string[] = [];
    if (this.#topic.maps.includes('i')) body.push('let $found : int64;');
    if (this.#topic.hasRecords) {
      body.push(`$record = ${this.#e.record(scope)};`);
      scope.variables.push({ name: '$record', kind: 'record' });
    }
    for (let left = 1 + this.#random(3); left > 0; left--) body.push(this.#declaration(scope));
    while (this.#budget > 0) body.push(this.#statement(scope, 0));
    body.push(...this.#results(scope));
    // Maps are printed by user space, which gets there when all probes have run.
    if (isLast) body.push(...[...this.#topic.printed, ...this.#topic.series].map((name) => `print(@${name});`));
    return `${head} {\n${[...first, ...body].join('\n')}\n}\n`;
  }

  #results(scope: Scope): string[] {
    const { aggregations, hasPairMap, hasRecords, keyed, maps, scalars } = this.#topic;
    return [
      ...scope.variables.map(({ name, kind }) => this.#print(name, kind)),
      ...maps.flatMap((name) => [1, 2].map(() => this.#print(`@${name}[${this.#e.key(name, scope)}]`, 'int'))),
      ...[...aggregations, ...scalars].map((name) => this.#print(`@${name}`, 'int')),
      ...keyed.map((name) => this.#print(`@${name}[${this.#random(4)}]`, 'int')),
      ...(hasRecords ? [this.#print('@r[1]', 'record'), this.#print('@t[1]', 'string')] : []),
      ...(hasPairMap ? [this.#print('@v[1]', 'pair')] : []),
    ];
  }

  /** What is read must have been given a type. */
  #types(): string[] {
    const aggregations = this.#topic.aggregations.map((name) => this.#aggregation(name, '5'));
    const keyed = this.#topic.keyed.map(
      (name) => `@${name}[(int64)9] = ${aggregate(KEYED_AGGREGATIONS[name]!, '(int64)1')};`,
    );
    const printed = this.#topic.printed.map(
      (name) => `@${name}[(int64)9] = ${PRINTED[name]![0]}((int64)1${PRINTED[name]![1]});`,
    );
    const series = this.#topic.series.map((name) => `@${name}[(int64)9] = ${tseries(name, '(int64)1')};`);
    return [
      'let $text : string[16] = "a longer text";',
      ...(this.#topic.hasRecords
        ? ['@r[(int64)9] = (n=(int64)0, b=(uint8)0, s=$text, w=(int16)0); @t[(int64)9] = $text;']
        : []),
      ...(series.length === 0 ? [] : [`@clock = (uint64)${FIRST_TICK};`]),
      ...this.#topic.maps.map((name) => FIRST_ELEMENTS[name]!),
      ...(this.#topic.hasPairMap ? [FIRST_ELEMENTS['v']!] : []),
      ...this.#topic.scalars.map((name) => `@${name} = (${SCALARS[name]!})0;`),
      ...aggregations,
      ...keyed,
      ...printed,
      ...series,
    ];
  }

  #aggregation(name: string, value: string): string {
    return `@${name} = ${aggregate(AGGREGATIONS[name]!, `(${AGGREGATED_TYPES[name] ?? 'int64'})(${value})`)};`;
  }

  #print(what: string, kind: Kind): string {
    if (this.#random(4) === 0 && kind !== 'bytes' && kind !== 'text')
      return `print(${kind === 'int' && !what.startsWith('$') ? `(int64)${what}` : what});`;
    if (kind === 'string') return `printf("%s\\n", ${what});`;
    if (kind === 'record')
      return `printf("%lld %lld %s %lld\\n", ${what}.n, (int64)${what}.b, ${what}.s, (int64)${what}.w);`;
    if (kind === 'bytes') return `printf("%lld\\n", (int64)(uint64)${what});`;
    if (kind === 'text') return `printf("%s\\n", ${what});`;
    if (kind === 'nested') return `printf("%lld %s %lld\\n", (int64)${what}.0, ${what}.1.0, (int64)${what}.1.1);`;
    if (kind === 'pair') return `printf("%lld %s\\n", (int64)${what}.0, ${what}.1);`;
    if (this.#random(3) === 0) {
      const type = this.#e.pick(INT_TYPES);
      return `printf("${this.#e.pick(SPECIFIERS)} ${this.#e.pick(SPECIFIERS)}|\\n", (${type})${what}, (int64)${what});`;
    }
    return `printf("%lld\\n", (int64)${what});`;
  }

  #declaration(scope: Scope): string {
    const name = this.#e.name('$v');
    const records: readonly Kind[] = this.#topic.hasRecords ? ['record'] : [];
    const kind = this.#e.pick<Kind>([
      'int',
      'int',
      'int',
      'bool',
      'string',
      'pair',
      'nested',
      'bytes',
      'text',
      ...records,
    ]);
    const value = this.#e.value(kind, scope, 2);
    scope.variables.push({ name, kind });
    // An integer's first value decides its type; text is made as long as it may get.
    if (kind === 'int')
      return `let ${name} : ${this.#e.pick(INT_TYPES)} = (${this.#e.pick(INT_TYPES)})(${value});`.replace(
        /: (\w+) = \((\w+)\)/,
        ': $1 = ($1)',
      );
    if (kind === 'string') return `let ${name} : string[16] = ${value};`;
    if (kind === 'bytes') return `let ${name} : uint8[8] = ${value};`;
    return `${name} = ${value};`;
  }

  #statements(scope: Scope, depth: number): string {
    const inner: Scope = { variables: [...scope.variables] };
    const out: string[] = [];
    for (let left = 1 + this.#random(3); left > 0; left--) out.push(this.#statement(inner, depth));
    return out.join('\n');
  }

  #statement(scope: Scope, depth: number): string {
    this.#budget--;
    const simple = depth > 2 || this.#budget <= 0;
    switch (this.#random(simple ? 15 : 23)) {
      case 0:
      case 1:
        return this.#assignment(scope);
      case 2: {
        const name = this.#e.pick(this.#topic.maps);
        return `@${name}[${this.#e.key(name, scope)}] ${this.#e.pick(['=', '=', ...COMPOUND])} (int64)(${this.#e.int(scope, 2)});`;
      }
      case 3: {
        const name = this.#e.pick(this.#topic.maps);
        return `@${name}[${this.#e.key(name, scope)}]${this.#e.pick(['++', '--'])};`;
      }
      case 4: {
        if (this.#topic.aggregations.length === 0) return this.#assignment(scope);
        return this.#aggregation(this.#e.pick(this.#topic.aggregations), this.#e.int(scope, 2));
      }
      case 5:
        return this.#print(`(${this.#e.int(scope, 3)})`, 'int');
      case 6: {
        const name = this.#e.pick(this.#topic.maps);
        return this.#random(2) === 0
          ? `delete(@${name}, ${this.#e.key(name, scope)});`
          : this.#print(`has_key(@${name}, ${this.#e.key(name, scope)})`, 'int');
      }
      case 7: {
        if (this.#topic.keyed.length === 0) return this.#assignment(scope);
        const name = this.#e.pick(this.#topic.keyed);
        return `@${name}[${this.#e.smallKey(scope)}] = ${aggregate(KEYED_AGGREGATIONS[name]!, `(int64)(${this.#e.int(scope, 2)})`)};`;
      }
      case 8: {
        const value = `(int64)(${this.#e.int(scope, 2)})`;
        if (this.#topic.series.length > 0) {
          const tick = this.#random(3) === 0 ? `@clock = (uint64)${FIRST_TICK + this.#random(6_000)};\n` : '';
          return `${tick}@${this.#topic.series[0]}[${this.#e.smallKey(scope)}] = ${tseries(this.#topic.series[0]!, value)};`;
        }
        if (this.#topic.printed.length === 0) return this.#assignment(scope);
        const name = this.#topic.printed[0]!;
        const [call, more] = PRINTED[name]!;
        return `@${name}[${this.#e.smallKey(scope)}] = ${call}(${value}${more});`;
      }
      case 9:
        if (!this.#topic.hasRecords) return this.#assignment(scope);
        return this.#random(2) === 0
          ? `@r[${this.#e.smallKey(scope)}] = ${this.#e.value('record', scope, 1)};`
          : `@t[${this.#e.smallKey(scope)}] = ${this.#e.variable(scope, 'string') ?? '$text'};`;
      case 10:
        if (!this.#topic.maps.includes('i')) return this.#assignment(scope);
        return `if (find(@i, ${this.#e.key('i', scope)}, $found)) {\n${this.#print('$found', 'int')}\n}`;
      case 11:
        return this.#bump(scope);
      case 12: {
        if (this.#topic.scalars.length === 0) return this.#assignment(scope);
        const name = this.#e.pick(this.#topic.scalars);
        const value = `(${SCALARS[name]!})(${this.#e.int(scope, 2)})`;
        return `@${name}${this.#e.pick(['++', '--', ` = ${value}`, ` ${this.#e.pick(COMPOUND)} ${value}`])};`;
      }
      case 13:
        if (!this.#topic.hasPairMap) return this.#assignment(scope);
        return `@v[${this.#e.smallKey(scope)}] = ${this.#e.pair(scope)};`;
      case 14:
        return this.#print(...this.#something(scope));
      case 15:
        return this.#declaration(scope);
      case 16:
        return this.#visit(scope);
      case 17:
      case 18: {
        const otherwise = this.#random(2) === 0 ? '' : ` else {\n${this.#statements(scope, depth + 1)}\n}`;
        return `if (${this.#e.bool(scope, 2)}) {\n${this.#statements(scope, depth + 1)}\n}${otherwise}`;
      }
      case 19: {
        const counter = this.#e.name('$n');
        const leave =
          this.#random(2) === 0 ? '' : `if (${this.#e.bool(scope, 1)}) { ${this.#e.pick(['break', 'continue'])}; }\n`;
        const body = this.#statements(scope, depth + 2);
        return `${counter} = 0; while (${counter} < ${1 + this.#random(6)}) {\n${counter}++;\n${leave}${body}\n}`;
      }
      case 20: {
        const body = this.#statements(scope, depth + 2);
        return `unroll (${1 + this.#random(3)}) {\n${body}\n}`;
      }
      case 21:
        return this.#random(5) === 0 ? `if (${this.#e.bool(scope, 1)}) { return; }` : this.#declaration(scope);
      default: {
        const counter = this.#e.name('$r');
        const start = this.#random(4);
        const inner: Scope = { variables: [...scope.variables, { name: counter, kind: 'int', constant: true }] };
        const end = this.#e.pick([
          `${start + 70}`,
          `${start + this.#random(5)}`,
          `${start + this.#random(5)}`,
          `((int64)(${this.#e.int(scope, 1)}) & 7)`,
        ]);
        const leave =
          this.#random(2) === 0 ? '' : `if (${this.#e.bool(inner, 1)}) { ${this.#e.pick(['break', 'continue'])}; }\n`;
        return `for (${counter} : ${start}..${end}) {\n${leave}${this.#statements(inner, depth + 2)}\n}`;
      }
    }
  }

  #something(scope: Scope): [string, Kind] {
    const found = scope.variables.filter(({ kind }) => kind !== 'bytes');
    const { name, kind } = this.#e.pick(found);
    return [name, kind];
  }

  /** A loop over a map: what it does must not depend on the order of the elements. */
  #visit(scope: Scope): string {
    const pair = this.#e.name('$kv');
    const sum = this.#e.name('$sum');
    const visited = [
      ...this.#topic.maps.filter((name) => name === 'i' || name === 's'),
      ...(this.#topic.hasRecords ? ['r'] : []),
    ];
    if (visited.length === 0) return this.#assignment(scope);
    const map = this.#e.pick(visited);
    const value = map === 'r' ? `${pair}.1.${this.#e.pick(['n', 'w'])}` : `${pair}.1`;
    const worth = this.#e.pick([value, ...(map === 's' ? [`strlen(${pair}.0)`] : [`${pair}.0`])]);
    const inner: Scope = { variables: scope.variables.map((variable) => ({ ...variable, constant: true })) };
    const folded = `${sum} ${this.#e.pick(COMMUTATIVE)} (int64)(${worth}) ${this.#e.pick(['+', '*', '^'])} (int64)(${this.#e.int(inner, 1)});`;
    const second = this.#e.name('$kv');
    const more = this.#e.pick([
      ...this.#topic.aggregations.map((name) => this.#aggregation(name, value)),
      ...this.#topic.keyed.map((name) => `@${name}[1] = ${aggregate(KEYED_AGGREGATIONS[name]!, `(int64)(${value})`)};`),
      `if ((int64)(${value}) > ${this.#random(9)}) { continue; }`,
      ...(map === 'r' ? [] : [`for (${second} : @${map}) {\n${sum} += (int64)${second}.1 & (int64)(${value});\n}`]),
    ]);
    scope.variables.push({ name: sum, kind: 'int' });
    return `let ${sum} : int64 = ${this.#random(9)};\nfor (${pair} : @${map}) {\n${more}\n${folded}\n}`;
  }

  #bump(scope: Scope): string {
    const found = scope.variables.filter(({ constant, kind }) => constant !== true && kind === 'int');
    return found.length === 0 ? this.#declaration(scope) : `bump(${this.#e.pick(found).name});`;
  }

  #assignment(scope: Scope): string {
    const found = scope.variables.filter(({ constant }) => constant !== true);
    if (found.length === 0) return this.#declaration(scope);
    const { name, kind } = this.#e.pick(found);
    if (kind === 'int') {
      if (this.#random(3) === 0) return `${name}${this.#e.pick(['++', '--'])};`;
      if (this.#random(2) === 0)
        return `${name} ${this.#e.pick(COMPOUND)} (typeof(${name}))(${this.#e.int(scope, 2)});`;
      return `${name} = (typeof(${name}))(${this.#e.int(scope, 3)});`;
    }
    return `${name} = ${this.#e.value(kind, scope, 2)};`;
  }
}
