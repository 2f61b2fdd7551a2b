import { EINVAL, ENOENT, EPERM, ESRCH } from '../errno.ts';
import type { TracepointField } from '../tracepoint-formats.ts';
import { DATA_LOC } from '../tracepoint-formats.ts';
import { isUserAddress, loadTextFrom } from './fetch-memory.ts';
import { glob } from './glob.ts';
import { fieldText, fieldValue, symbolText } from './print-format.ts';
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
  readonly errno: number;
}

/** kernel/trace/trace_events_filter.c */
const ERRORS = {
  INVALID_OP: 'Invalid operator',
  TOO_MANY_OPEN: "Too many '('",
  TOO_MANY_CLOSE: "Too few '('",
  MISSING_QUOTE: 'Missing matching quote',
  EXPECT_STRING: 'Expecting string field',
  EXPECT_DIGIT: 'Expecting numeric field',
  ILLEGAL_FIELD_OP: 'Illegal operation for field type',
  FIELD_NOT_FOUND: 'Field not found',
  ILLEGAL_INTVAL: 'Illegal integer value',
  TOO_MANY_PREDS: 'Too many terms in predicate expression',
  INVALID_VALUE: 'Invalid value (did you forget quotes)?',
  NO_FUNCTION: 'Function not found',
  NO_FILTER: 'No filter found',
} as const;

class Mistake extends Error {
  readonly position: number;
  readonly errno: number;
  constructor(error: keyof typeof ERRORS, position: number, errno = EINVAL) {
    super(ERRORS[error]);
    this.position = position;
    this.errno = errno;
  }
}
type Test = (record: RecordView) => boolean;

/** `<=` has to be looked for before `<`. */
const OPERATORS = ['~', '!=', '==', '<=', '<', '>=', '>', '&'] as const;
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

/** Fields that every event has without having them in its record. */
const currentComm = ({ machine }: RecordView): string => machine.cpu.current.comm;
const currentCpu = ({ machine }: RecordView): bigint => BigInt(machine.cpu.id);
export const GENERIC_FIELDS: Readonly<Record<string, (record: RecordView) => bigint | string>> = {
  CPU: currentCpu,
  cpu: currentCpu,
  common_cpu: currentCpu,
  COMM: currentComm,
  comm: currentComm,
};

/** Text is in a record, or behind a pointer of it; other fields are numbers. */
export function textKind({ type, dimensions }: TracepointField): 'inline' | 'pointer' | null {
  if (!/\bchar\b/.test(type)) return null;
  if (dimensions !== '' || type.startsWith(DATA_LOC)) return 'inline';
  return type.includes('*') ? 'pointer' : null;
}

/** What a name stands for in a filter. */
interface Operand {
  readonly isText: boolean;
  readonly bits: number;
  readonly isSigned: boolean;
  /** undefined: the memory is not there. */
  readonly value: (record: RecordView) => bigint | string | undefined;
}
function operandNamed(name: string, suffix: string, fields: ReadonlyMap<string, TracepointField>): Operand | undefined {
  const field = fields.get(name);
  if (field !== undefined) {
    const kind = textKind(field);
    return {
      isText: kind !== null,
      bits: field.size * 8,
      isSigned: field.signed,
      value: READ[kind ?? 'number'](name, suffix),
    };
  }
  if (!Object.hasOwn(GENERIC_FIELDS, name)) return undefined;
  return { isText: name.toLowerCase() === 'comm', bits: 32, isSigned: true, value: GENERIC_FIELDS[name]! };
}
/** Programs' memory is only read where the filter says so: `filename.ustring`. */
const USER = '.ustring';
const READ: Record<'inline' | 'pointer' | 'number', (name: string, suffix: string) => Operand['value']> = {
  inline: (name) => (record) => fieldText(fieldValue(record, name)),
  pointer: (name, suffix) => (record) => {
    const address = fieldValue(record, name);
    if (typeof address !== 'bigint' || isUserAddress(address) !== (suffix === USER)) return undefined;
    return loadTextFrom(record.machine, address, suffix === USER);
  },
  number: (name) => (record) => {
    const value = fieldValue(record, name);
    return typeof value === 'bigint' ? value : 0n;
  },
};

/** calc_stack(): parentheses and quotes are looked at before anything else. */
function checkBalance(text: string): void {
  const open: number[] = [];
  let quote = '';
  let quoteAt = 0;
  for (let i = 0; i < text.length; i += 1) {
    const mark = text[i]!;
    if (quote !== '') {
      if (mark === quote) quote = '';
    } else if (mark === '"' || mark === "'") [quote, quoteAt] = [mark, i];
    else if (mark === '(') open.push(i);
    else if (mark === ')' && open.pop() === undefined) throw new Mistake('TOO_MANY_CLOSE', i, EPERM);
  }
  // These errors are numbers of their own there, which the write then returns.
  if (quote !== '') throw new Mistake('MISSING_QUOTE', quoteAt, ESRCH);
  if (open.length > 0) throw new Mistake('TOO_MANY_OPEN', open.at(-1)!, ENOENT);
}

