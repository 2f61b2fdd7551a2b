import { CONTEXTS } from '../../abi/contexts.ts';
import type { Call, Identifier } from '../../ast/nodes.ts';
import type { Abi } from '../../btf/abi/abi.ts';
import { BUILTINS, type BuiltinLoweredByHand, type BuiltinName, type BuiltinRow } from '../../lang/builtins.ts';
import { sizeOf } from '../../lang/layout.ts';
import { PROBES } from '../../lang/probes.ts';
import { bug } from '../../source/bug.ts';
import type { Value } from '../ir/ir.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, loadScalar } from './memory.ts';
import { type Operand, type Place, scalar, scalarShape } from './operand.ts';
import { lowerStack } from './stacks.ts';
import { userSymbol } from './symbols.ts';
import { usdtArgument } from './usdt.ts';

type Lowering = (l: Lowerer, node: Identifier | Call) => Operand;

export function lowerBuiltin(l: Lowerer, node: Identifier | Call, name: BuiltinName): Operand {
  const row: BuiltinRow = BUILTINS[name];
  if (row.helper !== undefined) return scalar(l.b.call(row.helper));
  if (row.constant === true) return bug(`${name} is folded before code generation`);
  return BUILTIN_LOWERINGS[name as BuiltinLoweredByHand](l, node);
}

const argument =
  (index: number): Lowering =>
  (l) =>
    scalar(probeArgument(l, index));

const BUILTIN_LOWERINGS: Record<BuiltinLoweredByHand, Lowering> = {
  pid: (l) => scalar(l.b.alu('rsh', l.b.call('get_current_pid_tgid'), 32)),
  tid: (l) => scalar(l.b.extend(l.b.call('get_current_pid_tgid'), 32, false)),
  uid: (l) => scalar(l.b.extend(l.b.call('get_current_uid_gid'), 32, false)),
  gid: (l) => scalar(l.b.alu('rsh', l.b.call('get_current_uid_gid'), 32)),
  username: (l) => scalar(l.b.extend(l.b.call('get_current_uid_gid'), 32, false)),
  elapsed: (l) => {
    const start = startTime(l);
    return scalar(l.b.alu('sub', l.b.call('ktime_get_boot_ns'), start));
  },
  comm: (l, node) => ({
    kind: 'producer',
    write: (to) => void l.b.call('get_current_comm', addressOf(l.b, to), sizeOf(l.typeOf(node))),
  }),
  curtask: (l) => scalar(l.b.call('get_current_task')),
  jiffies: (l) => scalar(l.b.call('jiffies64')),
  usermode: (l) => {
    const { at, mask, value } = abiOf(l).userMode;
    return scalar(l.b.compare('jeq', l.b.alu('and', contextWord(l, at), mask), value));
  },
  ctx: (l) => scalar(context(l)),
  args: (l, node) => {
    if (l.origin.probe?.attach.kind === 'uprobe') return registerArguments(l, node);
    return { kind: 'place', place: contextPlace(l, 0) };
  },
  retval: (l, node) => {
    const { probe } = l.origin;
    if (probe !== undefined && PROBES[probe.attach.kind].context === 'tracing_args') return tracedResult(l, node);
    return scalar(contextWord(l, abiOf(l).result));
  },
  func: (l, node) => {
    const kind = l.origin.probe?.attach.kind;
    // Behind a return the instruction pointer is not the function's any more, and tracing programs have none.
    const asks = kind === 'fentry' || kind === 'fexit' || kind === 'kretprobe' || kind === 'uretprobe';
    const address = asks ? l.b.call('get_func_ip', context(l)) : contextWord(l, abiOf(l).ip);
    return l.typeOf(node).kind === 'usym' ? userSymbol(l, address) : scalar(address);
  },
  kstack: (l, node) => lowerStack(l, l.typeOf(node), node.span),
  ustack: (l, node) => lowerStack(l, l.typeOf(node), node.span),
  dw_ustack: (l, node) => lowerStack(l, l.typeOf(node), node.span),
  arg0: argument(0),
  arg1: argument(1),
  arg2: argument(2),
  arg3: argument(3),
  arg4: argument(4),
  arg5: argument(5),
  arg6: argument(6),
  arg7: argument(7),
  arg8: argument(8),
  arg9: argument(9),
  arg10: argument(10),
  arg11: argument(11),
};

/** The registers of the machine that the script is compiled for. */
export function abiOf(l: Lowerer): Abi {
  return l.unit.typed.target.abi;
}

export function context(l: Lowerer): Value {
  return l.context ?? bug('the context is not at hand in a callback');
}

function contextPlace(l: Lowerer, offset: number): Place {
  const probe = l.origin.probe ?? bug('a context outside a probe');
  return { base: context(l), offset, context: CONTEXTS[abiOf(l).name][PROBES[probe.attach.kind].programType] };
}

/** A u64 of the context. */
export function contextWord(l: Lowerer, offset: number): Value {
  return l.b.load(context(l), offset, 8, false, true);
}

/** `argN`: a register of pt_regs, from the seventh on the stack; a word of the context for raw tracepoints. */
function probeArgument(l: Lowerer, index: number): Value {
  const { b } = l;
  const { probe } = l.origin;
  if (probe?.attach.kind === 'rawtracepoint') return contextWord(l, index * 8);
  if (probe?.attach.kind === 'usdt') return usdtArgument(l, index);
  const abi = abiOf(l);
  const register = abi.arguments[index];
  if (register !== undefined) return contextWord(l, register);
  const stack = contextWord(l, abi.sp);
  const copied = b.slot('stack_argument', 8);
  const offset = abi.stackArguments + 8 * (index - abi.arguments.length);
  b.call('probe_read_kernel', b.slotAddress(copied), 8, b.add(stack, offset));
  return b.load(copied, 0, 8);
}

/** The parameters of a function of a program, from their registers: a struct with one slot per 8 bytes of them. */
function registerArguments(l: Lowerer, node: Identifier | Call): Operand {
  const { b } = l;
  const base = b.slot('arguments', sizeOf(l.typeOf(node)));
  abiOf(l)
    .arguments.slice(0, sizeOf(l.typeOf(node)) / 8)
    .forEach((register, index) => b.store(base, 8 * index, 8, contextWord(l, register)));
  return { kind: 'place', place: { base, offset: 0 } };
}

/** fexit's context has the result behind the arguments. */
function tracedResult(l: Lowerer, node: Identifier | Call): Operand {
  const attach = l.origin.probe!.attach;
  if (attach.kind !== 'fentry' && attach.kind !== 'fexit') return bug('no traced function');
  const prototype = l.unit.typed.target.types.function(attach.function) ?? bug(`no prototype of ${attach.function}`);
  const type = l.typeOf(node);
  const place = contextPlace(l, prototype.parameters.length * 8);
  if (scalarShape(type) === undefined) return { kind: 'place', place };
  // The slot is a u64 whatever the type: its low bytes are the value.
  const word = contextWord(l, place.offset);
  const shape = scalarShape(type)!;
  return scalar(shape.size === 8 ? word : l.b.extend(word, (shape.size * 8) as 8 | 16 | 32, shape.signed));
}

/** When the script started: user space writes it to the map of that name before attaching. */
function startTime(l: Lowerer): Value {
  const { b } = l;
  const map = l.unit.internalMap('elapsed', () => ({
    type: 'array',
    keySize: 4,
    valueSize: 8,
    maxEntries: 1,
    flags: 0,
  }));
  return loadScalar(b, { base: b.mapValue(map, 0), offset: 0 }, { kind: 'int', size: 8, signed: false });
}
