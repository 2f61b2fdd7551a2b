import { Builder } from '../../src/bytecode/ir/builder.ts';
import { type IrFunction, type Slot, type Value, newFunction } from '../../src/bytecode/ir/ir.ts';

/** A small generator of numbers (mulberry32), so that a failing case is one seed. */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const ALUS = ['add', 'sub', 'mul', 'div', 'mod', 'sdiv', 'smod', 'or', 'and', 'xor', 'lsh', 'rsh', 'arsh'] as const;
const JUMPS = ['jeq', 'jne', 'jgt', 'jge', 'jlt', 'jle', 'jset', 'jsgt', 'jsge', 'jslt', 'jsle'] as const;
const CONSTANTS = [
  0n,
  1n,
  -1n,
  2n,
  7n,
  8n,
  255n,
  256n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  -0x8000_0000n,
  1n << 40n,
  -(1n << 63n),
];

/** A random function of two parameters: arithmetic, calls, variables in slots, branches and counted loops. */
export function randomFunction(seed: number): IrFunction {
  const random = randomNumbers(seed);
  const fn = newFunction(`random_${seed}`, 2);
  const b = new Builder(fn);
  const params = [b.param(0), b.param(1)];
  const variables: { readonly slot: Slot; readonly size: 1 | 2 | 4 | 8 }[] = [];
  for (let i = 0; i < 5; i++) {
    const size = ([8, 8, 4, 2, 1] as const)[random(5)]!;
    const slot = b.slot(`v${i}`, 8);
    variables.push({ slot, size });
    b.store(slot, 0, size, random(2) === 0 ? params[random(2)]! : CONSTANTS[random(CONSTANTS.length)]!);
  }
  const value = (depth: number): Value => {
    const kind = random(depth <= 0 ? 3 : 9);
    switch (kind) {
      case 0:
        return b.const(CONSTANTS[random(CONSTANTS.length)]!);
      case 1:
        return params[random(2)]!;
      case 2: {
        const variable = variables[random(variables.length)]!;
        return b.load(variable.slot, 0, variable.size, variable.size < 8 && random(2) === 0);
      }
      case 3:
        return b.extend(value(depth - 1), ([8, 16, 32] as const)[random(3)]!, random(2) === 0);
      case 4:
        return b.compare(JUMPS[random(JUMPS.length)]!, value(depth - 1), value(depth - 1));
      case 5:
        return b.call('send_signal', value(depth - 1));
      default: {
        const width = random(4) === 0 ? 32 : 64;
        return b.alu(ALUS[random(ALUS.length)]!, value(depth - 1), value(depth - 1), width);
      }
    }
  };
  const statement = (depth: number): void => {
    switch (random(depth <= 0 ? 2 : 5)) {
      case 0:
      case 1: {
        const variable = variables[random(variables.length)]!;
        b.store(variable.slot, 0, variable.size, value(3));
        return;
      }
      case 2:
      case 3: {
        const [then, otherwise, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
        b.branch(JUMPS[random(JUMPS.length)]!, value(2), value(2), then, otherwise);
        b.enter(then);
        statement(depth - 1);
        b.jump(done);
        b.enter(otherwise);
        if (random(2) === 0) statement(depth - 1);
        b.jump(done);
        b.enter(done);
        return;
      }
      default: {
        const counter = b.slot('counter', 8);
        const [head, body, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
        b.store(counter, 0, 8, 0);
        b.jump(head);
        b.enter(head);
        b.branch('jlt', b.load(counter, 0, 8), 1 + random(4), body, done);
        b.enter(body);
        statement(depth - 1);
        b.store(counter, 0, 8, b.add(b.load(counter, 0, 8), 1));
        b.jump(head);
        b.enter(done);
      }
    }
  };
  for (let i = 0; i < 6; i++) statement(3);
  b.return(value(3));
  return fn;
}
