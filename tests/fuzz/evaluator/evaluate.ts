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
import type { TypedProgram, VariableSymbol } from '../../../src/lang/typed-program.ts';
import type { Type } from '../../../src/lang/types.ts';
import { CALLS, type Walk } from './calls.ts';
import { Store } from './store.ts';
import { COMPARE, type Value, arithmetic, fit, fitted, integer, keyText, zeroOf } from './values.ts';

type Left = 'break' | 'continue' | 'return' | undefined;

/** What a typed script prints, worked out by walking its tree: the language's rules once more, without code. */
export function evaluate(typed: TypedProgram): string {
  return new Evaluator(typed).run();
}

class Evaluator implements Walk {
  readonly store: Store;
  readonly #typed: TypedProgram;
  readonly #variables = new Map<VariableSymbol, Value>();
  /** Of the call that runs. */
  #returned: Value = 0n;
  #output = '';

  constructor(typed: TypedProgram) {
    this.#typed = typed;
    this.store = new Store(typed);
  }

  run(): string {
    for (const { predicate, body } of this.#typed.probes)
      if (predicate === undefined || this.number(predicate) !== 0n) this.#block(body.statements);
    return this.#output;
  }

  print(text: string): void {
    this.#output += text;
  }

  type(node: Node): Type {
    const type = node.kind === 'map' ? this.#typed.maps.get(node.name)?.value : this.#typed.types.get(node);
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
        this.#variables.set(symbol, node.value === undefined ? zeroOf(symbol.type) : this.value(node.value));
        return undefined;
      }
      case 'while':
        while (this.number(node.condition) !== 0n) {
          const left = this.#body(node.body);
          if (left === 'break') break;
          if (left === 'return') return left;
        }
        return undefined;
      case 'unroll':
        for (let left = this.number(node.count); left > 0n; left--) {
          const way = this.#body(node.body);
          if (way !== undefined) return way;
        }
        return undefined;
      case 'for': {
        if (node.iterable.kind === 'map') return this.#visit(node.variable, node.iterable.name, node.body);
        const symbol = this.#typed.variables.get(node.variable)!;
        const end = this.number(node.iterable.end);
        for (let at = this.number(node.iterable.start); at < end; at++) {
          this.#variables.set(symbol, at);
          const left = this.#body(node.body);
          if (left === 'break') break;
          if (left === 'return') return left;
        }
        return undefined;
      }
      case 'jump':
        if (node.value !== undefined) this.#returned = this.value(node.value);
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
    for (const { key, value } of [...this.store.map(map).values()]) {
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
      return left === undefined && node.result !== undefined ? this.#discarded(node.result) : left;
    }
    if (node.kind === 'if') {
      if (this.number(node.condition) !== 0n) return this.#discarded(node.then);
      return node.otherwise === undefined ? undefined : this.#discarded(node.otherwise);
    }
    this.value(node);
    return undefined;
  }

  #assign(node: Assignment): void {
    const { target } = node;
    if (target.kind === 'discard') return void this.value(node.value);
    if (target.kind !== 'variable' && this.#aggregated(target, node.value)) return;
    if (node.operator === '=') {
      this.assign(target, this.value(node.value));
      return;
    }
    const type = this.type(target);
    const [left, right] = [this.number(target), this.number(node.value)];
    const operands = { left, right, ...integer(type) };
    this.assign(target, fit(arithmetic(node.operator.slice(0, -1), operands), integer(type)));
  }

