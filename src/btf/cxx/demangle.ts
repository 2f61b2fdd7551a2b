import {
  BUILTIN_TYPES,
  LITERAL_SUFFIXES,
  OPERATORS,
  SPECIAL_NAMES,
  SPECIAL_TYPES,
  STANDARD_NAMES,
} from './operators.ts';

/** A type as C++ writes it, around what is declared: `int (*` and `)[3]`. */
interface TypeText {
  readonly left: string;
  readonly right: string;
  /** A function or array, around which a pointer needs parentheses. */
  readonly shape?: 'function' | 'array';
  /** An argument pack: its elements. */
  readonly pack?: readonly TypeText[];
}
const plain = (left: string): TypeText => ({ left, right: '' });
const textOf = ({ left, right, pack }: TypeText): string =>
  pack === undefined
    ? left + right
    : pack
        .map(textOf)
        .filter((text) => text !== '')
        .join(', ');

/** The name of a function or variable, and what decides how its type is read. */
interface Name {
  readonly text: string;
  /** It ends with template arguments: a result type comes first. */
  readonly isTemplate: boolean;
  /** Constructors, destructors and conversions have no result type. */
  readonly hasNoResult: boolean;
  /** Behind the parameters: ` const`, ` &&`. */
  readonly qualifiers: string;
}

/** What is mangled in a way that is not known here, or not mangled at all. */
class Unknown extends Error {}

const QUALIFIERS: Readonly<Record<string, string>> = { r: ' restrict', V: ' volatile', K: ' const' };
const MOST_DEPTH = 256;
const MOST_TEXT = 16_384;

/** The grammar of mangled names in chapter 5.1 of the Itanium C++ ABI. */
class Demangler {
  private readonly text: string;
  private at: number;
  private substitutions: TypeText[] = [];
  private templateArguments: readonly TypeText[] = [];
  /** While a pack is expanded: which element stands for it. */
  private element: number | null = null;
  private packLength: number | null = null;
  private lambdaDepth = 0;
  /** Template arguments inside types are not those of the function. */
  private typeDepth = 0;
  private depth = 0;
  /** Last part of the name, for constructors. */
  private last = '';

