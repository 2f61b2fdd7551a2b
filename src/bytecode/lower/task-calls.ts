import { LAST_SIGNAL } from '../../abi/signals.ts';
import type { Call, Expression } from '../../ast/nodes.ts';
import { findPath } from '../../btf/layout.ts';
import { sizeOf } from '../../lang/layout.ts';
import { INT32 } from '../../lang/types.ts';
import { bug } from '../../source/bug.ts';
import { template } from '../../source/diagnostic.ts';
import type { Span } from '../../source/source.ts';
import type { Value } from '../ir/ir.ts';
import { expressionAt, text } from './arguments.ts';
import { context } from './builtins.ts';
import { atMost } from './bytes.ts';
import type { Lowering } from './calls.ts';
import { constantOf } from './constants.ts';
import { EVENT_HEADER, sendScalar } from './events.ts';
import { choose, when, whether } from './flow.ts';
import type { Lowerer } from './lowerer.ts';
import { addressOf, storeBytes, storeWords, zero } from './memory.ts';
import { NONE, type Operand, type Place, scalar, scalarShape } from './operand.ts';
import { literalBytes } from './strings.ts';
import { matchesPattern } from '../../lang/name-pattern.ts';
import { unsupported } from './unsupported.ts';
import { TASK_COMM_LEN } from '../../abi/linux.ts';
import { PACKET_HEADER } from '../../lang/resources.ts';

const noCgroup = template(
  'no-cgroup',
  'error',
  (path: string) => `Failed to get \`cgroupid\` for path: "${path}": No such file or directory`,
);

/** Flag of perf_event_output and its kin: the buffer of the CPU that the program runs on. */
const BPF_F_CURRENT_CPU = 0xffff_ffffn;

/** Whether the filter of cgroup_path() lets the v2 tree through: the only one there is. */
const isUnifiedWanted = (filter = '*'): boolean => matchesPattern('unified', filter);

/** Functions that ask about the task or act on the system. */
export const TASK_CALLS = {
  // The initial namespace is the only one that a simulated machine has.
  pid: (l) => scalar(l.b.alu('rsh', l.b.call('get_current_pid_tgid'), 32)),
  tid: (l) => scalar(l.b.extend(l.b.call('get_current_pid_tgid'), 32, false)),
  comm: nameOfProcess,
  cgroupid: (l, node) => {
    const path = text(node, 0) ?? '';
    const id = l.unit.typed.target.cgroupId(path);
    if (id === undefined) l.unit.diagnostics.push(noCgroup(node.span, path));
    return scalar(l.b.const(id ?? 0n));
  },
  cgroup_path: (l, node) => {
    const { b } = l;
    const id = l.value(expressionAt(node, 0));
    return {
      kind: 'producer',
      write: (to) =>
        storeWords(b, to, [
          { size: 8, value: b.const(isUnifiedWanted(text(node, 1)) ? 0 : 1) },
          { size: 8, value: id },
        ]),
    };
  },
  override: (l, node) => {
    l.b.call('override_return', context(l), l.value(expressionAt(node, 0)));
    return NONE;
  },
  socket_cookie: (l, node) => scalar(l.b.call('get_socket_ptr_cookie', l.value(expressionAt(node, 0)))),
  // bpftrace 0.27 documents it but has no code for it either.
  unwatch: (l, node) => unsupported(l, node.span, 'unwatch()'),
  skboutput: sendPacket,
  signal: sendSignal('signal', 'send_signal'),
  signal_thread: sendSignal('signal_thread', 'send_signal_thread'),
  write_user: (l, node) => {
    const { b } = l;
    const [source, count] = [expressionAt(node, 1), expressionAt(node, 2)];
    const type = l.typeOf(source);
    const addressIn = (given: Expression): Value =>
      scalarShape(l.typeOf(given)) === undefined ? addressOf(b, l.place(given)) : l.value(given);
    const [to, from] = [addressIn(expressionAt(node, 0)), addressIn(source)];
    const limit = scalarShape(type) === undefined ? sizeOf(type) : type.kind === 'pointer' ? sizeOf(type.to) : 0;
    const known = constantOf(l, count);
    const size = known === undefined ? atMost(l, l.value(count), limit) : b.const(known);
    // The helper takes no empty buffer.
    const write = (): Value => b.compare('jeq', b.call('probe_write_user', to, from, size), 0);
    return scalar(
      known === undefined ? choose(b, { jump: 'jne', left: size, right: 0 }, write, () => b.const(1)) : write(),
    );
  },
} satisfies Record<string, Lowering>;

