import type {
  Assignment,
  Binary,
  Block,
  Call,
  Expression,
  MapAccess,
  MapRef,
  Node,
  Statement,
  Unary,
  Variable,
} from '../../../src/ast/nodes.ts';
import { isAggregation } from '../../../src/lang/aggregations.ts';
import { sizeOf } from '../../../src/lang/layout.ts';
import type { TypedProgram, VariableSymbol } from '../../../src/lang/typed-program.ts';
import type { Type } from '../../../src/lang/types.ts';
import { SeriesElement, shownSeries } from './series.ts';
import { type Aggregate, add, emptyAggregate, linearBucket, powerBucket } from './aggregates.ts';
import { shownMap } from './printed-lines.ts';

/** A number inside its type's range, text, or the elements of a tuple. */
type Value = bigint | string | readonly Value[];

type Left = 'break' | 'continue' | 'return' | undefined;

interface Integer {
  readonly bits: number;
  readonly signed: boolean;
}

/** What a typed script prints, worked out by walking its tree: the language's rules once more, without code. */
export function evaluate(typed: TypedProgram): string {
  return new Evaluator(typed).run();
}

class Evaluator {
  readonly #typed: TypedProgram;
  readonly #variables = new Map<VariableSymbol, Value>();
  /** Elements by the text of their keys. */
  readonly #maps = new Map<string, Map<string, { readonly key: Value; readonly value: Value }>>();
  readonly #aggregates = new Map<string, Map<string, Aggregate>>();
  readonly #series = new Map<string, Map<string, SeriesElement>>();
  /** Of the call that runs. */
  #returned: Value = 0n;
  #output = '';

  constructor(typed: TypedProgram) {
    this.#typed = typed;
  }

  run(): string {
    for (const probe of this.#typed.probes) this.#block(probe.body.statements);
    return this.#output;
  }

  #type(node: Node): Type {
    const type = this.#typed.types.get(node);
    if (type === undefined) throw new Error(`${node.kind} has no type`);
    return type;
  }

