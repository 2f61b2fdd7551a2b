import type { JumpOp } from '../../isa/opcodes.ts';
import type { Builder } from '../ir/builder.ts';
import type { Block, Value } from '../ir/ir.ts';

/** Code that runs only where the test holds. */
export function when(b: Builder, jump: JumpOp, left: Value, right: Value | bigint | number, body: () => void): void {
  const [holds, after] = [b.newBlock(), b.newBlock()];
  b.branch(jump, left, right, holds, after);
  b.enter(holds);
  body();
  b.jump(after);
  b.enter(after);
}

/** Leaves for `target` where the test holds. */
export function leaveWhen(b: Builder, jump: JumpOp, left: Value, right: Value | bigint | number, target: Block): void {
  const stay = b.newBlock();
  b.branch(jump, left, right, target, stay);
  b.enter(stay);
}

/** Two registers to compare, or a register and a number. */
export interface Test {
  readonly jump: JumpOp;
  readonly left: Value;
  readonly right: Value | bigint | number;
}

/** One of two pieces of code. */
export function whether(b: Builder, test: Test, then: () => void, otherwise: () => void): void {
  const [yes, no, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
  b.branch(test.jump, test.left, test.right, yes, no);
  b.enter(yes);
  then();
  b.jump(done);
  b.enter(no);
  otherwise();
  b.jump(done);
  b.enter(done);
}

/** One of two values; each is worked out only where it counts. */
export function choose(b: Builder, test: Test, then: () => Value, otherwise: () => Value): Value {
  const result = b.slot('chosen', 8);
  whether(
    b,
    test,
    () => b.store(result, 0, 8, then()),
    () => b.store(result, 0, 8, otherwise()),
  );
  return b.load(result, 0, 8);
}

/** A bounded loop from 0: yields how many rounds were run to their end. `leave` is where a round goes that ends the loop. */
export function countUp(b: Builder, limit: number, round: (index: Value, leave: Block) => void): Value {
  const index = b.slot('index', 8);
  const [head, body, done] = [b.newBlock(), b.newBlock(), b.newBlock()];
  b.store(index, 0, 8, 0);
  b.jump(head);
  b.enter(head);
  const i = b.load(index, 0, 8);
  b.branch('jlt', i, limit, body, done);
  b.enter(body);
  round(i, done);
  b.store(index, 0, 8, b.add(i, 1));
  b.jump(head);
  b.enter(done);
  return b.load(index, 0, 8);
}
