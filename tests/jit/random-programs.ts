import fc from 'fast-check';
import * as build from '../../src/isa/builders.ts';
import type { Insn } from '../../src/isa/instruction.ts';
import type { AccessSize, AluOp, AtomicOp, JumpOp } from '../../src/isa/opcodes.ts';
import { ALU, ATOMIC, JUMP } from '../../src/isa/opcodes.ts';
import type { Program, Relocation } from '../../src/abi/program-image.ts';
import { HELPERS } from '../../src/abi/helpers.ts';
import { rawProgram } from './programs.ts';

const { R0, R1, R2, R3, R4, R9, R10 } = build;
/** Counts backward jumps down, so that every program ends. */
const FUEL = R9;
/** One past the last slot of the calling function is where its epilogue starts. */
interface Item {
  readonly insns: readonly Insn[];
  /** Jumps: target as a fraction of the items of the function. */
  readonly target?: number;
  readonly map?: number;
  readonly calls?: 'subprogram' | 'callback';
}

const INTERESTING = [0n, 1n, 2n, 7n, 31n, 32n, 33n, 63n, 64n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n];
const word = fc
  .oneof(fc.constantFrom(...INTERESTING), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }))
  .chain((value) => fc.constantFrom(value, BigInt.asUintN(64, -value), BigInt.asUintN(64, ~value)));
const imm = fc.oneof(
  fc.integer({ min: -70, max: 70 }),
  fc.integer(),
  fc.constantFrom(-0x80000000, 0x7fffffff),
  fc.constantFrom(0, 1, 31, 32, 33, 63, -1),
);
const reg = fc.integer({ min: R0, max: 8 });
const aluOp = fc.constantFrom(...(Object.keys(ALU) as AluOp[]));
const jumpOp = fc.constantFrom(...(Object.keys(JUMP) as JumpOp[]));
const atomicOp = fc.constantFrom(...(Object.keys(ATOMIC) as AtomicOp[]));
const size = fc.constantFrom<AccessSize>(1, 2, 4, 8);
const stackOffset = fc.integer({ min: -64, max: -8 });
const target = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

const plain = (insn: fc.Arbitrary<Insn>): fc.Arbitrary<Item> => insn.map((one) => ({ insns: [one] }));

const straight: fc.Arbitrary<Item> = fc.oneof(
  { weight: 4, arbitrary: plain(fc.tuple(aluOp, reg, imm).map(([op, dst, value]) => build.alu64Imm(op, dst, value))) },
  { weight: 5, arbitrary: plain(fc.tuple(aluOp, reg, reg).map(([op, dst, src]) => build.alu64Reg(op, dst, src))) },
  plain(fc.tuple(aluOp, reg, imm).map(([op, dst, value]) => build.alu32Imm(op, dst, value))),
  plain(fc.tuple(aluOp, reg, reg).map(([op, dst, src]) => build.alu32Reg(op, dst, src))),
  plain(fc.tuple(fc.constantFrom<32 | 64>(32, 64), reg).map(([width, dst]) => build.neg(width, dst))),
  plain(
    fc
      .tuple(fc.constantFrom<8 | 16 | 32>(8, 16, 32), reg, reg)
      .map(([bits, dst, src]) => build.movsx(64, bits, dst, src)),
  ),
  plain(fc.tuple(fc.constantFrom<8 | 16>(8, 16), reg, reg).map(([bits, dst, src]) => build.movsx(32, bits, dst, src))),
  plain(
    fc
      .tuple(
        fc.constantFrom<'le' | 'be' | 'bswap'>('le', 'be', 'bswap'),
        fc.constantFrom<16 | 32 | 64>(16, 32, 64),
        reg,
      )
      .map(([order, bits, dst]) => build.swapBytes(order, bits, dst)),
  ),
  fc.tuple(reg, word).map(([dst, value]) => ({ insns: build.loadImm64(dst, value) })),
  plain(fc.tuple(size, reg, stackOffset).map(([n, dst, off]) => build.load(n, dst, R10, off))),
  plain(
    fc
      .tuple(fc.constantFrom<1 | 2 | 4>(1, 2, 4), reg, stackOffset)
      .map(([n, dst, off]) => build.loadSigned(n, dst, R10, off)),
  ),
  plain(fc.tuple(size, stackOffset, reg).map(([n, off, src]) => build.store(n, R10, off, src))),
  plain(fc.tuple(size, stackOffset, imm).map(([n, off, value]) => build.storeImm(n, R10, off, value))),
  plain(
    fc
      .tuple(atomicOp, fc.constantFrom<4 | 8>(4, 8), stackOffset, reg, fc.boolean())
      .map(([op, n, off, src, fetch]) => build.atomic(op, n, R10, off, src, fetch)),
  ),
  // A pointer to the stack with an offset that only the register knows.
  fc.tuple(reg, stackOffset, size, reg).map(([pointer, off, n, value]) => ({
    insns: [
      build.alu64Reg('mov', pointer, R10),
      build.alu64Imm('add', pointer, off),
      build.store(n, pointer, 0, value),
      build.load(n, value, pointer, 0),
    ],
  })),
  plain(fc.tuple(reg).map(([dst]) => build.alu64Reg('mov', dst, R10))),
);

