/** Picks one of `below` numbers. */
export type Random = (below: number) => number;

type Kind = 'int' | 'bool' | 'string' | 'pair' | 'nested' | 'record' | 'bytes' | 'text';

interface Scope {
  readonly variables: { readonly name: string; readonly kind: Kind; readonly constant?: true }[];
}

const INT_TYPES = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'uint64'] as const;
const NUMBERS = ['0', '1', '2', '3', '7', '100', '127', '128', '255', '256', '32767', '65535', '65536', '1000003'];
const LARGE = ['2147483647', '2147483648', '4294967295', '4294967296', '9223372036854775807', '0x123456789abcdef'];
const TEXTS = ['', 'a', 'ab', 'abc', 'hello', 'hellp', 'a longer text', 'abcabcabd'];
const ARITHMETIC = ['+', '-', '*', '/', '%', '&', '|', '^'];
const COMPARISONS = ['==', '!=', '<', '>', '<=', '>='];
const COMPOUND = ['+=', '-=', '*=', '&=', '|=', '^='];

/** Key types of the maps that scripts use, by name: values are 64-bit integers. */
const MAPS: Readonly<Record<string, Kind>> = { i: 'int', s: 'string', p: 'pair', d: 'nested' };
/** What every script begins with: macros and a function to call. */
const PREAMBLE = `macro mix(a, b) { let $t = (int64)(a); $t = $t * 3; $t ^ (int64)(b) }
macro bump($x) { $x = $x + (typeof($x))1; }
fn choose($a: int64, $b: int64): int64 { if ($a > $b) { return $a - $b; } return $b + 1; }
`;
/** Maps of one element for each of a few keys, by name: how a value gets in. */
const KEYED_AGGREGATIONS: Readonly<Record<string, string>> = {
  kcount: 'count()',
  ksum: 'sum',
  kmin: 'min',
  kmax: 'max',
  kavg: 'avg',
};
/** Maps that only printing shows, by name: what follows the value. */
const PRINTED: Readonly<Record<string, readonly [call: string, more: string]>> = {
  hist: ['hist', ''],
  hist2: ['hist', ', 2'],
  lhist: ['lhist', ', 3, 100, 7'],
  stats: ['stats', ''],
};
/** Time series of one interval, which a map of the script stands in for: `@clock` is the time. */
const SERIES: Readonly<Record<string, string>> = {
  last: '',
  sums: ', "sum"',
  least: ', "min"',
  most: ', "max"',
  means: ', "avg"',
};
/** Folding that does not depend on the order in which a loop visits a map. */
const COMMUTATIVE = ['+=', '^=', '|=', '&='];

/** One element of each map, which tells its types. */
const FIRST_ELEMENTS: Readonly<Record<string, string>> = {
  i: '@i[(int64)0] = (int64)0;',
  s: '@s["a longer text"] = (int64)0;',
  p: '@p[((int64)0, "a longer text")] = (int64)0;',
  d: '@d[((int8)0, ("a longer text", (int32)0))] = (int64)0;',
};
const HEAD = 'config = { print_maps_on_exit = false; max_map_keys = 64; unstable_tseries = true }\n';

/** No window of a time series reaches back to the beginning of time. */
const FIRST_TICK = 10_000;

/** Aggregations, by name. */
const AGGREGATIONS: Readonly<Record<string, string>> = {
  count: 'count()',
  sum: 'sum',
  min: 'min',
  max: 'max',
  avg: 'avg',
};

/** A script of one begin probe that computes something and prints it. Most of these type-check. */
export function randomScript(random: Random): string {
  return new Generator(random).script();
}

class Generator {
  readonly #random: Random;
  #names = 0;
  #loops = 0;
  /** How many more statements there may be. */
  #budget: number;
  /** What this script is about: few things each, so that it is small and they meet often. */
  readonly #maps: readonly string[];
  readonly #aggregations: readonly string[];
  readonly #keyed: readonly string[];
  readonly #printed: readonly string[];
  readonly #series: readonly string[];
  readonly #hasRecords: boolean;