  #aggregated(target: MapRef | MapAccess, value: Expression): boolean {
    if (value.kind !== 'call' || !isAggregation(value.name)) return false;
    const argument = value.args[0];
    const added = argument === undefined ? 0n : this.number(argument as Expression);
    if (target.kind === 'map') this.store.aggregate(target.name, '', added);
    else this.store.aggregate(target.map.name, keyText(this.value(target.key)), added);
    return true;
  }

  assign(target: Expression, value: Value): void {
    if (target.kind === 'variable')
      this.#variables.set(this.#typed.variables.get(target)!, fitted(value, this.type(target)));
    else if (target.kind === 'map_access') {
      const key = this.value(target.key);
      this.store.map(target.map.name).set(keyText(key), { key, value });
    } else if (target.kind === 'map') this.store.map(target.name).set('', { key: '', value });
    else throw new Error(`no assignment to ${target.kind}`);
  }

  number(node: Expression): bigint {
    const value = this.value(node);
    if (typeof value !== 'bigint') throw new Error(`${node.kind} is no number`);
    return value;
  }

  value(node: Expression): Value {
    switch (node.kind) {
      case 'integer':
        return fit(node.value, integer(this.type(node)));
      case 'boolean':
        return node.value ? 1n : 0n;
      case 'string':
        return node.value;
      case 'variable': {
        const symbol = this.#typed.variables.get(node)!;
        return this.#variables.get(symbol) ?? zeroOf(symbol.type);
      }
      case 'map':
        if (isAggregation(this.type(node).kind)) return this.store.aggregated(node.name, '');
        return this.store.map(node.name).get('')?.value ?? zeroOf(this.type(node));
      case 'map_access':
        if (isAggregation(this.type(node).kind))
          return this.store.aggregated(node.map.name, keyText(this.value(node.key)));
        return this.store.map(node.map.name).get(keyText(this.value(node.key)))?.value ?? zeroOf(this.type(node));
      case 'tuple':
        return node.elements.map((element) => this.value(element));
      case 'tuple_access': {
        const tuple = this.value(node.base);
        return (tuple as readonly Value[])[node.index]!;
      }
      case 'record': {
        const values = new Map(node.fields.map(({ name, value }) => [name, this.value(value)]));
        const type = this.type(node);
        if (type.kind !== 'record') throw new Error('a record of another type');
        return type.fields.map((field) => values.get(field.name)!);
      }
      case 'field': {
        const type = this.type(node.base);
        if (type.kind !== 'record') throw new Error(`a field of a ${type.kind}`);
        const record = this.value(node.base) as readonly Value[];
        return record[type.fields.findIndex(({ name }) => name === node.field)]!;
      }
      case 'index': {
        const elements = this.value(node.base) as readonly Value[];
        return elements[Number(this.number(node.index))]!;
      }
      case 'unary':
        return this.#unary(node);
      case 'binary':
        return this.#binary(node);
      case 'ternary': {
        const chosen = this.number(node.condition) !== 0n ? (node.then ?? node.condition) : node.otherwise;
        return fitted(this.value(chosen), this.type(node));
      }
      case 'if':
      case 'block_expression':
        return this.#blockValue(node);
      case 'cast':
        return this.#cast(this.value(node.operand), this.type(node));
      case 'comptime':
        return this.value(node.operand);
      case 'call':
        return this.#call(node);
      default:
        throw new Error(`no ${node.kind}`);
    }
  }

  #blockValue(node: Extract<Expression, { kind: 'if' | 'block_expression' }>): Value {
    if (node.kind === 'if') {
      const branch = this.number(node.condition) !== 0n ? node.then : node.otherwise;
      return branch === undefined ? 0n : this.value(branch);
    }
    this.#block(node.statements);
    return node.result === undefined ? 0n : this.value(node.result);
  }

  #unary(node: Unary): Value {
    const type = this.type(node);
    if (node.operator === '++' || node.operator === '--') {
      const [before, after] = this.#step(node.operand, node.operator === '++' ? 1n : -1n);
      return node.postfix ? before : after;
    }
    if (node.operator === '*') {
      if (node.operand.kind !== 'address_of') throw new Error('a pointer from elsewhere');
      return this.value(node.operand.operand);
    }
    const value = this.number(node.operand);
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

  /** Before and after; an element's key is evaluated once, unlike that of `+=`. */
  #step(operand: Expression, by: bigint): readonly [bigint, bigint] {
    const { map, key } =
      operand.kind === 'map_access'
        ? { map: operand.map.name, key: this.value(operand.key) }
        : { map: undefined, key: '' };
    const before =
      map === undefined ? this.number(operand) : ((this.store.map(map).get(keyText(key))?.value ?? 0n) as bigint);
    const after = fit(before + by, integer(this.type(operand)));
    if (map === undefined) this.assign(operand, after);
    else this.store.map(map).set(keyText(key), { key, value: after });
    return [before, after];
  }

  #binary(node: Binary): Value {
    const { operator } = node;
    if (operator === '&&') return this.number(node.left) !== 0n && this.number(node.right) !== 0n ? 1n : 0n;
    if (operator === '||') return this.number(node.left) !== 0n || this.number(node.right) !== 0n ? 1n : 0n;
    const [left, right] = [this.value(node.left), this.value(node.right)];
    if (typeof left !== 'bigint' || typeof right !== 'bigint') {
      const same = keyText(left) === keyText(right);
      return same === (operator === '==') ? 1n : 0n;
    }
    const [a, b] = [integer(this.type(node.left)), integer(this.type(node.right))];
    // The wider operand's width, and a signed operation when either is signed.
    const common = { bits: Math.max(a.bits, b.bits), signed: a.signed || b.signed };
    if (operator in COMPARE) return COMPARE[operator]!(fit(left, common), fit(right, common)) ? 1n : 0n;
    return fit(arithmetic(operator, { left, right, ...common }), integer(this.type(node)));
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
    const evaluation = CALLS[node.name];
    return evaluation === undefined ? this.#subprogram(node.name, args) : evaluation(this, args, node);
  }

  #subprogram(name: string, args: readonly Expression[]): Value {
    const found = this.#typed.subprograms.find((subprogram) => subprogram.name === name);
    if (found === undefined) throw new Error(`no ${name}()`);
    const values = args.map((arg) => this.value(arg));
    found.parameters.forEach((parameter, index) =>
      this.#variables.set(parameter, fitted(values[index]!, parameter.type)),
    );
    this.#block(found.declaration.body.statements);
    return fitted(this.#returned, found.returns);
  }
}