const small = fc.constantFrom(0, 1, 2, 3, 7, 15, 16, 100, 255, 256, 0x7fffffff);
const ordered = fc.constantFrom<JumpOp>('jlt', 'jle', 'jgt', 'jge', 'jslt', 'jsle', 'jsgt', 'jsge');
/** What loops are made of: a step and a comparison with a small bound. */
const counted: fc.Arbitrary<Item> = fc
  .tuple(ordered, reg, small, small, target, fc.boolean())
  .map(([op, counter, step, bound, at, wide]) => ({
    insns: [
      build.alu64Imm('add', counter, step),
      wide ? build.jumpImm(op, counter, bound, 0) : build.jump32Imm(op, counter, bound, 0),
    ],
    target: at,
  }));

const forward: fc.Arbitrary<Item> = fc.oneof(
  fc
    .tuple(jumpOp, reg, imm, target)
    .map(([op, dst, value, at]) => ({ insns: [build.jumpImm(op, dst, value, 0)], target: at })),
  fc
    .tuple(jumpOp, reg, reg, target)
    .map(([op, dst, src, at]) => ({ insns: [build.jumpReg(op, dst, src, 0)], target: at })),
  fc
    .tuple(jumpOp, reg, imm, target)
    .map(([op, dst, value, at]) => ({ insns: [build.jump32Imm(op, dst, value, 0)], target: at })),
  fc
    .tuple(jumpOp, reg, reg, target)
    .map(([op, dst, src, at]) => ({ insns: [build.jump32Reg(op, dst, src, 0)], target: at })),
);

/** Keys of up to 12 bytes at r10 - 16, values at r10 - 40; few different ones, so that lookups also hit. */
const keyWord = fc.integer({ min: 0, max: 5 });
const mapCall = (
  map: number,
  helper: 'map_lookup_elem' | 'map_update_elem' | 'map_delete_elem',
  keys: number[],
): Item => ({
  insns: [
    ...keys.map((key, word) => build.storeImm(4, R10, -16 + 4 * word, key)),
    build.alu64Reg('mov', R2, R10),
    build.alu64Imm('add', R2, -16),
    build.alu64Reg('mov', R3, R10),
    build.alu64Imm('add', R3, -40),
    build.alu64Imm('mov', R4, 0),
    ...build.loadImm64(R1, 0n, 'map_fd'),
    build.callHelper(HELPERS[helper].id),
  ],
  map,
});
/** A lookup: r0 is a pointer or null afterwards. */
const lookup: fc.Arbitrary<Item> = fc
  .tuple(fc.constantFrom(0, 1, 3, 4, 5, 6), fc.tuple(keyWord, fc.constantFrom(0, 1), fc.constant(0)))
  .map(([map, keys]) => mapCall(map, 'map_lookup_elem', keys));
/** Changes of the hash maps: they fill up, evict and reuse elements. */
const change: fc.Arbitrary<Item> = fc
  .tuple(
    fc.constantFrom(3, 4, 5, 6),
    fc.constantFrom('map_update_elem' as const, 'map_update_elem' as const, 'map_delete_elem' as const),
    fc.tuple(keyWord, fc.constantFrom(0, 1), fc.constant(0)),
  )
  .map(([map, helper, keys]) => mapCall(map, helper, keys));
