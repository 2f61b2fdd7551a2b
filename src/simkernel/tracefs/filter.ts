import type { TracepointField } from '../tracepoint-formats.ts';
import { fieldText, fieldValue } from './print-format.ts';
import type { RecordView } from './print-format.ts';

/** What an event's `filter` file holds: records that do not match are not kept. */
export interface Filter {
  readonly text: string;
  readonly matches: (record: RecordView) => boolean;
}
/** Why the kernel takes no such filter, and where in its text. */
export interface FilterMistake {
  readonly message: string;
  readonly position: number;
}

class Mistake extends Error {
  readonly position: number;
  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}
type Test = (record: RecordView) => boolean;

const OPERATORS = ['==', '!=', '<=', '>=', '<', '>', '&', '~'] as const;
type Operator = (typeof OPERATORS)[number];
const NUMBER_TESTS: Record<Exclude<Operator, '~'>, (a: bigint, b: bigint) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '&': (a, b) => (a & b) !== 0n,
};
const isTextField = ({ type, dimensions }: TracepointField): boolean =>
  /\bchar\b/.test(type) && (dimensions !== '' || type.startsWith('__data_loc') || type.includes('*'));

/** kernel/trace/trace_events_filter.c: predicates with `&&`, `||`, `!` and parentheses. */
class FilterParser {
  private readonly text: string;
  private readonly fields: ReadonlyMap<string, TracepointField>;
  private at = 0;
  constructor(text: string, fields: ReadonlyMap<string, TracepointField>) {
    this.text = text;
    this.fields = fields;
  }
  whole(): Test {
    const test = this.either();
    this.space();
    if (this.text[this.at] === ')') throw new Mistake('Too many closing parens', this.at);
    if (this.at < this.text.length) throw new Mistake('Invalid operator', this.at);
    return test;
  }
  private space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at += 1;
  }
  private take(mark: string): boolean {
    this.space();
    if (!this.text.startsWith(mark, this.at)) return false;
    this.at += mark.length;
    return true;
  }
  private either(): Test {
    let left = this.both();
    while (this.take('||')) {
      const [a, b] = [left, this.both()];
      left = (record) => a(record) || b(record);
    }
    return left;
  }
  private both(): Test {
    let left = this.single();
    while (this.take('&&')) {
      const [a, b] = [left, this.single()];
      left = (record) => a(record) && b(record);
    }
    return left;
  }
  private single(): Test {
    if (this.take('!')) {
      const inner = this.single();
      return (record) => !inner(record);
    }
    if (this.take('(')) {
      const inner = this.either();
      if (!this.take(')')) throw new Mistake('Too many opening parens', this.at);
      return inner;
    }
    return this.predicate();
  }
  private predicate(): Test {
    this.space();
    const start = this.at;
    const name = this.match(/\w+/y);
    const field = this.fields.get(name);
    if (field === undefined) throw new Mistake('Field not found', start);
    this.space();
    const operator = OPERATORS.find((candidate) => this.text.startsWith(candidate, this.at));
    if (operator === undefined) throw new Mistake('Invalid operator', this.at);
    this.at += operator.length;
    this.space();
    return isTextField(field) ? this.textTest(name, operator) : this.numberTest(name, operator);
  }
  private textTest(name: string, operator: Operator): Test {
    const position = this.at;
    const quoted = this.match(/"[^"]*"|'[^']*'/y);
    const value = quoted === '' ? this.match(/[^\s)&|]+/y) : quoted.slice(1, -1);
    if (operator !== '==' && operator !== '!=' && operator !== '~')
      throw new Mistake('Operator does not support string fields', position);
    if (quoted === '') throw new Mistake('Missing quote', position);
    const pattern = operator === '~' ? glob(value) : undefined;
    const test = (text: string): boolean => (pattern === undefined ? text === value : pattern.test(text));
    return (record) => test(fieldText(fieldValue(record, name))) === (operator !== '!=');
  }
  private numberTest(name: string, operator: Operator): Test {
    const position = this.at;
    const text = this.match(/-?(?:0x[0-9a-fA-F]+|\d+)/y);
    if (operator === '~') throw new Mistake('Operator does not support string fields', position);
    if (text === '') throw new Mistake('Invalid value (did you forget quotes)?', position);
    const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
    const compare = NUMBER_TESTS[operator];
    return (record) => {
      const found = fieldValue(record, name);
      return typeof found === 'bigint' && compare(found, value);
    };
  }
  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const text = pattern.exec(this.text)?.[0] ?? '';
    this.at += text.length;
    return text;
  }
}

export function glob(pattern: string): RegExp {
  const text = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${text}$`, 's');
}

export function parseFilter(text: string, fields: ReadonlyMap<string, TracepointField>): Filter | FilterMistake {
  try {
    return { text, matches: new FilterParser(text, fields).whole() };
  } catch (error) {
    if (error instanceof Mistake) return { message: error.message, position: error.position };
    throw error;
  }
}
