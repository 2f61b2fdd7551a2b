import type { HelperName } from '../../abi/helpers.ts';
import type { Expression } from '../../ast/nodes.ts';
import { sizeOf } from '../../lang/layout.ts';
import { TIMESTAMP_MODES, type TimestampMode } from '../../lang/map-layout.ts';
import { bug } from '../../source/bug.ts';
import type { Value } from '../ir/ir.ts';
import { expressionAt, optional, text } from './arguments.ts';
import { abiOf, contextWord } from './builtins.ts';
import type { Lowering } from './calls.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, materialize, zero } from './memory.ts';
import { scalar } from './operand.ts';
import { lowerStack } from './stacks.ts';
import { userSymbol } from './symbols.ts';
import { lowerUserAddress } from './user-addresses.ts';

/** The clocks of nsecs(). The software clock of TAI time is the same helper here. */
const CLOCKS: Record<TimestampMode, HelperName> = {
  monotonic: 'ktime_get_ns',
  boot: 'ktime_get_boot_ns',
  tai: 'ktime_get_tai_ns',
  sw_tai: 'ktime_get_tai_ns',
};

function clockOf(node: Expression | undefined): TimestampMode {
  const name = node?.kind === 'identifier' ? node.name : 'boot';
  return TIMESTAMP_MODES.find((mode) => mode === name) ?? bug(`no clock ${name}`);
}

/** Functions of addresses, registers, stacks and time. */
export const VALUE_CALLS = {
  bswap: (l, node) => {
    const of = expressionAt(node, 0);
    const size = sizeOf(l.typeOf(of));
    const value = l.value(of);
    return scalar(size === 1 ? value : l.b.swap(value, (size * 8) as 16 | 32 | 64));
  },
  ksym: (l, node) => scalar(l.value(expressionAt(node, 0))),
  usym: (l, node) => userSymbol(l, l.value(expressionAt(node, 0))),
  percpu_kaddr: (l, node) => {
    const name = text(node, 0) ?? '';
    const found = l.unit.typed.target.types.perCpuVariable(name) ?? bug(`no variable ${name}`);
    const cpu = optional(node, 1);
    const variable = l.b.variable(found.id, name);
    return scalar(
      cpu === undefined ? l.b.call('this_cpu_ptr', variable) : l.b.call('per_cpu_ptr', variable, l.value(cpu)),
    );
  },
  uaddr: lowerUserAddress,
  reg: (l, node) => {
    const name = text(node, 0) ?? '';
    return scalar(contextWord(l, abiOf(l).scriptRegisters[name] ?? bug(`no register ${name}`)));
  },
  kstack: (l, node) => lowerStack(l, l.typeOf(node), node.span),
  ustack: (l, node) => lowerStack(l, l.typeOf(node), node.span),
  dw_ustack: (l, node) => lowerStack(l, l.typeOf(node), node.span),
  kptr: (l, node) => l.expression(expressionAt(node, 0)),
  uptr: (l, node) => l.expression(expressionAt(node, 0)),
  nsecs: (l, node) => scalar(l.b.call(CLOCKS[clockOf(optional(node, 0))])),
  path: (l, node) => {
    const { b } = l;
    const size = sizeOf(l.typeOf(node));
    const path = addressValue(l, expressionAt(node, 0));
    return {
      kind: 'producer',
      write: (to, filling) => {
        if (filling === 'exact') zero(b, to, size);
        // A path that does not fit leaves nothing.
        else b.store(to.base, to.offset, 1, 0);
        b.call('d_path', path, addressOf(b, to), size);
      },
    };
  },
} satisfies Record<string, Lowering>;

/** A struct's address, or the pointer to one. */
function addressValue(l: Lowerer, node: Expression): Value {
  const operand = l.expression(node);
  if (operand.kind === 'scalar') return operand.value;
  if (operand.kind === 'remote') return l.b.addressOf(operand.pointer, operand.offset);
  return addressOf(l.b, materialize(l.b, l.typeOf(node), operand));
}
