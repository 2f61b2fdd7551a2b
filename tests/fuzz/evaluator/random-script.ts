/** Picks one of `below` numbers. */
export type Random = (below: number) => number;

type Kind = 'int' | 'bool' | 'string' | 'pair' | 'record' | 'bytes';

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
const MAPS: Readonly<Record<string, Kind>> = { i: 'int', s: 'string', p: 'pair' };
/** What every script begins with: macros and a function to call, and text of a size that all records share. */
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
/** Folding that does not depend on the order in which a loop visits a map. */
const COMMUTATIVE = ['+=', '^=', '|=', '&='];

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

  constructor(random: Random) {
    this.#random = random;
    this.#budget = 5 + random(9);
  }

  script(): string {
    const scope: Scope = { variables: [{ name: '$text', kind: 'string' }] };
    const body: string[] = ['let $found : int64;', `$record = ${this.#record(scope)};`];
    scope.variables.push({ name: '$record', kind: 'record' });
    for (let left = 2 + this.#random(3); left > 0; left--) body.push(this.#declaration(scope));
    while (this.#budget > 0) body.push(this.#statement(scope, 0));
    for (const { name, kind } of scope.variables) body.push(this.#print(name, kind));
    for (const name of Object.keys(MAPS)) {
      for (let left = 2; left > 0; left--) body.push(this.#print(`@${name}[${this.#key(name, scope)}]`, 'int'));
    }
    for (const name of Object.keys(AGGREGATIONS)) body.push(this.#print(`@${name}`, 'int'));
    for (const name of Object.keys(KEYED_AGGREGATIONS)) body.push(this.#print(`@${name}[${this.#random(4)}]`, 'int'));
    for (let key = 0; key < 3; key++)
      body.push(this.#print(`@r[${key}]`, 'record'), this.#print(`@t[${key}]`, 'string'));
    for (const name of Object.keys(PRINTED)) body.push(`print(@${name});`);
    // What is read must have been given a type.
    const types = [
      'let $text : string[16] = "a longer text";',
      '@r[(int64)9] = (n=(int64)0, b=(uint8)0, s=$text, w=(int16)0); @t[(int64)9] = $text;',
      ...Object.entries(KEYED_AGGREGATIONS).map(
        ([name, call]) => `@${name}[(int64)9] = ${aggregate(call, '(int64)1')};`,
      ),
      ...Object.entries(PRINTED).map(([name, [call, more]]) => `@${name}[(int64)9] = ${call}((int64)1${more});`),
      '@i[(int64)0] = (int64)0;',
      '@s["a longer text"] = (int64)0;',
      '@p[((int64)0, "a longer text")] = (int64)0;',
      '@count = count(); @sum = sum((int64)5); @min = min((int64)5); @max = max((int64)5); @avg = avg((int64)5);',
    ];
    return `config = { print_maps_on_exit = false; max_map_keys = 64 }\n${PREAMBLE}begin {\n${[...types, ...body].join('\n')}\n}\n`;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random(choices.length)]!;
  }

  #print(what: string, kind: Kind): string {
    if (kind === 'string') return `printf("%s\\n", ${what});`;
    if (kind === 'record')
      return `printf("%lld %lld %s %lld\\n", ${what}.n, (int64)${what}.b, ${what}.s, (int64)${what}.w);`;
    if (kind === 'bytes') return `printf("%lld\\n", (int64)(uint64)${what});`;
    if (kind === 'pair') return `printf("%lld %s\\n", (int64)${what}.0, ${what}.1);`;
    return `printf("%lld\\n", (int64)${what});`;
  }

  #declaration(scope: Scope): string {
    const name = `$v${this.#names++}`;
    const kind = this.#pick<Kind>(['int', 'int', 'int', 'bool', 'string', 'pair', 'record', 'bytes']);
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
    switch (this.#random(simple ? 12 : 18)) {
      case 0:
      case 1:
        return this.#assignment(scope);
      case 2: {
        const name = this.#pick(Object.keys(MAPS));
        return `@${name}[${this.#key(name, scope)}] ${this.#pick(['=', '=', ...COMPOUND])} (int64)(${this.#int(scope, 2)});`;
      }
      case 3: {
        const name = this.#pick(Object.keys(MAPS));
        return `@${name}[${this.#key(name, scope)}]${this.#pick(['++', '--'])};`;
      }
      case 4: {
        const name = this.#pick(Object.keys(AGGREGATIONS));
        const call = AGGREGATIONS[name]!;
        return `@${name} = ${aggregate(call, `(int64)(${this.#int(scope, 2)})`)};`;
      }
      case 5:
        return this.#print(`(${this.#int(scope, 3)})`, 'int');
      case 6: {
        const name = this.#pick(Object.keys(MAPS));
        return this.#random(2) === 0
          ? `delete(@${name}, ${this.#key(name, scope)});`
          : this.#print(`has_key(@${name}, ${this.#key(name, scope)})`, 'int');
      }
      case 7: {
        const name = this.#pick(Object.keys(KEYED_AGGREGATIONS));
        return `@${name}[${this.#smallKey(scope)}] = ${aggregate(KEYED_AGGREGATIONS[name]!, `(int64)(${this.#int(scope, 2)})`)};`;
      }
      case 8: {
        const [name, [call, more]] = this.#pick(Object.entries(PRINTED));
        return `@${name}[${this.#smallKey(scope)}] = ${call}((int64)(${this.#int(scope, 2)})${more});`;
      }
      case 9:
        return this.#random(2) === 0
          ? `@r[${this.#smallKey(scope)}] = ${this.#value('record', scope, 1)};`
          : `@t[${this.#smallKey(scope)}] = ${this.#variable(scope, 'string') ?? '$text'};`;
      case 10:
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
    const map = this.#pick(['i', 's', 'r']);
    const value = map === 'r' ? `${pair}.1.${this.#pick(['n', 'w'])}` : `${pair}.1`;
    const worth = this.#pick([value, ...(map === 's' ? [`strlen(${pair}.0)`] : [`${pair}.0`])]);
    const inner: Scope = { variables: scope.variables.map((variable) => ({ ...variable, constant: true })) };
    const folded = `${sum} ${this.#pick(COMMUTATIVE)} (int64)(${worth}) ${this.#pick(['+', '*', '^'])} (int64)(${this.#int(inner, 1)});`;
    const more = this.#pick([
      '@count = count();',
      `@sum = sum((int64)(${value}));`,
      `@kmax[${this.#random(3)}] = max((int64)(${value}));`,
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
      default:
        return this.#random(2) === 0 ? `(int64)${this.#random(4)}` : `((int64)(${this.#int(scope, 1)}) & 3)`;
    }
  }

  #text(scope: Scope): string {
    return this.#variable(scope, 'string') ?? `"${this.#pick(TEXTS)}"`;
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
        const name = this.#pick(Object.keys(MAPS));
        return `@${name}[${this.#key(name, scope)}]`;
      }
      case 8:
        return `(int64)@${this.#pick(Object.keys(AGGREGATIONS))}`;
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
          `(int64)@${this.#pick(Object.keys(KEYED_AGGREGATIONS))}[${this.#smallKey(scope)}]`,
          'len(@i)',
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