/** What a program does with a value that it found: count in it. */
const increment: fc.Arbitrary<Item> = fc.tuple(lookup, reg).map(([{ insns, ...rest }, src]) => ({
  ...rest,
  insns: [...insns, build.jumpImm('jeq', R0, 0, 1), build.atomic('add', 8, R0, 8, src, false)],
}));
/** A record of the ring buffer, filled in and submitted or discarded. */
const event: fc.Arbitrary<Item> = fc
  .tuple(fc.constantFrom(0, 8, 20, 64, 1000), reg, fc.boolean(), fc.constantFrom(0, 0, 1, 2))
  .map(([bytes, src, discard, flags]) => ({
    insns: [
      build.alu64Imm('mov', R2, bytes),
      build.alu64Imm('mov', R3, 0),
      ...build.loadImm64(R1, 0n, 'map_fd'),
      build.callHelper(HELPERS.ringbuf_reserve.id),
      build.jumpImm('jeq', R0, 0, bytes >= 8 ? 4 : 3),
      ...(bytes >= 8 ? [build.store(8, R0, 0, src === R0 ? R9 : src)] : []),
      build.alu64Reg('mov', R1, R0),
      build.alu64Imm('mov', R2, flags),
      build.callHelper(discard ? HELPERS.ringbuf_discard.id : HELPERS.ringbuf_submit.id),
    ],
    map: 2,
  }));
/** Comparisons of r0, which may just have come from a lookup. */
const nullCheck: fc.Arbitrary<Item> = fc
  .tuple(fc.oneof(fc.constantFrom<JumpOp>('jeq', 'jne'), jumpOp), fc.constantFrom(0, 0, 5, -1), target)
  .map(([op, value, at]) => ({ insns: [build.jumpImm(op, R0, value, 0)], target: at }));
const subprogram: fc.Arbitrary<Item> = fc.constant({ insns: [build.callSubprogram(0)], calls: 'subprogram' });
const callback: fc.Arbitrary<Item> = fc.constant({
  insns: [
    build.alu64Imm('mov', R1, 3),
    ...build.loadImm64(R2, 0n, 'func'),
    build.alu64Reg('mov', R3, R10),
    build.alu64Imm('mov', R4, 0),
    build.callHelper(HELPERS.loop.id),
  ],
  calls: 'callback',
});
const clock: fc.Arbitrary<Item> = plain(
  fc.constantFrom(HELPERS.ktime_get_ns.id, HELPERS.get_current_pid_tgid.id).map((id) => build.callHelper(id)),
);

const simpleItems = fc.array(fc.oneof({ weight: 6, arbitrary: straight }, { weight: 1, arbitrary: forward }), {
  minLength: 1,
  maxLength: 12,
});
const mainItems = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: straight },
    { weight: 3, arbitrary: forward },
    { weight: 3, arbitrary: counted },
    { weight: 2, arbitrary: lookup },
    { weight: 2, arbitrary: change },
    { weight: 2, arbitrary: increment },
    { weight: 1, arbitrary: event },
    { weight: 2, arbitrary: nullCheck },
    subprogram,
    callback,
    clock,
  ),
  { minLength: 1, maxLength: 40 },
);

/** Programs of random arithmetic, stack memory, jumps in both directions (also into loops), calls and callbacks. */
export const randomProgram: fc.Arbitrary<Program> = fc
  .tuple(fc.array(word, { minLength: 9, maxLength: 9 }), mainItems, simpleItems, simpleItems)
  .map(([seeds, main, sub, call]) => link(seeds, main, sub, call));

/** A register that no pointer to the stack is ever in. */
const number = fc.constantFrom(0, 5, 6, 7, 8);
/** A helper's arguments, gone after the call as the verifier has it. */
const forgotten = [R1, R2, R3, R4].map((register) => build.alu64Imm('mov', register, register));
const keyFrom = (register: number): Insn[] => [
  build.alu64Imm('and', register, 7),
  build.store(4, R10, -16, register),
  build.storeImm(8, R10, -12, 0),
];
/** Map calls whose keys are the only use of their part of the stack: the words that the compiler keeps in variables. */
const keyed: fc.Arbitrary<Item> = fc.oneof(
  fc.tuple(fc.constantFrom(0, 1, 3, 4, 5), fc.option(number)).map(([map, from]) => {
    const { insns } = mapCall(map, 'map_lookup_elem', []);
    return { insns: [...(from === null ? [] : keyFrom(from)), ...insns, ...forgotten], map };
  }),
  fc.tuple(fc.constantFrom(3, 4, 5), fc.option(number)).map(([map, from]) => {
    const { insns } = mapCall(map, 'map_update_elem', []);
    return { insns: [...(from === null ? [] : keyFrom(from)), ...insns, ...forgotten], map };
  }),
  fc.tuple(fc.constantFrom<4 | 8>(4, 8), number, fc.constantFrom(-16, -12)).map(([n, dst, off]) => ({
    insns: [build.load(n, dst, R10, off)],
  })),
  fc.tuple(fc.constantFrom<4 | 8>(4, 8), number, fc.constantFrom(-16, -12)).map(([n, src, off]) => ({
    insns: [build.store(n, R10, off, src)],
  })),
  plain(fc.tuple(aluOp, number, number).map(([op, dst, src]) => build.alu64Reg(op, dst, src))),
);