/** The name of a process by its PID; it is held while it is looked at. A message about a missing one goes in front of what the name is for. */
function nameOfProcess(l: Lowerer, node: Call): Operand {
  const { b } = l;
  const pid = l.value(expressionAt(node, 0));
  const size = sizeOf(l.typeOf(node));
  const struct = l.unit.typed.target.types.struct('task_struct') ?? bug('no struct task_struct');
  const comm = (findPath(struct, ['comm']) ?? bug('no task_struct.comm')).offsetBits / 8;
  const place: Place = { base: b.slot('comm', size), offset: 0 };
  const task = b.call('task_from_pid', pid);
  whether(
    b,
    { jump: 'jne', left: task, right: 0 },
    () => {
      for (let at = 0; at < TASK_COMM_LEN; at += 8) b.store(place.base, at, 8, b.load(task, comm + at, 8));
      b.call('task_release', task);
      zero(b, { ...place, offset: TASK_COMM_LEN }, size - TASK_COMM_LEN);
    },
    () => {
      tell(l, 'warnf', 'No such process (pid=%d)', pid, node.span);
      storeBytes(b, place, literalBytes('N/A'), size, 'exact');
    },
  );
  return { kind: 'place', place };
}

/** Sends a packet through the perf buffers, behind which action it is for and when it was seen. */
function sendPacket(l: Lowerer, node: Call): Operand {
  const { b } = l;
  const offset = Number(constantOf(l, expressionAt(node, 3)) ?? 0n);
  const action = l.unit.action({ kind: 'skboutput', path: text(node, 0) ?? '', offset });
  const skb = l.value(expressionAt(node, 1));
  const length = l.value(expressionAt(node, 2));
  const header = b.slot('packet_header', PACKET_HEADER);
  b.store(header, 0, 8, action);
  b.store(header, 8, 8, b.call('ktime_get_boot_ns'));
  const flags = b.alu('or', b.alu('lsh', length, 32), BPF_F_CURRENT_CPU);
  const buffers = b.map(l.unit.perfBuffers());
  const result = b.call('skb_output', skb, buffers, flags, b.slotAddress(header), PACKET_HEADER);
  return scalar(b.extend(result, 32, false));
}

/** A number that is none of a signal, and a signal that could not be sent, are told in the words of bpftrace's library. */
function sendSignal(name: string, helper: 'send_signal' | 'send_signal_thread'): Lowering {
  return (l, node) => {
    const { b } = l;
    const number = expressionAt(node, 0);
    const known = constantOf(l, number);
    const signal = l.value(number);
    const send = (): void => {
      const result = b.call(helper, signal);
      when(b, 'jne', result, 0, () => tell(l, 'warnf', 'signal call failed with error %d', result, node.span));
    };
    if (known !== undefined && known >= 1n && known <= BigInt(LAST_SIGNAL)) send();
    else {
      const text = `${name}() expects an integer between 1 and 64 (inclusive). Got %d`;
      whether(b, { jump: 'jlt', left: b.add(signal, -1), right: BigInt(LAST_SIGNAL) }, send, () =>
        tell(l, 'errorf', text, signal, node.span),
      );
    }
    return NONE;
  };
}

/** Prints a message of the library with one number. */
function tell(l: Lowerer, kind: 'errorf' | 'warnf', format: string, value: Value, span: Span): void {
  const field = { type: INT32, offset: EVENT_HEADER };
  sendScalar(l, l.unit.action({ kind, format, args: [field], span }), 4, value);
}