  #block(statements: readonly Statement[]): Left {
    for (const statement of statements) {
      const left = this.#statement(statement);
      if (left !== undefined) return left;
    }
    return undefined;
  }

  #statement(node: Statement): Left {
    switch (node.kind) {
      case 'expression_statement':
        return this.#discarded(node.expression);
      case 'assignment':
        this.#assign(node);
        return undefined;
      case 'variable_declaration': {
        const symbol = this.#typed.variables.get(node.variable)!;
        this.#variables.set(symbol, node.value === undefined ? zeroOf(symbol.type) : this.#value(node.value));
        return undefined;
      }
      case 'while':
        while (this.#number(node.condition) !== 0n) {
          const left = this.#body(node.body);
          if (left === 'break') break;
          if (left === 'return') return left;
        }
        return undefined;
      case 'unroll':
        for (let left = this.#number(node.count); left > 0n; left--) {
          const way = this.#body(node.body);
          if (way !== undefined) return way;
        }
        return undefined;
      case 'for': {
        if (node.iterable.kind === 'map') return this.#visit(node.variable, node.iterable.name, node.body);
        const symbol = this.#typed.variables.get(node.variable)!;
        const end = this.#number(node.iterable.end);
        for (let at = this.#number(node.iterable.start); at < end; at++) {
          this.#variables.set(symbol, at);
          const left = this.#body(node.body);
          if (left === 'break') break;
          if (left === 'return') return left;
        }
        return undefined;
      }
      case 'jump':
        if (node.value !== undefined) this.#returned = this.#value(node.value);
        return node.jump;
      case 'block':
        return this.#block(node.statements);
      default:
        throw new Error(`no ${node.kind}`);
    }
  }

  /** Scripts do not depend on the order, which is not the language's. */
  #visit(variable: Variable, map: string, body: Block): Left {
    const symbol = this.#typed.variables.get(variable)!;
    for (const { key, value } of [...this.#map(map).values()]) {
      this.#variables.set(symbol, [key, value]);
      const left = this.#body(body);
      if (left === 'break') break;
      if (left === 'return') return left;
    }
    return undefined;
  }

  #body(block: Block): Left {
    return this.#block(block.statements);
  }

  /** `if` is an expression whose branches may leave a loop. */
  #discarded(node: Expression): Left {
    if (node.kind === 'block_expression') {
      const left = this.#block(node.statements);
      if (left === undefined && node.result !== undefined) this.#discarded(node.result);
      return left;
    }
    if (node.kind === 'if') {
      if (this.#number(node.condition) !== 0n) return this.#discarded(node.then);
      return node.otherwise === undefined ? undefined : this.#discarded(node.otherwise);
    }
    this.#value(node);
    return undefined;
  }

  #assign(node: Assignment): void {
    const { target } = node;
    if (target.kind === 'discard') return void this.#value(node.value);
    if (target.kind !== 'variable' && this.#aggregated(target, node.value)) return;
    if (node.operator === '=') {
      this.#store(target, this.#value(node.value));
      return;
    }
    const type = this.#type(target);
    const [left, right] = [this.#number(target), this.#number(node.value)];
    const operands = { left, right, ...integer(type) };
    this.#store(target, fit(arithmetic(node.operator.slice(0, -1), operands), integer(type)));
  }

  #aggregated(target: MapRef | MapAccess, value: Expression): boolean {
    if (value.kind !== 'call' || !isAggregation(value.name)) return false;
    const argument = value.args[0];
    const added = argument === undefined ? 0n : this.#number(argument as Expression);
    const name = target.kind === 'map' ? target.name : target.map.name;
    const type = this.#typed.maps.get(name)!.value;
    if (type.kind === 'tseries') {
      const time = this.#map('clock').get('')?.value as bigint;
      this.#seriesOf(name, keyText(this.#value((target as MapAccess).key))).add(added, time, type);
      return true;
    }
    const elements = this.#elements(name);
    const key = target.kind === 'map' ? '' : keyText(this.#value(target.key));
    let element = elements.get(key);
    if (element === undefined) elements.set(key, (element = emptyAggregate()));
    add(element, added, bucketOf(type, added));
    return true;
  }

  #seriesOf(name: string, key: string): SeriesElement {
    let map = this.#series.get(name);
    if (map === undefined) this.#series.set(name, (map = new Map()));
    let element = map.get(key);
    if (element === undefined) map.set(key, (element = new SeriesElement()));
    return element;
  }

  #elements(name: string): Map<string, Aggregate> {
    let elements = this.#aggregates.get(name);
    if (elements === undefined) this.#aggregates.set(name, (elements = new Map()));
    return elements;
  }

  #store(target: Expression, value: Value): void {
    if (target.kind === 'variable')
      this.#variables.set(this.#typed.variables.get(target)!, fitted(value, this.#type(target)));
    else if (target.kind === 'map_access') {
      const key = this.#value(target.key);
      this.#map(target.map.name).set(keyText(key), { key, value });
    } else if (target.kind === 'map') this.#map(target.name).set('', { key: '', value });
    else throw new Error(`no assignment to ${target.kind}`);
  }

  #map(name: string): Map<string, { readonly key: Value; readonly value: Value }> {
    let map = this.#maps.get(name);
    if (map === undefined) this.#maps.set(name, (map = new Map()));
    return map;
  }

  #number(node: Expression): bigint {
    const value = this.#value(node);
    if (typeof value !== 'bigint') throw new Error(`${node.kind} is no number`);
    return value;
  }

  #value(node: Expression): Value {
    switch (node.kind) {
      case 'integer':
        return fit(node.value, integer(this.#type(node)));
      case 'boolean':
        return node.value ? 1n : 0n;
      case 'string':
        return node.value;
      case 'variable': {
        const symbol = this.#typed.variables.get(node)!;
        return this.#variables.get(symbol) ?? zeroOf(symbol.type);
      }
      case 'map':
        return this.#aggregate(node.name, '');
      case 'map_access':
        if (isAggregation(this.#type(node).kind)) return this.#aggregate(node.map.name, keyText(this.#value(node.key)));
        return this.#map(node.map.name).get(keyText(this.#value(node.key)))?.value ?? zeroOf(this.#type(node));
      case 'tuple':
        return node.elements.map((element) => this.#value(element));
      case 'tuple_access': {
        const tuple = this.#value(node.base);
        return (tuple as readonly Value[])[node.index]!;
      }
      case 'record': {
        const values = new Map(node.fields.map(({ name, value }) => [name, this.#value(value)]));
        const type = this.#type(node);
        if (type.kind !== 'record') throw new Error('a record of another type');
        return type.fields.map((field) => values.get(field.name)!);
      }
      case 'field': {
        const type = this.#type(node.base);
        if (type.kind !== 'record') throw new Error(`a field of a ${type.kind}`);
        const record = this.#value(node.base) as readonly Value[];
        return record[type.fields.findIndex(({ name }) => name === node.field)]!;
      }
      case 'index': {
        const elements = this.#value(node.base) as readonly Value[];
        return elements[Number(this.#number(node.index))]!;
      }
      case 'unary':
        return this.#unary(node);
      case 'binary':
        return this.#binary(node);
      case 'ternary': {
        const chosen = this.#number(node.condition) !== 0n ? (node.then ?? node.condition) : node.otherwise;
        return fitted(this.#value(chosen), this.#type(node));
      }
      case 'if':
      case 'block_expression':
        return this.#blockValue(node);
      case 'cast':
        return this.#cast(this.#value(node.operand), this.#type(node));
      case 'comptime':
        return this.#value(node.operand);
      case 'call':
        return this.#call(node);
      default:
        throw new Error(`no ${node.kind}`);
    }
  }

  #blockValue(node: Extract<Expression, { kind: 'if' | 'block_expression' }>): Value {
    if (node.kind === 'if') {
      const branch = this.#number(node.condition) !== 0n ? node.then : node.otherwise;
      return branch === undefined ? 0n : this.#value(branch);
    }
    this.#block(node.statements);
    return node.result === undefined ? 0n : this.#value(node.result);
  }

  #aggregate(name: string, key: string): bigint {
    const { count, sum, min, max } = this.#elements(name).get(key) ?? emptyAggregate();
    const kind = this.#typed.maps.get(name)!.value.kind;
    switch (kind) {
      case 'count':
        return count;
      case 'sum':
        return sum;
      case 'min':
        return min;
      case 'max':
        return max;
      case 'avg':
        return count === 0n ? 0n : sum / count;
      default:
        throw new Error(`@${name} is no aggregation`);
    }
  }

  #unary(node: Unary): Value {
    const type = this.#type(node);
    if (node.operator === '++' || node.operator === '--') {
      const before = this.#number(node.operand);
      const after = fit(before + (node.operator === '++' ? 1n : -1n), integer(this.#type(node.operand)));
      this.#store(node.operand, after);
      return node.postfix ? before : after;
    }
    if (node.operator === '*') {
      if (node.operand.kind !== 'address_of') throw new Error('a pointer from elsewhere');
      return this.#value(node.operand.operand);
    }
    const value = this.#number(node.operand);
    switch (node.operator) {
      case '!':
        return value === 0n ? 1n : 0n;
      case '-':
        return fit(-value, integer(type));
      case '~':
        return fit(~value, integer(type));
      default:
        throw new Error(`no unary ${node.operator}`);
    }
  }

  #binary(node: Binary): Value {
    const { operator } = node;
    if (operator === '&&') return this.#number(node.left) !== 0n && this.#number(node.right) !== 0n ? 1n : 0n;
    if (operator === '||') return this.#number(node.left) !== 0n || this.#number(node.right) !== 0n ? 1n : 0n;
    const [left, right] = [this.#value(node.left), this.#value(node.right)];
    if (typeof left !== 'bigint' || typeof right !== 'bigint') {
      const same = keyText(left) === keyText(right);
      return same === (operator === '==') ? 1n : 0n;
    }
    const [a, b] = [integer(this.#type(node.left)), integer(this.#type(node.right))];
    // The wider operand's width, and a signed operation when either is signed.
    const common = { bits: Math.max(a.bits, b.bits), signed: a.signed || b.signed };
    if (operator in COMPARE) return COMPARE[operator]!(fit(left, common), fit(right, common)) ? 1n : 0n;
    return fit(arithmetic(operator, { left, right, ...common }), integer(this.#type(node)));
  }

  #cast(value: Value, type: Type): Value {
    if (type.kind === 'bool') return (typeof value === 'bigint' ? value !== 0n : value !== '') ? 1n : 0n;
    if (type.kind === 'array' && typeof value === 'bigint')
      return Array.from({ length: type.length }, (_, index) => (value >> BigInt(8 * index)) & 255n);
    if (type.kind === 'int' && typeof value === 'object')
      return fit(
        value.reduceRight<bigint>((high, byte) => (high << 8n) | (byte as bigint), 0n),
        integer(type),
      );
    return fitted(value, type);
  }

  #call(node: Call): Value {
    const args = node.args as readonly Expression[];
    switch (node.name) {
      case 'printf':
        this.#print(args);
        return 0n;
      case 'delete':
      case 'has_key': {
        const map = this.#map((args[0] as MapRef).name);
        const key = keyText(this.#value(args[1]!));
        return (node.name === 'delete' ? map.delete(key) : map.has(key)) ? 1n : 0n;
      }
      case 'find': {
        const found = this.#map((args[0] as MapRef).name).get(keyText(this.#value(args[1]!)));
        if (found !== undefined) this.#store(args[2]!, found.value);
        return found === undefined ? 0n : 1n;
      }
      case 'len':
        return BigInt(this.#map((args[0] as MapRef).name).size);
      case 'print': {
        const { name } = args[0] as MapRef;
        const type = this.#typed.maps.get(name)!.value;
        this.#output +=
          type.kind === 'tseries'
            ? shownSeries(name, this.#series.get(name) ?? new Map(), type)
            : shownMap(name, this.#elements(name));
        return 0n;
      }
      case 'memcmp': {
        const [left, right] = [this.#value(args[0]!), this.#value(args[1]!)] as [readonly bigint[], readonly bigint[]];
        const at = left.slice(0, Number(this.#number(args[2]!))).findIndex((byte, index) => byte !== right[index]);
        // The library compares chars, which have a sign.
        return at < 0 ? 0n : BigInt.asIntN(8, left[at]!) - BigInt.asIntN(8, right[at]!);
      }
      case 'bswap': {
        const { bits } = integer(this.#type(node));
        const digits = BigInt.asUintN(bits, this.#number(args[0]!))
          .toString(16)
          .padStart(bits / 4, '0');
        return BigInt(`0x${digits.match(/../g)!.reverse().join('')}`);
      }
      case 'strncmp': {
        const [left, right] = [this.#value(args[0]!), this.#value(args[1]!)] as [string, string];
        const length = Number(this.#number(args[2]!));
        return left.slice(0, length) === right.slice(0, length) ? 0n : 1n;
      }
      case 'strcontains':
        return (this.#value(args[0]!) as string).includes(this.#value(args[1]!) as string) ? 1n : 0n;
      case 'str_concat':
        return args.map((arg) => this.#value(arg) as string).join('');
      case 'strlen':
        return BigInt((this.#value(args[0]!) as string).length);
      case 'strstr':
        return BigInt((this.#value(args[0]!) as string).indexOf(this.#value(args[1]!) as string));
      default:
        return this.#subprogram(node.name, args);
    }
  }

  #subprogram(name: string, args: readonly Expression[]): Value {
    const found = this.#typed.subprograms.find((subprogram) => subprogram.name === name);
    if (found === undefined) throw new Error(`no ${name}()`);
    const values = args.map((arg) => this.#value(arg));
    found.parameters.forEach((parameter, index) =>
      this.#variables.set(parameter, fitted(values[index]!, parameter.type)),
    );
    this.#block(found.declaration.body.statements);
    return fitted(this.#returned, found.returns);
  }

  #print([format, ...args]: readonly Expression[]): void {
    const values = args.map((arg) => this.#value(arg));
    const text = (format as { value: string }).value;
    this.#output += text.replace(/%(?:lld|s)/g, () => String(values.shift()));
  }
}

const COMPARE: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
};

interface Operands extends Integer {
  readonly left: bigint;
  readonly right: bigint;
}

/** The low bits of the result; division and shifts to the right are unsigned whatever the signs. */
function arithmetic(operator: string, { left, right, bits }: Operands): bigint {
  const [a, b] = [BigInt.asUintN(bits, left), BigInt.asUintN(bits, right)];
  switch (operator) {
    case '+':
      return BigInt.asUintN(bits, a + b);
    case '-':
      return BigInt.asUintN(bits, a - b);
    case '*':
      return BigInt.asUintN(bits, a * b);
    // A divisor of zero makes 1.
    case '/':
      return b === 0n ? 1n : a / b;
    case '%':
      return b === 0n ? 1n : a % b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
      return BigInt.asUintN(bits, a << b);
    case '>>':
      return a >> b;
    default:
      throw new Error(`no operator ${operator}`);
  }
}

/** The bucket that a value goes into, where the map has any. */
function bucketOf(type: Type, value: bigint): string | undefined {
  if (type.kind === 'hist') return powerBucket(value, type.bits);
  return type.kind === 'lhist' ? linearBucket(value, type.min, type.max, type.step) : undefined;
}

function integer(type: Type): Integer {
  switch (type.kind) {
    case 'bool':
      return { bits: 8, signed: false };
    case 'int':
      return { bits: type.size * 8, signed: type.signed };
    case 'count':
      return { bits: 64, signed: false };
    case 'sum':
    case 'min':
    case 'max':
    case 'avg':
      return { bits: 64, signed: type.signed };
    default:
      throw new Error(`a ${type.kind} is no integer`);
  }
}

function fit(value: bigint, { bits, signed }: Integer): bigint {
  return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

/** The value as its type can hold it: numbers wrap, text is cut. */
function fitted(value: Value, type: Type): Value {
  if (typeof value === 'bigint') return fit(value, integer(type));
  if (typeof value === 'string') return type.kind === 'string' ? value.slice(0, sizeOf(type) - 1) : value;
  if (type.kind === 'record') return value.map((element, index) => fitted(element, type.fields[index]!.type));
  return type.kind === 'tuple' ? value.map((element, index) => fitted(element, type.elements[index]!)) : value;
}

function zeroOf(type: Type): Value {
  if (type.kind === 'string') return '';
  if (type.kind === 'record') return type.fields.map((field) => zeroOf(field.type));
  if (type.kind === 'array') return Array.from({ length: type.length }, () => zeroOf(type.element));
  return type.kind === 'tuple' ? type.elements.map(zeroOf) : 0n;
}

function keyText(value: Value): string {
  return typeof value === 'object'
    ? `(${value.map(keyText).join()})`
    : typeof value === 'string'
      ? JSON.stringify(value)
      : String(value);
}
