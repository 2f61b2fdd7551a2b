import { assertNever } from '../source/bug.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import { constructText } from './construct-text.ts';
import type { Address, Block, Instr, IrFunction, IrProgram, Terminator, Value } from './ir/ir.ts';
import { Flow } from './ir/flow.ts';

const OPERATORS: Record<string, string> = {
  add: '+',
  sub: '-',
  mul: '*',
  div: '/',
  sdiv: 's/',
  mod: '%',
  smod: 's%',
  or: '|',
  and: '&',
  xor: '^',
  lsh: '<<',
  rsh: '>>',
  arsh: 's>>',
  jeq: '==',
  jne: '!=',
  jgt: '>',
  jge: '>=',
  jlt: '<',
  jle: '<=',
  jset: '&',
  jsgt: 's>',
  jsge: 's>=',
  jslt: 's<',
  jsle: 's<=',
};

/** The intermediate representation as text, a block after the other, with the script's lines where they begin. */
export function printIr(program: IrProgram, maps: readonly MapDefinition[]): string {
  return program.functions.map((fn) => new Printer(fn, maps).function()).join('\n');
}

class Printer {
  readonly #fn: IrFunction;
  readonly #maps: readonly MapDefinition[];
  readonly #numbers = new Map<Value, number>();
  readonly #labels = new Map<Block, number>();
  /** The script's line that was printed last. */
  #shown = '';

  constructor(fn: IrFunction, maps: readonly MapDefinition[]) {
    this.#fn = fn;
    this.#maps = maps;
  }

  function(): string {
    const { order } = new Flow(this.#fn);
    order.forEach((block, index) => this.#labels.set(block, index));
    for (const block of order)
      for (const instr of block.instrs) if (hasName(instr)) this.#numbers.set(instr, this.#numbers.size);
    const slots = this.#fn.slots.map((slot) => `  slot ${slot.name}.${slot.id}: ${slot.size} bytes`);
    const blocks = order.flatMap((block) => this.#block(block));
    return [`function ${this.#fn.name}`, ...slots, ...blocks, ''].join('\n');
  }

  #block(block: Block): string[] {
    const lines = [`b${this.#labels.get(block)}:`];
    const at = (span: Instr['span']): void => {
      if (span === undefined) return;
      const text = `  ; ${constructText(span)}`;
      if (text !== this.#shown) lines.push(text);
      this.#shown = text;
    };
    for (const instr of block.instrs) {
      if (instr.op === 'const') continue;
      at(instr.span);
      lines.push(`  ${hasName(instr) ? `%${this.#numbers.get(instr)} = ` : ''}${this.#instr(instr)}`);
    }
    at(block.terminator?.span);
    if (block.terminator !== undefined) lines.push(`  ${this.#end(block.terminator)}`);
    return lines;
  }

  #value(value: Value): string {
    if (value.op === 'const') return `${value.value}`;
    return `%${this.#numbers.get(value) ?? `?${value.id}`}`;
  }

  #address(address: Address): string {
    const { base, offset } = address;
    const name = base.kind === 'slot' ? `${base.name}.${base.id}` : this.#value(base);
    return offset === 0 ? `[${name}]` : `[${name} ${offset < 0 ? '-' : '+'} ${Math.abs(offset)}]`;
  }

  #test(test: { jump: string; width: 32 | 64; left: Value; right: Value }): string {
    const width = test.width === 32 ? '32' : '';
    return `${this.#value(test.left)} ${OPERATORS[test.jump]}${width} ${this.#value(test.right)}`;
  }

  #instr(instr: Instr): string {
    switch (instr.op) {
      case 'const':
        return `${instr.value}`;
      case 'param':
        return `param ${instr.index}`;
      case 'phi': {
        const inputs = [...instr.inputs].map(([block, value]) => `b${this.#labels.get(block)}: ${this.#value(value)}`);
        return `phi ${inputs.join(', ')}`;
      }
      case 'alu': {
        const width = instr.width === 32 ? '32' : '';
        return `${this.#value(instr.left)} ${OPERATORS[instr.alu]}${width} ${this.#value(instr.right)}`;
      }
      case 'extend':
        return `${instr.signed ? 's' : 'u'}${instr.bits} ${this.#value(instr.value)}`;
      case 'swap':
        return `bswap${instr.bits} ${this.#value(instr.value)}`;
      case 'compare':
        return this.#test(instr);
      case 'load':
        return `load ${instr.signed ? 's' : 'u'}${instr.size * 8} ${this.#address(instr.address)}`;
      case 'store':
        return `store u${instr.size * 8} ${this.#address(instr.address)}, ${this.#value(instr.value)}`;
      case 'atomic_add':
        return `atomic add u${instr.size * 8} ${this.#address(instr.address)}, ${this.#value(instr.value)}`;
      case 'slot_address':
        return `&${instr.slot.name}.${instr.slot.id}${instr.offset === 0 ? '' : ` + ${instr.offset}`}`;
      case 'map':
        return `map ${this.#maps[instr.map]!.name}`;
      case 'map_value':
        return `value of ${this.#maps[instr.map]!.name} + ${instr.offset}`;
      case 'variable':
        return `variable ${instr.name}`;
      case 'function':
        return `function ${instr.function.name}`;
      case 'call':
        return `call ${instr.helper}(${instr.args.map((arg) => this.#value(arg)).join(', ')})`;
      case 'call_function':
        return `call ${instr.function.name}(${instr.args.map((arg) => this.#value(arg)).join(', ')})`;
      default:
        return assertNever(instr);
    }
  }

  #end(end: Terminator): string {
    switch (end.op) {
      case 'jump':
        return `goto b${this.#labels.get(end.target)}`;
      case 'branch':
        return `if ${this.#test(end)} goto b${this.#labels.get(end.then)} else b${this.#labels.get(end.otherwise)}`;
      case 'return':
        return `return ${this.#value(end.value)}`;
      default:
        return assertNever(end);
    }
  }
}

/** Constants are written where they are used, stores name nothing. */
function hasName(instr: Instr): boolean {
  return instr.op !== 'const' && instr.op !== 'store' && instr.op !== 'atomic_add';
}
