import { parseUsdtOperands, type UsdtOperand } from '../../btf/usdt-operand.ts';
import { usdtPlaces } from '../../lang/target.ts';
import { bug } from '../../source/bug.ts';
import type { Value } from '../ir/ir.ts';
import { abiOf, context, contextWord } from './builtins.ts';
import type { Lowerer } from './lowerer.ts';

const WORD_BITS = 64;

/**
 * An argument of a static probe, from where its note says that it is. Where the places of a probe differ, the program asks
 * at which it is: they are attached with their index as the cookie. An argument that a place does not have is 0.
 */
export function usdtArgument(l: Lowerer, index: number): Value {
  const attach = l.origin.probe?.attach;
  if (attach?.kind !== 'usdt') return bug('no static probe');
  const file = l.unit.typed.target.userFile(attach.path);
  const places = file === undefined ? [] : usdtPlaces(file, attach.provider, attach.name);
  const operands = places.map((place) => parseUsdtOperands(place.operands, abiOf(l))[index]);
  const [first] = operands;
  if (operands.every((operand) => isSame(operand, first))) return valueOf(l, first);
  const { b } = l;
  const result = b.slot('usdt_argument', 8);
  const cookie = b.call('get_attach_cookie', context(l));
  b.store(result, 0, 8, 0);
  operands.forEach((operand, place) => {
    const [here, next] = [b.newBlock(), b.newBlock()];
    b.branch('jeq', cookie, place, here, next);
    b.enter(here);
    b.store(result, 0, 8, valueOf(l, operand));
    b.jump(next);
    b.enter(next);
  });
  return b.load(result, 0, 8);
}

function isSame(a: UsdtOperand | undefined, b: UsdtOperand | undefined): boolean {
  const text = (operand: UsdtOperand | undefined): string =>
    operand === undefined ? '' : Object.values(operand).map(String).join();
  return text(a) === text(b);
}

function valueOf(l: Lowerer, operand: UsdtOperand | undefined): Value {
  const { b } = l;
  if (operand === undefined) return b.const(0);
  const bits = operand.size * 8;
  switch (operand.kind) {
    case 'constant':
      return b.const(BigInt.asIntN(WORD_BITS, (operand.signed ? BigInt.asIntN : BigInt.asUintN)(bits, operand.value)));
    case 'register':
      return sized(l, contextWord(l, operand.register), operand);
    case 'memory': {
      const base = contextWord(l, operand.register);
      const copied = b.slot('usdt_argument', 8);
      b.store(copied, 0, 8, 0);
      b.call('probe_read_user', b.slotAddress(copied), operand.size, b.add(base, operand.displacement));
      return sized(l, b.load(copied, 0, 8), operand);
    }
  }
}

function sized(l: Lowerer, value: Value, { size, signed }: UsdtOperand): Value {
  return size === 8 ? value : l.b.extend(value, (size * 8) as 8 | 16 | 32, signed);
}