  constructor(text: string, at: number) {
    this.text = text;
    this.at = at;
  }
  whole(): string {
    const found = this.encoding(true);
    const rest = this.text.slice(this.at);
    if (rest === '') return found;
    if (!rest.startsWith('.')) throw new Unknown();
    return `${found}${rest
      .split(/(?=\.(?:[A-Za-z_]))/)
      .filter((part) => part !== '')
      .map((part) => ` [clone ${part}]`)
      .join('')}`;
  }
  private peek(length = 1): string {
    return this.text.substr(this.at, length);
  }
  private take(mark: string): boolean {
    if (!this.text.startsWith(mark, this.at)) return false;
    this.at += mark.length;
    return true;
  }
  private expect(mark: string): void {
    if (!this.take(mark)) throw new Unknown();
  }
  private next(): string {
    const found = this.text[this.at];
    if (found === undefined) throw new Unknown();
    this.at += 1;
    return found;
  }
  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) throw new Unknown();
    this.at += found.length;
    return found;
  }
  /** Inputs may be anybody's: nesting has an end. */
  private nested<T>(read: () => T): T {
    this.depth += 1;
    if (this.depth > MOST_DEPTH) throw new Unknown();
    const result = read();
    this.depth -= 1;
    return result;
  }

  private encoding(isOutermost: boolean): string {
    return this.nested(() => {
      if (this.peek() === 'T' || (this.peek() === 'G' && /[VRT]/.test(this.text[this.at + 1] ?? '')))
        return this.special();
      const name = this.name();
      if (this.at >= this.text.length || /[E.]/.test(this.peek())) return name.text + name.qualifiers;
      const hasResult = name.isTemplate && !name.hasNoResult;
      const result = hasResult ? this.type() : undefined;
      const parameters = this.parameters();
      const called = `${name.text}${parameters}${name.qualifiers}`;
      if (result === undefined || !isOutermost) return called;
      const { left, right, shape } = result;
      return shape === 'function'
        ? `${left}${called}${right}`
        : `${left} ${called}${right}`.replace(/([*&(]) /, (whole, mark: string) => (mark === '(' ? '(' : whole));
    });
  }
  private parameters(): string {
    const texts: string[] = [];
    while (this.at < this.text.length && !/[E.]/.test(this.peek()) && !/^[RO]E/.test(this.peek(2))) {
      const before = this.at;
      const parameter = this.type();
      const written = textOf(parameter);
      const isNothing = this.text.slice(before, this.at) === 'v' || written === '';
      if (!isNothing) texts.push(written);
    }
    return `(${texts.join(', ')})`;
  }

  private special(): string {
    const letters = this.peek(2);
    this.at += 2;
    const ofType = SPECIAL_TYPES[letters];
    if (ofType !== undefined) return ofType + textOf(this.type());
    const ofName = SPECIAL_NAMES[letters];
    if (ofName !== undefined) return ofName + this.name().text;
    switch (letters) {
      case 'Th':
        this.match(/n?\d+_/y);
        return `non-virtual thunk to ${this.encoding(false)}`;
      case 'Tv':
        this.match(/n?\d+_n?\d+_/y);
        return `virtual thunk to ${this.encoding(false)}`;
      case 'Tc':
        this.match(/(?:h n?\d+_|hn?\d+_|vn?\d+_n?\d+_)(?:hn?\d+_|vn?\d+_n?\d+_)/y);
        return `covariant return thunk to ${this.encoding(false)}`;
      case 'TC': {
        const derived = textOf(this.type());
        this.match(/\d+_/y);
        return `construction vtable for ${textOf(this.type())}-in-${derived}`;
      }
      case 'GR': {
        const { text } = this.name();
        const number = this.match(/[0-9A-Z]*_?/y).replace('_', '');
        return `reference temporary #${number === '' ? 0 : parseInt(number, 36) + 1} for ${text}`;
      }
      default:
        throw new Unknown();
    }
  }

  private name(): Name {
    return this.nested(() => {
      if (this.take('N')) return this.nestedName();
      if (this.take('Z')) return this.localName();
      if (this.peek() === 'S' && this.peek(2) !== 'St') {
        const base = this.substitution();
        const text = textOf(base) + this.templateArgs();
        return { text, isTemplate: true, hasNoResult: false, qualifiers: '' };
      }
      const prefix = this.take('St') ? 'std::' : '';
      const part = this.unqualified();
      const text = prefix + part.text;
      if (this.peek() !== 'I') return { ...part, text, isTemplate: false, qualifiers: '' };
      this.substitutions.push(plain(text));
      return { ...part, text: text + this.templateArgs(), isTemplate: true, qualifiers: '' };
    });
  }

  private nestedName(): Name {
    let qualifiers = '';
    let found = '';
    while (/[rVK]/.test(this.peek())) found = QUALIFIERS[this.next()]! + found;
    qualifiers += found;
    if (this.peek() === 'R' || this.peek() === 'O') qualifiers += this.next() === 'R' ? ' &' : ' &&';
    let text = '';
    let isTemplate = false;
    let hasNoResult = false;
    while (!this.take('E')) {
      isTemplate = false;
      const mark = this.peek();
      if (mark === 'I') {
        text += this.templateArgs();
        isTemplate = true;
      } else if (mark === 'S' && this.peek(2) !== 'St' && text === '') {
        const base = this.substitution();
        text = textOf(base);
        // A constructor says the whole name of what it makes.
        const standard = Object.values(STANDARD_NAMES).find(({ short }) => short === text);
        if (/[CD]/.test(this.peek()) && standard !== undefined) {
          text = standard.full;
          this.last = standard.last;
        }
        continue;
      } else if (this.peek(2) === 'St' && text === '') {
        this.at += 2;
        text = 'std';
        continue;
      } else if (mark === 'T' && text === '') {
        text = textOf(this.templateParameter());
      } else if ((this.peek(2) === 'Dt' || this.peek(2) === 'DT') && text === '') {
        text = textOf(this.type());
        continue;
      } else {
        const part = this.unqualified();
        text += (text === '' ? '' : '::') + part.text;
        ({ hasNoResult } = part);
      }
      if (this.peek() !== 'E') this.substitutions.push(plain(text));
    }
    return { text, isTemplate, hasNoResult, qualifiers };
  }

  private localName(): Name {
    const [outerArguments, { typeDepth }] = [this.templateArguments, this];
    this.typeDepth = 0;
    const outer = this.encoding(false);
    this.expect('E');
    let found: Name = { text: `${outer}::string literal`, isTemplate: false, hasNoResult: false, qualifiers: '' };
    if (this.take('s')) this.discriminator();
    else {
      let where = outer;
      if (this.take('d')) {
        const number = this.match(/\d*_/y).replace('_', '');
        where = `${outer}::{default arg#${number === '' ? 1 : Number(number) + 2}}`;
      }
      const inner = this.name();
      this.discriminator();
      found = { ...inner, text: `${where}::${inner.text}` };
    }
    this.typeDepth = typeDepth;
    if (typeDepth > 0) this.templateArguments = outerArguments;
    return found;
  }
  private discriminator(): void {
    if (/^_\d/.test(this.peek(2)) || this.peek(2) === '__') this.match(/__\d+_|_\d/y);
  }

  private unqualified(): { readonly text: string; readonly hasNoResult: boolean } {
    this.take('L');
    const mark = this.peek();
    let text: string;
    let hasNoResult = false;
    if (/\d/.test(mark)) text = this.last = this.sourceName();
    else if (mark === 'C' || (mark === 'D' && /[0-5]/.test(this.peek(2)[1] ?? ''))) {
      hasNoResult = true;
      this.at += 1;
      const inherits = mark === 'C' && this.take('I');
      this.match(/[0-5]/y);
      if (inherits) this.type();
      text = (mark === 'D' ? '~' : '') + this.last;
    } else if (mark === 'U') text = this.unnamed();
    else if (this.take('DC')) {
      const names: string[] = [];
      while (!this.take('E')) names.push(this.sourceName());
      text = `[${names.join(', ')}]`;
    } else {
      const isConversion = this.peek(2) === 'cv';
      text = this.operatorName();
      hasNoResult = isConversion;
    }
    while (this.take('B')) text += `[abi:${this.sourceName()}]`;
    return { text, hasNoResult };
  }
  private sourceName(): string {
    const length = Number(this.match(/\d+/y));
    const name = this.text.substr(this.at, length);
    if (name.length < length) throw new Unknown();
    this.at += length;
    return /^_GLOBAL_[_.$]N/.test(name) ? '(anonymous namespace)' : name;
  }
  private unnamed(): string {
    if (this.take('Ut')) {
      const number = this.match(/\d*_/y).replace('_', '');
      const text = `{unnamed type#${number === '' ? 1 : Number(number) + 2}}`;
      this.last = text;
      return text;
    }
    this.expect('Ul');
    this.lambdaDepth += 1;
    const parameters = this.parameters();
    this.lambdaDepth -= 1;
    this.expect('E');
    const number = this.match(/\d*_/y).replace('_', '');
    return `{lambda${parameters}#${number === '' ? 1 : Number(number) + 2}}`;
  }
  private operatorName(): string {
    if (this.take('cv')) return `operator ${textOf(this.type())}`;
    if (this.take('li')) return `operator"" ${this.sourceName()}`;
    const row = OPERATORS[this.peek(2)];
    if (row === undefined) throw new Unknown();
    this.at += 2;
    // Kept apart from the arguments of a template.
    const space = row.text.endsWith('<') && this.peek() === 'I' ? ' ' : '';
    return `operator${/^[a-z]/.test(row.text) ? ' ' : ''}${row.text}${space}`;
  }

  private templateArgs(): string {
    return this.nested(() => {
      this.expect('I');
      const { last } = this;
      const found: TypeText[] = [];
      while (!this.take('E')) found.push(this.templateArgument());
      this.last = last;
      if (this.lambdaDepth === 0 && this.typeDepth === 0) this.templateArguments = found;
      const text = found
        .map(textOf)
        .filter((written, i) => written !== '' || found[i]!.pack === undefined)
        .join(', ');
      // An empty pack at the end was preceded by a comma, which is gone but keeps the two apart.
      const isApart = found.length > 1 && found.at(-1)!.pack?.length === 0;
      return `<${text}${text.endsWith('>') && !isApart ? ' ' : ''}>`;
    });
  }
  private templateArgument(): TypeText {
    const outer = this.templateArguments;
    const mark = this.peek();
    let found: TypeText;
    if (mark === 'L') found = plain(this.literal());
    else if (this.take('X')) {
      found = plain(this.expression());
      this.expect('E');
    } else if (this.take('J')) {
      const pack: TypeText[] = [];
      while (!this.take('E')) pack.push(this.templateArgument());
      found = { left: '', right: '', pack };
    } else found = this.type();
    // Arguments of what is inside an argument are not those of the whole.
    this.templateArguments = outer;
    return found;
  }
  private templateParameter(): TypeText {
    const number = this.match(/T\d*_/y).slice(1, -1);
    const index = number === '' ? 0 : Number(number) + 1;
    if (this.lambdaDepth > 0) return plain(`auto:${index + 1}`);
    const found = this.templateArguments[index];
    if (found === undefined) throw new Unknown();
    if (found.pack === undefined || this.element === null) return found;
    this.packLength = found.pack.length;
    return found.pack[this.element] ?? plain('');
  }
  private substitution(): TypeText {
    this.expect('S');
    const letter = STANDARD_NAMES[this.peek()];
    if (letter !== undefined) {
      this.at += 1;
      this.last = letter.last;
      let text = letter.short;
      while (this.take('B')) text += `[abi:${this.sourceName()}]`;
      return plain(text);
    }
    const number = this.match(/[0-9A-Z]*_/y).slice(0, -1);
    const found = this.substitutions[number === '' ? 0 : parseInt(number, 36) + 1];
    if (found === undefined) throw new Unknown();
    this.last = lastPart(textOf(found));
    return found;
  }

  private type(): TypeText {
    this.typeDepth += 1;
    const found = this.nested(() => this.anyType());
    this.typeDepth -= 1;
    return found;
  }
  private anyType(): TypeText {
    const mark = this.peek();
    const builtin = BUILTIN_TYPES[mark === 'D' ? this.peek(2) : mark];
    if (builtin !== undefined) {
      this.at += mark === 'D' ? 2 : 1;
      return plain(builtin);
    }
    if (mark === 'S' && this.peek(2) !== 'St') {
      const base = this.substitution();
      if (this.peek() !== 'I') return base;
      return this.remember(plain(textOf(base) + this.templateArgs()));
    }
    if (mark === 'T' && !/[sue]/.test(this.peek(2)[1] ?? '')) {
      const found = this.remember(this.templateParameter());
      if (this.peek() !== 'I') return found;
      return this.remember(plain(textOf(found) + this.templateArgs()));
    }
    return this.remember(this.compound(mark));
  }
  /** Substitutions in substitutions double the text each time. */
  private remember(type: TypeText): TypeText {
    if (textOf(type).length > MOST_TEXT) throw new Unknown();
    this.substitutions.push(type);
    return type;
  }
  private compound(mark: string): TypeText {
    switch (mark) {
      case 'P':
        this.at += 1;
        return pointerTo(this.type(), '*');
      case 'R':
        this.at += 1;
        return pointerTo(this.type(), '&');
      case 'O':
        this.at += 1;
        return pointerTo(this.type(), '&&');
      case 'r':
      case 'V':
      case 'K': {
        let qualifiers = '';
        while (/[rVK]/.test(this.peek())) qualifiers = QUALIFIERS[this.next()]! + qualifiers;
        return qualified(this.type(), qualifiers);
      }
      case 'U': {
        this.at += 1;
        const name = this.sourceName();
        const args = this.peek() === 'I' ? this.templateArgs() : '';
        return qualified(this.type(), ` ${name}${args}`);
      }
      case 'C':
        this.at += 1;
        return qualified(this.type(), ' _Complex');
      case 'F':
        return this.functionType();
      case 'A': {
        this.at += 1;
        const size = /[\d_]/.test(this.peek()) ? this.match(/\d*/y) : this.expression();
        this.expect('_');
        const { left, right, shape } = this.type();
        const bounds = `[${size}]`;
        return {
          left,
          right: shape === 'array' ? ` ${bounds}${right.trimStart()}` : ` ${bounds}${right}`,
          shape: 'array',
        };
      }
      case 'M': {
        this.at += 1;
        const owner = textOf(this.type());
        const member = this.type();
        if (member.shape !== 'function') return { left: `${textOf(member)} ${owner}::*`, right: '' };
        return { left: `${member.left}(${owner}::*`, right: `)${member.right}` };
      }
      case 'D':
        return this.extended();
      default:
        if (/^T[sue]/.test(this.peek(2))) this.at += 2;
        return plain(this.name().text);
    }
  }
  private extended(): TypeText {
    const letters = this.peek(2);
    if (/^D[oOwx]$/.test(letters)) return this.functionType();
    this.at += 2;
    switch (letters) {
      case 'Dp':
        return this.expansion();
      case 'Dt':
      case 'DT': {
        const text = this.expression();
        this.expect('E');
        return plain(`decltype (${text})`);
      }
      case 'DF':
        return plain(`_Float${this.match(/\d+x?/y)}${this.match(/_|(?=.)/y).replace('_', '')}`);
      case 'Dv': {
        const size = this.match(/\d+/y);
        this.expect('_');
        const { left, right } = this.type();
        return { left: `${left} __vector(${size})`, right };
      }
      default:
        throw new Unknown();
    }
  }
  private functionType(): TypeText {
    let suffix = '';
    if (this.take('Do')) suffix = ' noexcept';
    else if (this.take('DO')) {
      suffix = ` noexcept(${this.expression()})`;
      this.expect('E');
    }
    this.take('Dx');
    this.expect('F');
    this.take('Y');
    const result = this.type();
    const parameters = this.parameters();
    const reference = this.take('R') ? ' &' : this.take('O') ? ' &&' : '';
    this.expect('E');
    const right = `${parameters}${reference}${suffix}${result.right}`;
    return {
      left: result.right === '' || result.shape !== undefined ? `${result.left} ` : result.left,
      right,
      shape: 'function',
    };
  }
  /** A pattern, once for each element of the pack in it. */
  private expansion(): TypeText {
    const [start, outerElement, outerLength] = [this.at, this.element, this.packLength];
    const substitutions = [...this.substitutions];
    this.element = 0;
    this.packLength = null;
    const first = this.type();
    const [length, known, end] = [this.packLength as number | null, this.substitutions, this.at];
    const pack: TypeText[] = length === 0 ? [] : [first];
    for (let i = 1; i < (length ?? 0); i += 1) {
      this.at = start;
      this.element = i;
      this.substitutions = [...substitutions];
      pack.push(this.type());
    }
    this.at = end;
    this.substitutions = known;
    this.element = outerElement;
    this.packLength = outerLength;
    return length === null ? { ...first, right: `${first.right}...` } : { left: '', right: '', pack };
  }

  private literal(): string {
    this.expect('L');
    if (this.take('_Z')) {
      const text = this.encoding(true);
      this.expect('E');
      return text;
    }
    const letter = this.peek();
    const type = this.type();
    if (letter === 'D' && this.take('E')) return textOf(type);
    const value = this.match(/n?[0-9a-f]*/y).replace('n', '-');
    this.expect('E');
    if (letter === 'b' && (value === '0' || value === '1')) return value === '1' ? 'true' : 'false';
    const suffix = LITERAL_SUFFIXES[letter];
    return suffix === undefined ? `(${textOf(type)})${/[fdeg]/.test(letter) ? `[${value}]` : value}` : value + suffix;
  }
  /** The commoner expressions of template arguments; others make the whole name unknown. */
  private expression(): string {
    return this.nested(() => {
      const mark = this.peek();
      if (mark === 'L') return this.literal();
      if (mark === 'T') return textOf(this.templateParameter());
      const letters = this.peek(2);
      if (letters === 'sZ' && this.text[this.at + 2] === 'T') {
        this.at += 2;
        const found = this.templateArguments;
        const { element } = this;
        this.element = null;
        const pack = this.templateParameter();
        this.element = element;
        this.templateArguments = found;
        return `${pack.pack?.length ?? 1}`;
      }
      if (letters === 'sr') {
        this.at += 2;
        const scope = textOf(this.type());
        const { text } = this.unqualified();
        return `${scope}::${text}${this.peek() === 'I' ? this.templateArgs() : ''}`;
      }
      const operator = OPERATORS[letters];
      if (operator === undefined || operator.operands === 3 || letters === 'cl' || letters === 'pt' || letters === 'ix')
        throw new Unknown();
      this.at += 2;
      const left = this.operand();
      if (operator.operands === 1) return `${operator.text}${left}`;
      const whole = `${left}${operator.text}${this.operand()}`;
      return operator.text === '>' ? `(${whole})` : whole;
    });
  }
  private operand(): string {
    return `(${this.expression()})`;
  }
}