/** Programs that look keys up, around jumps in both directions. */
export const randomKeys: fc.Arbitrary<Program> = fc
  .tuple(
    fc.array(word, { minLength: 9, maxLength: 9 }),
    fc.array(fc.oneof({ weight: 4, arbitrary: keyed }, { weight: 1, arbitrary: forward }), {
      minLength: 1,
      maxLength: 25,
    }),
  )
  .map(([seeds, main]) => link(seeds, main, [], []));

function link(seeds: readonly bigint[], main: readonly Item[], sub: readonly Item[], call: readonly Item[]): Program {
  const prologue: Item[] = [
    ...seeds.map((seed, register) => ({ insns: build.loadImm64(register, seed) })),
    { insns: [build.alu64Imm('mov', FUEL, 20)] },
    ...[-64, -56, -48, -40, -32, -24, -16, -8].map((off, at) => ({ insns: [build.store(8, R10, off, at)] })),
  ];
  const epilogue: Item[] = [
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((register) => ({
      insns: [build.alu64Imm('mul', R0, 31), build.alu64Reg('add', R0, register)],
    })),
    { insns: [build.exit()] },
  ];
  const end: Item = { insns: [build.exit()] };
  // Callees get r6 to r8 and r0 from nowhere; they start from what their arguments are.
  const start: Item[] = [6, 7, 8].map((register) => ({ insns: [build.alu64Reg('mov', register, R1)] }));
  const locals: Item[] = [
    { insns: [build.alu64Imm('mov', R0, 1), build.alu64Imm('mov', FUEL, 5)] },
    ...[-64, -56, -48, -40, -32, -24, -16, -8].map((off) => ({ insns: [build.store(8, R10, off, R2)] })),
    { insns: [build.alu64Imm('mov', R3, 3), build.alu64Imm('mov', R4, 4), build.alu64Imm('mov', 5, 5)] },
  ];
  const functions = [
    { items: [...prologue, ...fuelled(main), ...epilogue], from: prologue.length },
    { items: [...start, ...locals, ...fuelled(sub), end], from: start.length + locals.length },
    { items: [...start, ...locals, ...fuelled(call), end], from: start.length + locals.length },
  ];
  const entries: number[] = [];
  let slot = 0;
  for (const { items } of functions) {
    entries.push(slot);
    slot += items.reduce((sum, { insns }) => sum + insns.length, 0);
  }
  const insns: Insn[] = [];
  const relocations: Relocation[] = [];
  for (const { items, from } of functions) {
    const starts: number[] = [];
    let at = insns.length;
    for (const item of items) {
      starts.push(at);
      at += item.insns.length;
    }
    items.forEach((item, index) => {
      const last = starts[index]! + item.insns.length - 1;
      item.insns.forEach((insn, k) => {
        const here = starts[index]! + k;
        if (item.target !== undefined && here === last) {
          const goal = from + Math.floor(item.target * (items.length - from));
          insns.push({ ...insn, off: starts[goal]! - here - 1 });
        } else if (item.calls === 'subprogram') insns.push({ ...insn, imm: entries[1]! - here - 1 });
        else if (item.calls === 'callback' && insn.code === 0x18) insns.push({ ...insn, imm: entries[2]! - here - 1 });
        else insns.push(insn);
        if (item.map !== undefined && insn.code === 0x18) relocations.push({ slot: here, map: item.map });
      });
    });
  }
  return rawProgram(insns, relocations);
}

/** Gives every jump a countdown in front: out of fuel, it falls through. */
function fuelled(items: readonly Item[]): Item[] {
  return items.flatMap((item) => {
    if (item.target === undefined) return [item];
    return [
      {
        insns: [build.alu64Imm('sub', FUEL, 1), build.jumpImm('jsle', FUEL, 0, item.insns.length), ...item.insns],
        target: item.target,
      },
    ];
  });
}