/** Predicates with `&&`, `||`, `!` and parentheses. */
class FilterParser {
  private readonly text: string;
  private readonly fields: ReadonlyMap<string, TracepointField>;
  private at = 0;
  constructor(text: string, fields: ReadonlyMap<string, TracepointField>) {
    this.text = text;
    this.fields = fields;
  }
  whole(): Test {
    checkBalance(this.text);
    if (this.text.replace(/[()\s]/g, '') === '') throw new Mistake('NO_FILTER', 0);
    const test = this.either();
    this.space();
    if (this.at < this.text.length) throw new Mistake('TOO_MANY_PREDS', this.at, EPERM);
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
    if (!this.take('(')) return this.predicate();
    const inner = this.either();
    if (!this.take(')')) throw new Mistake('TOO_MANY_PREDS', this.at, EPERM);
    return inner;
  }
  /** The kernel counts the columns of a predicate from one behind its start. */
  private predicate(): Test {
    this.space();
    const name = this.match(/\w+/y);
    const mistake = (error: keyof typeof ERRORS, at = this.at): Mistake => new Mistake(error, at + 1);
    if (name === '') throw mistake('INVALID_VALUE');
    const suffix = this.match(/\.(?:function|ustring)\b/y);
    const operand = operandNamed(name, suffix, this.fields);
    if (operand === undefined) throw mistake('FIELD_NOT_FOUND');
    this.space();
    const operator = OPERATORS.find((candidate) => this.text.startsWith(candidate, this.at));
    if (operator === undefined) throw mistake('INVALID_OP');
    this.at += operator.length;
    this.space();
    const next = this.text[this.at] ?? '';
    if (suffix === '.function') return this.functionTest(operand, operator, mistake);
    if (next === '"' || next === "'") {
      if (operator !== '==' && operator !== '!=' && operator !== '~') throw mistake('ILLEGAL_FIELD_OP');
      if (!operand.isText) throw mistake('EXPECT_DIGIT');
      return textTest(operand, operator, this.quoted());
    }
    if (!/[-\d]/.test(next)) throw mistake('INVALID_VALUE');
    if (operand.isText) throw mistake('EXPECT_STRING');
    if (operator === '~') throw mistake('ILLEGAL_FIELD_OP');
    const start = this.at;
    const number = integer(this.match(/-?\w*/y), operand.isSigned);
    if (number === undefined) throw mistake('ILLEGAL_INTVAL', start);
    return numberTest(operand, operator, number);
  }
  /** `call_site.function == vfs_read`: whether the address is in the function. */
  private functionTest(operand: Operand, operator: Operator, mistake: (error: keyof typeof ERRORS) => Mistake): Test {
    if (operand.bits !== 64 || operand.isText || (operator !== '==' && operator !== '!='))
      throw mistake('ILLEGAL_FIELD_OP');
    const wanted = /["']/.test(this.text[this.at] ?? '') ? this.quoted() : this.match(/[\w.]+/y);
    if (wanted === '') throw mistake('NO_FUNCTION');
    return (record) => {
      const value = operand.value(record);
      const name = typeof value === 'bigint' ? symbolText(record.machine, BigInt.asUintN(64, value), false) : '';
      return (name === wanted) === (operator === '==');
    };
  }
  private quoted(): string {
    const end = this.text.indexOf(this.text[this.at]!, this.at + 1);
    const text = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    return text;
  }
  private match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const text = pattern.exec(this.text)?.[0] ?? '';
    this.at += text.length;
    return text;
  }
}

function textTest({ value }: Operand, operator: Operator, wanted: string): Test {
  if (operator !== '~') {
    return (record) => {
      const found = value(record);
      return found !== undefined && (found === wanted) === (operator === '==');
    };
  }
  const isNot = wanted.startsWith('!');
  const pattern = glob(isNot ? wanted.slice(1) : wanted);
  return (record) => {
    const found = value(record);
    return found !== undefined && pattern.test(String(found)) !== isNot;
  };
}
/** kstrtoll() or, of a field without a sign, kstrtoull(), with base 0. */
function integer(text: string, isSigned: boolean): bigint | undefined {
  const digits = text.replace(/^-/, '');
  if (!/^(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.test(digits)) return undefined;
  const size = /^0\d/.test(digits) ? BigInt(`0o${digits}`) : BigInt(digits);
  const value = text.startsWith('-') ? -size : size;
  return value === (isSigned ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value)) ? value : undefined;
}
function numberTest({ value, bits, isSigned }: Operand, operator: Exclude<Operator, '~'>, written: bigint): Test {
  const wanted = isSigned ? BigInt.asIntN(bits, written) : BigInt.asUintN(bits, written);
  const compare = NUMBER_TESTS[operator];
  return (record) => {
    const found = value(record);
    return typeof found === 'bigint' && compare(found, wanted);
  };
}

export function parseFilter(text: string, fields: ReadonlyMap<string, TracepointField>): Filter | FilterMistake {
  try {
    return { text, matches: new FilterParser(text, fields).whole() };
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    const { message, position, errno } = error;
    return { message, position, errno };
  }
}

/** What the filter file shows of a filter that was refused. */
export function mistakeText(text: string, { message, position }: FilterMistake): string {
  const column = position === 0 ? 0 : Math.min(position, text.length);
  return `${text}\n${' '.repeat(column)}^\nparse_error: ${message}\n`;
}