/** `basic_string` of `std::basic_string<char>`. */
function lastPart(text: string): string {
  let depth = 0;
  let start = 0;
  let end = text.length;
  for (let i = 0; i < text.length; i += 1) {
    if (text[i] === '<') {
      if (depth === 0) end = i;
      depth += 1;
    } else if (text[i] === '>') depth -= 1;
    else if (depth === 0 && text.startsWith('::', i)) {
      start = i + 2;
      end = text.length;
    }
  }
  return text.slice(start, end);
}

function pointerTo(type: TypeText, mark: '*' | '&' | '&&'): TypeText {
  const { left, right, shape, pack } = type;
  if (pack !== undefined) return { ...type, pack: pack.map((element) => pointerTo(element, mark)) };
  if (shape === 'function') return { left: `${left}(${mark}`, right: `)${right}` };
  if (shape === 'array') return { left: `${left} (${mark}`, right: `)${right}` };
  // References to references collapse: only two of && are one.
  if (mark !== '*' && left.endsWith('&')) return { left: mark === '&' ? `${left.replace(/&+$/, '')}&` : left, right };
  return { left: left + mark, right };
}
function qualified(type: TypeText, qualifiers: string): TypeText {
  const { left, right, shape, pack } = type;
  if (pack !== undefined) return { ...type, pack: pack.map((element) => qualified(element, qualifiers)) };
  if (shape === 'function') return { left, right: right + qualifiers, shape };
  const already = left.endsWith(qualifiers) || (right === '' && left.endsWith('&') && qualifiers === ' const');
  return { ...type, left: already ? left : left + qualifiers };
}

const known = new Map<string, string | undefined>();
/** The C++ declaration of a mangled name, as `c++filt` shows it; undefined when it is none, or in a way that is not known here. */
export function demangle(name: string): string | undefined {
  const start = /^(?:____?Z|_Z)/.exec(name)?.[0].length;
  if (start === undefined) return undefined;
  if (!known.has(name)) known.set(name, read(name, start));
  return known.get(name);
}
function read(name: string, start: number): string | undefined {
  try {
    return new Demangler(name, start).whole();
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  }
}

/** Without the parameters, as bpftrace compares names: the last parenthesis and what belongs to it. */
export function withoutParameters(declaration: string): string {
  let depth = 0;
  for (let i = declaration.lastIndexOf(')'); i >= 0; i -= 1) {
    if (declaration[i] === ')') depth += 1;
    if (declaration[i] === '(') depth -= 1;
    if (depth === 0) return declaration.slice(0, i);
  }
  return declaration;
}
