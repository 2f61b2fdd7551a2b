import type { Call, Expression } from '../../ast/nodes.ts';
import type { ComputedFunction } from '../../lang/functions.ts';
import { sizeOf } from '../../lang/layout.ts';
import { TIMESTAMP_MODES } from '../../lang/map-layout.ts';
import type { TimestampMode } from '../../lang/map-layout.ts';
import { KIND_NAMES } from '../../lang/type-name.ts';
import { BOOL, UINT64, intType } from '../../lang/types.ts';
import type { AddressSpace, IntSize } from '../../lang/types.ts';
import { error, warning } from '../messages.ts';
import { variableTyping } from './assign.ts';
import type { Inference } from './infer.ts';
import { parseAddress } from './network-address.ts';
import { stackTyping } from './stack-call.ts';
import { isInteger, typing } from './typing.ts';
import type { Typing } from './typing.ts';

/** Gives a call its typing, or rules that will. */
type CallResult = (inference: Inference, node: Call, args: readonly Expression[]) => void;

/** Bytes in front of a buffer's data in an event. */
const BUFFER_HEADER = 4;

const inSpace =
  (space: AddressSpace): CallResult =>
  (inference, node, [value]) => {
    if (value !== undefined) inference.rule(node, [value], ([found]) => ({ ...found!, space }));
  };

const stack =
  (kind: 'kstack' | 'ustack'): CallResult =>
  (inference, node) =>
    seed(inference, node, stackTyping(node, kind, inference.context));

/** The functions whose result depends on their arguments or the configuration. */
export const CALL_RESULTS: Readonly<Record<ComputedFunction, CallResult>> = {
  find(inference, node, [map, , result]) {
    inference.seed(node, BOOL);
    if (map?.kind !== 'map' || result?.kind !== 'variable') return;
    const slot = inference.declare(result);
    inference.rule(slot, [inference.map(map.name).value], ([value]) => variableTyping(inference, slot, value!, node));
  },
  str: (inference, node, [, length]) => seed(inference, node, stringTyping(inference, node, length)),
  buf: inferBuffer,
  path(inference, node, [, length]) {
    seed(inference, node, typing({ kind: 'string', size: literal(length) ?? inference.context.config.max_strlen }));
  },
  pton(inference, node) {
    const bytes = parseAddress(node, inference.context);
    if (bytes === undefined) return;
    const type = { kind: 'array', element: intType(1, false), length: bytes.length } as const;
    seed(inference, node, { ...typing(type, 'kernel'), internal: true });
  },
  bswap(inference, node, [value]) {
    if (value === undefined) return;
    inference.rule(node, [value], ([found]) => {
      const { type } = found!;
      if (isInteger(type)) return typing(intType(sizeOf(type) as IntSize, false));
      const text = `bswap() only supports integer arguments (${KIND_NAMES[type.kind]} provided)`;
      inference.context.report(error('bswap-argument', node.span, text));
      return undefined;
    });
  },
  kptr: inSpace('kernel'),
  uptr: inSpace('user'),
  kstack: stack('kstack'),
  ustack: stack('ustack'),
  dw_ustack: stack('ustack'),
  uaddr: (inference, node, [name]) => seed(inference, node, userAddressTyping(inference, node, name)),
  nsecs: (inference, node, [mode]) => seed(inference, node, { ...typing(UINT64), clock: clockOf(inference, mode) }),
  strftime(inference, node, [, time]) {
    if (time === undefined) return;
    inference.rule(node, [time], ([{ clock } = typing(UINT64)]) => ({
      ...typing({ kind: 'timestamp' }),
      ...(clock === undefined ? {} : { clock }),
    }));
  },
};

function seed(inference: Inference, node: Call, result: Typing | undefined): void {
  if (result !== undefined) inference.resolver.seed(node, result);
}

function clockOf(inference: Inference, mode: Expression | undefined): TimestampMode {
  if (mode?.kind !== 'identifier') return 'boot';
  const found = TIMESTAMP_MODES.find((name) => name === mode.name);
  if (found === undefined) {
    inference.context.report(error('timestamp-mode', mode.span, `Invalid timestamp mode: ${mode.name}`));
  }
  return found ?? 'boot';
}

function literal(node: Expression | undefined): number | undefined {
  return node?.kind === 'integer' && node.value >= 0n ? Number(node.value) : undefined;
}

function stringTyping(inference: Inference, node: Call, length: Expression | undefined): Typing {
  const { config, report } = inference.context;
  let size = config.max_strlen;
  if (length?.kind === 'integer') {
    if (length.value < 0n) {
      report(error('negative-length', node.span, `strcannot use negative length (${length.value})`));
    } else if (length.value + 1n > BigInt(size)) {
      const text = `length param (${length.value}) is too long and will be shortened to ${size} bytes (see BPFTRACE_MAX_STRLEN)`;
      report(warning('length-too-long', node.span, text));
    } else size = Number(length.value) + 1;
  }
  return typing({ kind: 'string', size }, 'kernel');
}

function inferBuffer(inference: Inference, node: Call, [data, length]: readonly Expression[]): void {
  const most = inference.context.config.max_strlen - BUFFER_HEADER;
  if (length !== undefined || data === undefined) {
    const size = Math.min(literal(length) ?? most, most);
    inference.resolver.seed(node, typing({ kind: 'buffer', size }, 'kernel'));
    return;
  }
  inference.rule(node, [data], ([value]) => {
    const size = value!.type.kind === 'array' ? sizeOf(value!.type) : most;
    return typing({ kind: 'buffer', size: Math.min(size, most) }, 'kernel');
  });
}

/** A pointer to an integer of the symbol's size. */
function userAddressTyping(inference: Inference, node: Call, name: Expression | undefined): Typing | undefined {
  let size: IntSize = 8;
  const target = inference.attachment?.target;
  const path = target !== undefined && 'path' in target ? target.path : undefined;
  if (name?.kind === 'string' && path !== undefined) {
    const file = inference.context.target.userFile(path);
    const symbol = [...(file?.variables ?? []), ...(file?.symbols ?? [])].find((row) => row.name === name.value);
    if (symbol === undefined) {
      const text = `Could not resolve symbol: ${path}:${name.value}`;
      inference.context.report(error('unknown-symbol', node.span, text));
      return undefined;
    }
    if (symbol.size === 1 || symbol.size === 2 || symbol.size === 4) size = symbol.size;
  }
  return typing({ kind: 'pointer', to: intType(size, true), space: 'user' }, 'user');
}