  constructor(random: Random) {
    this.#random = random;
    this.#budget = 3 + random(7);
    this.#maps = this.#some(Object.keys(MAPS), 1 + random(2));
    this.#aggregations = this.#some(Object.keys(AGGREGATIONS), random(3));
    this.#keyed = this.#some(Object.keys(KEYED_AGGREGATIONS), random(2));
    this.#printed = this.#some(Object.keys(PRINTED), random(3) === 0 ? 1 : 0);
    this.#series = this.#some(Object.keys(SERIES), random(4) === 0 ? 1 : 0);
    this.#hasRecords = random(3) === 0;
  }

  #some(names: readonly string[], count: number): readonly string[] {
    const first = this.#random(names.length);
    return Array.from({ length: count }, (_, index) => names[(first + index) % names.length]!);
  }

  script(): string {
    const scope: Scope = { variables: [{ name: '$text', kind: 'string' }] };
    const body: string[] = [];
    if (this.#maps.includes('i')) body.push('let $found : int64;');
    if (this.#hasRecords) {
      body.push(`$record = ${this.#record(scope)};`);
      scope.variables.push({ name: '$record', kind: 'record' });
    }
    for (let left = 1 + this.#random(3); left > 0; left--) body.push(this.#declaration(scope));
    while (this.#budget > 0) body.push(this.#statement(scope, 0));
    for (const { name, kind } of scope.variables) body.push(this.#print(name, kind));
    for (const name of this.#maps)
      for (let left = 2; left > 0; left--) body.push(this.#print(`@${name}[${this.#key(name, scope)}]`, 'int'));
    for (const name of this.#aggregations) body.push(this.#print(`@${name}`, 'int'));
    for (const name of this.#keyed) body.push(this.#print(`@${name}[${this.#random(4)}]`, 'int'));
    if (this.#hasRecords) body.push(this.#print('@r[1]', 'record'), this.#print('@t[1]', 'string'));
    for (const name of [...this.#printed, ...this.#series]) body.push(`print(@${name});`);
    const lines = [...this.#types(), ...body].join('\n');
    return `${HEAD}${PREAMBLE}begin {\n${lines}\n}\n`;
  }

  /** What is read must have been given a type. */
  #types(): string[] {
    const aggregations = this.#aggregations.map((name) => `@${name} = ${aggregate(AGGREGATIONS[name]!, '(int64)5')};`);
    const keyed = this.#keyed.map(
      (name) => `@${name}[(int64)9] = ${aggregate(KEYED_AGGREGATIONS[name]!, '(int64)1')};`,
    );
    const printed = this.#printed.map(
      (name) => `@${name}[(int64)9] = ${PRINTED[name]![0]}((int64)1${PRINTED[name]![1]});`,
    );
    const series = this.#series.map((name) => `@${name}[(int64)9] = ${tseries(name, '(int64)1')};`);
    return [
      'let $text : string[16] = "a longer text";',
      ...(this.#hasRecords
        ? ['@r[(int64)9] = (n=(int64)0, b=(uint8)0, s=$text, w=(int16)0); @t[(int64)9] = $text;']
        : []),
      ...(series.length === 0 ? [] : [`@clock = (uint64)${FIRST_TICK};`]),
      ...this.#maps.map((name) => FIRST_ELEMENTS[name]!),
      ...aggregations,
      ...keyed,
      ...printed,
      ...series,
    ];
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random(choices.length)]!;
  }

  #print(what: string, kind: Kind): string {
    if (kind === 'string') return `printf("%s\\n", ${what});`;
    if (kind === 'record')
      return `printf("%lld %lld %s %lld\\n", ${what}.n, (int64)${what}.b, ${what}.s, (int64)${what}.w);`;
    if (kind === 'bytes') return `printf("%lld\\n", (int64)(uint64)${what});`;
    if (kind === 'text') return `printf("%s\\n", ${what});`;
    if (kind === 'nested') return `printf("%lld %s %lld\\n", (int64)${what}.0, ${what}.1.0, (int64)${what}.1.1);`;
    if (kind === 'pair') return `printf("%lld %s\\n", (int64)${what}.0, ${what}.1);`;
    return `printf("%lld\\n", (int64)${what});`;
  }

  #declaration(scope: Scope): string {
    const name = `$v${this.#names++}`;
    const records: readonly Kind[] = this.#hasRecords ? ['record'] : [];
    const kind = this.#pick<Kind>([
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
    const value = this.#value(kind, scope, 2);
    scope.variables.push({ name, kind });
    // An integer's first value decides its type; text is made as long as it may get.
    if (kind === 'int')
      return `let ${name} : ${this.#pick(INT_TYPES)} = (${this.#pick(INT_TYPES)})(${value});`.replace(
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
    switch (this.#random(simple ? 12 : 19)) {
      case 0:
      case 1:
        return this.#assignment(scope);
      case 2: {
        const name = this.#pick(this.#maps);
        return `@${name}[${this.#key(name, scope)}] ${this.#pick(['=', '=', ...COMPOUND])} (int64)(${this.#int(scope, 2)});`;
      }
      case 3: {
        const name = this.#pick(this.#maps);
        return `@${name}[${this.#key(name, scope)}]${this.#pick(['++', '--'])};`;
      }
      case 4: {
        if (this.#aggregations.length === 0) return this.#assignment(scope);
        const name = this.#pick(this.#aggregations);
        const call = AGGREGATIONS[name]!;
        return `@${name} = ${aggregate(call, `(int64)(${this.#int(scope, 2)})`)};`;
      }
      case 5:
        return this.#print(`(${this.#int(scope, 3)})`, 'int');
      case 6: {
        const name = this.#pick(this.#maps);
        return this.#random(2) === 0
          ? `delete(@${name}, ${this.#key(name, scope)});`
          : this.#print(`has_key(@${name}, ${this.#key(name, scope)})`, 'int');
      }
      case 7: {
        if (this.#keyed.length === 0) return this.#assignment(scope);
        const name = this.#pick(this.#keyed);
        return `@${name}[${this.#smallKey(scope)}] = ${aggregate(KEYED_AGGREGATIONS[name]!, `(int64)(${this.#int(scope, 2)})`)};`;
      }
      case 8: {
        const value = `(int64)(${this.#int(scope, 2)})`;
        if (this.#series.length > 0) {
          const tick = this.#random(3) === 0 ? `@clock = (uint64)${FIRST_TICK + this.#random(6_000)};\n` : '';
          return `${tick}@${this.#series[0]}[${this.#smallKey(scope)}] = ${tseries(this.#series[0]!, value)};`;
        }
        if (this.#printed.length === 0) return this.#assignment(scope);
        const name = this.#printed[0]!;
        const [call, more] = PRINTED[name]!;
        return `@${name}[${this.#smallKey(scope)}] = ${call}(${value}${more});`;
      }
      case 9:
        if (!this.#hasRecords) return this.#assignment(scope);
        return this.#random(2) === 0
          ? `@r[${this.#smallKey(scope)}] = ${this.#value('record', scope, 1)};`
          : `@t[${this.#smallKey(scope)}] = ${this.#variable(scope, 'string') ?? '$text'};`;
      case 10:
        if (!this.#maps.includes('i')) return this.#assignment(scope);
        return `if (find(@i, ${this.#key('i', scope)}, $found)) {\n${this.#print('$found', 'int')}\n}`;
      case 11:
        return this.#bump(scope);
      case 12:
        return this.#declaration(scope);
      case 13:
        return this.#visit(scope);
      case 14:
      case 15: {
        const otherwise = this.#random(2) === 0 ? '' : ` else {\n${this.#statements(scope, depth + 1)}\n}`;
        return `if (${this.#bool(scope, 2)}) {\n${this.#statements(scope, depth + 1)}\n}${otherwise}`;
      }
      case 16: {
        const counter = `$n${this.#names++}`;
        const leave =
          this.#random(2) === 0 ? '' : `if (${this.#bool(scope, 1)}) { ${this.#pick(['break', 'continue'])}; }\n`;
        this.#loops++;
        const body = this.#statements(scope, depth + 2);
        return `${counter} = 0; while (${counter} < ${1 + this.#random(6)}) {\n${counter}++;\n${leave}${body}\n}`;
      }
      case 17: {
        const body = this.#statements(scope, depth + 2);
        return `unroll (${1 + this.#random(3)}) {\n${body}\n}`;
      }
      default: {
        const counter = `$r${this.#names++}`;
        const start = this.#random(4);
        const inner: Scope = { variables: [...scope.variables, { name: counter, kind: 'int', constant: true }] };
        const end = this.#pick([
          `${start + 70}`,
          `${start + this.#random(5)}`,
          `${start + this.#random(5)}`,
          `((int64)(${this.#int(scope, 1)}) & 7)`,
        ]);
        const leave =
          this.#random(2) === 0 ? '' : `if (${this.#bool(inner, 1)}) { ${this.#pick(['break', 'continue'])}; }\n`;
        return `for (${counter} : ${start}..${end}) {\n${leave}${this.#statements(inner, depth + 2)}\n}`;
      }
    }
  }

  /** A loop over a map: what it does must not depend on the order of the elements. */
  #visit(scope: Scope): string {
    const pair = `$kv${this.#names++}`;
    const sum = `$sum${this.#names++}`;
    const visited = [...this.#maps.filter((name) => name === 'i' || name === 's'), ...(this.#hasRecords ? ['r'] : [])];
    if (visited.length === 0) return this.#assignment(scope);
    const map = this.#pick(visited);
    const value = map === 'r' ? `${pair}.1.${this.#pick(['n', 'w'])}` : `${pair}.1`;
    const worth = this.#pick([value, ...(map === 's' ? [`strlen(${pair}.0)`] : [`${pair}.0`])]);
    const inner: Scope = { variables: scope.variables.map((variable) => ({ ...variable, constant: true })) };
    const folded = `${sum} ${this.#pick(COMMUTATIVE)} (int64)(${worth}) ${this.#pick(['+', '*', '^'])} (int64)(${this.#int(inner, 1)});`;
    const more = this.#pick([
      ...this.#aggregations.map((name) => `@${name} = ${aggregate(AGGREGATIONS[name]!, `(int64)(${value})`)};`),
      ...this.#keyed.map((name) => `@${name}[1] = ${aggregate(KEYED_AGGREGATIONS[name]!, `(int64)(${value})`)};`),
      `if ((int64)(${value}) > ${this.#random(9)}) { continue; }`,
    ]);
    scope.variables.push({ name: sum, kind: 'int' });
    return `let ${sum} : int64 = ${this.#random(9)};\nfor (${pair} : @${map}) {\n${more}\n${folded}\n}`;
  }

  #bump(scope: Scope): string {
    const found = scope.variables.filter(({ constant, kind }) => constant !== true && kind === 'int');
    return found.length === 0 ? this.#declaration(scope) : `bump(${this.#pick(found).name});`;
  }

  #smallKey(scope: Scope): string {
    return this.#random(2) === 0 ? `(int64)${this.#random(3)}` : `((int64)(${this.#int(scope, 1)}) & 3)`;
  }

  #record(scope: Scope): string {
    const text = scope.variables.find(({ kind }) => kind === 'string')!.name;
    const fields = [
      `n=(int64)(${this.#int(scope, 1)})`,
      `b=(uint8)(${this.#int(scope, 1)})`,
      `s=${this.#variable(scope, 'string') ?? text}`,
      `w=(int16)(${this.#int(scope, 1)})`,
    ];
    return `(${fields.join(', ')})`;
  }

  #bytes(scope: Scope): string {
    return this.#variable(scope, 'bytes') ?? `(uint8[8])(uint64)(${this.#int(scope, 1)})`;
  }

  #assignment(scope: Scope): string {
    const found = scope.variables.filter(({ constant }) => constant !== true);
    if (found.length === 0) return this.#declaration(scope);
    const { name, kind } = this.#pick(found);
    if (kind === 'int') {
      if (this.#random(3) === 0) return `${name}${this.#pick(['++', '--'])};`;
      if (this.#random(2) === 0) return `${name} ${this.#pick(COMPOUND)} (typeof(${name}))(${this.#int(scope, 2)});`;
      return `${name} = (typeof(${name}))(${this.#int(scope, 3)});`;
    }
    return `${name} = ${this.#value(kind, scope, 2)};`;
  }

  #value(kind: Kind, scope: Scope, depth: number): string {
    switch (kind) {
      case 'int':
        return this.#int(scope, depth);
      case 'bool':
        return this.#bool(scope, depth);
      case 'string':
        return this.#text(scope);
      case 'pair':
        return this.#pair(scope);
      case 'nested':
        return this.#nested(scope);
      case 'text':
        return this.#longText(scope);
      case 'record':
        return this.#variable(scope, 'record') ?? this.#record(scope);
      case 'bytes':
        return this.#bytes(scope);
    }
  }

  #variable(scope: Scope, kind: Kind): string | undefined {
    const found = scope.variables.filter((variable) => variable.kind === kind);
    return found.length === 0 || this.#random(3) === 0 ? undefined : this.#pick(found).name;
  }

  #key(map: string, scope: Scope): string {
    switch (MAPS[map]) {
      case 'string':
        return `"${this.#pick(TEXTS)}"`;
      case 'pair':
        return `((int64)${this.#random(3)}, "${this.#pick(TEXTS)}")`;
      case 'nested':
        return (
          this.#variable(scope, 'nested') ??
          `((int8)${this.#random(3)}, ("${this.#pick(TEXTS)}", (int32)${this.#random(2)}))`
        );
      default:
        return this.#random(2) === 0 ? `(int64)${this.#random(4)}` : `((int64)(${this.#int(scope, 1)}) & 3)`;
    }
  }

  #text(scope: Scope): string {
    return this.#variable(scope, 'string') ?? `"${this.#pick(TEXTS)}"`;
  }

  /** Text of str_concat()'s own size. */
  #longText(scope: Scope): string {
    return this.#variable(scope, 'text') ?? `str_concat(${this.#text(scope)}, ${this.#text(scope)})`;
  }

  #nested(scope: Scope): string {
    const text = scope.variables.find(({ kind }) => kind === 'string')!.name;
    return (
      this.#variable(scope, 'nested') ??
      `((int8)(${this.#int(scope, 1)}), (${this.#variable(scope, 'string') ?? text}, (int32)(${this.#int(scope, 1)})))`
    );
  }

  #pair(scope: Scope): string {
    return this.#variable(scope, 'pair') ?? `((int64)(${this.#int(scope, 1)}), "a longer text")`;
  }

  #int(scope: Scope, depth: number): string {
    const leaf = (): string =>
      this.#variable(scope, 'int') ?? (this.#random(5) === 0 ? `(uint64)${this.#pick(LARGE)}` : this.#pick(NUMBERS));
    if (depth === 0) return leaf();
    const inner = (): string => this.#int(scope, depth - 1);
    switch (this.#random(22)) {
      case 0:
      case 1:
      case 2:
        return `(${inner()} ${this.#pick(ARITHMETIC)} ${inner()})`;
      case 3:
        return `(${inner()} ${this.#pick(['<<', '>>'])} ${this.#random(7)})`;
      case 4:
        return `(${this.#pick(['-', '~'])}(${inner()}))`;
      case 5:
        return `((${this.#pick(INT_TYPES)})(${inner()}))`;
      case 6:
        return `(${this.#bool(scope, depth - 1)} ? (int64)(${inner()}) : (int64)(${inner()}))`;
      case 7: {
        const name = this.#pick(this.#maps);
        return `@${name}[${this.#key(name, scope)}]`;
      }
      case 8:
        return this.#aggregations.length === 0 ? leaf() : `(int64)@${this.#pick(this.#aggregations)}`;
      case 9: {
        const pair = this.#variable(scope, 'pair');
        return pair === undefined ? leaf() : `${pair}.0`;
      }
      case 10:
        return this.#random(2) === 0
          ? `(int64)strlen(${this.#text(scope)})`
          : `(int64)strstr(${this.#text(scope)}, "${this.#pick(TEXTS.slice(1))}")`;
      case 11:
        return `mix(${inner()}, ${inner()})`;
      case 12:
        return `choose((int64)(${inner()}), (int64)(${inner()}))`;
      case 13: {
        if (!this.#hasRecords) return leaf();
        const record = this.#variable(scope, 'record') ?? `@r[${this.#smallKey(scope)}]`;
        return `${record}.${this.#pick(['n', 'b', 'w'])}`;
      }
      case 14: {
        const bytes = this.#variable(scope, 'bytes');
        if (bytes === undefined) return leaf();
        return this.#pick([`(uint64)${bytes}`, `${bytes}[${this.#random(8)}]`, `${bytes}[(uint64)(${inner()}) & 7]`]);
      }
      case 15: {
        const bytes = this.#variable(scope, 'bytes');
        const other = this.#variable(scope, 'bytes');
        return bytes === undefined || other === undefined
          ? leaf()
          : `(int64)memcmp(${bytes}, ${other}, ${1 + this.#random(8)})`;
      }
      case 16:
        return `bswap((${this.#pick(['uint16', 'uint32', 'uint64'])})(${inner()}))`;
      case 17:
        return `(if (${this.#bool(scope, depth - 1)}) { (int64)(${inner()}) } else { (int64)(${inner()}) })`;
      case 18: {
        const name = `$q${this.#names++}`;
        return `({ let ${name} = (int64)(${inner()}); ${name} + (int64)(${inner()}) })`;
      }
      case 19: {
        const name = this.#variable(scope, 'int');
        return name === undefined ? leaf() : `(*(&${name}))`;
      }
      case 20:
        return this.#pick([
          `(int64)strncmp(${this.#text(scope)}, ${this.#text(scope)}, ${1 + this.#random(6)})`,
          `(int64)strcontains(${this.#text(scope)}, "${this.#pick(TEXTS.slice(1))}")`,
          ...this.#keyed.map((name) => `(int64)@${name}[${this.#smallKey(scope)}]`),
          `len(@${this.#pick(this.#maps)})`,
          `(int64)strlen(${this.#longText(scope)})`,
          `(int64)strcontains(${this.#longText(scope)}, "${this.#pick(TEXTS.slice(1))}")`,
        ]);
      default:
        return leaf();
    }
  }

  #bool(scope: Scope, depth: number): string {
    const int = (): string => this.#int(scope, depth);
    switch (this.#random(depth === 0 ? 4 : 8)) {
      case 0:
      case 1:
      case 2:
        return `((int64)(${int()}) ${this.#pick(COMPARISONS)} (int64)(${int()}))`;
      case 3:
        return this.#variable(scope, 'bool') ?? this.#pick(['true', 'false']);
      case 4:
        return `(${this.#bool(scope, depth - 1)} ${this.#pick(['&&', '||'])} ${this.#bool(scope, depth - 1)})`;
      case 5:
        return `(!${this.#bool(scope, depth - 1)})`;
      case 6:
        return `(${this.#text(scope)} ${this.#pick(['==', '!='])} ${this.#text(scope)})`;
      default:
        return `(${int()} ${this.#pick(COMPARISONS)} ${int()})`;
    }
  }
}

function aggregate(call: string, value: string): string {
  return call.endsWith(')') ? call : `${call}(${value})`;
}

const tseries = (name: string, value: string): string => `tseries(${value}, 1us, 3${SERIES[name]})`;
