import type { Call, Expression } from '../../ast/nodes.ts';
import { isBuiltin } from '../../lang/builtins.ts';
import { FUNCTIONS, isFunction } from '../../lang/functions.ts';
import type { FunctionName, FunctionRow } from '../../lang/functions.ts';
import { sizeOf } from '../../lang/layout.ts';
import { TIMESTAMP_MODES } from '../../lang/map-layout.ts';
import type { TimestampMode } from '../../lang/map-layout.ts';
import { KIND_NAMES } from '../../lang/type-name.ts';
import { UINT64, intType } from '../../lang/types.ts';
import type { IntSize } from '../../lang/types.ts';
import { error, warning } from '../messages.ts';
import { variableTyping } from './assign.ts';
import { inferBuiltin } from './infer-builtin.ts';
import { inferExpression } from './infer-expression.ts';
import { inferKeyArgument } from './infer-statement.ts';
import type { Inference } from './infer.ts';
import { parseAddress } from './network-address.ts';
import { probeSpace } from './probe-space.ts';
import { stackTyping } from './stack-call.ts';
import { isInteger, typing } from './typing.ts';
import type { Typing } from './typing.ts';

/** Bytes in front of a buffer's data in an event. */
const BUFFER_HEADER = 4;

/** Functions whose bare-word arguments are names of modes, not values. */
const MODE_FUNCTIONS: ReadonlySet<string> = new Set(['nsecs', 'kstack', 'ustack', 'pid', 'tid']);

export function inferCall(inference: Inference, node: Call): void {
  const modes = MODE_FUNCTIONS.has(node.name);
  for (const argument of expressions(node)) {
    if (argument.kind === 'identifier' && modes && !isBuiltin(argument.name)) continue;
    // A map as such has no type of its own: `print(@a)` must not ask for one.
    if (argument.kind === 'map' && takesMap(node.name)) inference.mapUse(argument);
    else inferExpression(inference, argument);
  }
  if (!isFunction(node.name)) {
    if (isBuiltin(node.name) && node.args.length === 0) inferBuiltin(inference, node, node.name);
    else inferSubprogramCall(inference, node);
    return;
  }
  const row: FunctionRow = FUNCTIONS[node.name];
  if (row.returns !== 'computed') seedSimple(inference, node, node.name, row.returns);
  else inferComputed(inference, node, node.name);
}

/** Functions whose first argument may be a whole map. */
export function takesMap(name: string): boolean {
  if (!isFunction(name)) return false;
  const row: FunctionRow = FUNCTIONS[name];
  return row.params[0]?.kind === 'map' || name === 'print' || name === 'len';
}

function expressions(node: Call): readonly Expression[] {
  return node.args.filter((argument): argument is Expression => argument.kind !== 'type');
}

function inferSubprogramCall(inference: Inference, node: Call): void {
  const subprogram = inference.subprograms.get(node.name);
  if (subprogram === undefined) {
    inference.context.report(error('unknown-function', node.span, `Unknown function: '${node.name}'`));
    return;
  }
  inference.resolver.same(subprogram.returns, node);
}

function seedSimple(inference: Inference, node: Call, name: FunctionName, returns: Typing['type']): void {
  const [first, second] = expressions(node);
  if ((name === 'has_key' || name === 'delete' || name === 'find') && first?.kind === 'map' && second !== undefined) {
    inferKeyArgument(inference, first, second, node);
    const result = expressions(node)[2];
    if (name === 'find' && result?.kind === 'variable') {
      const slot = inference.declare(result);
      inference.rule(slot, [inference.map(first.name).value], ([value]) =>
        variableTyping(inference, slot, value!, node),
      );
    }
  }
  if (name === 'nsecs') inference.resolver.seed(node, { ...typing(UINT64), clock: clockOf(inference, node) });
  else if (name === 'reg') {
    const space = inference.insideProbe ? probeSpace(inference.attachment?.kind) : 'kernel';
    inference.resolver.seed(node, typing(returns, space));
  } else if (name === 'strftime' && second !== undefined) {
    inference.rule(node, [second], ([value]) => ({
      ...typing(returns),
      ...(value!.clock === undefined ? {} : { clock: value!.clock }),
    }));
  } else inference.resolver.seed(node, typing(returns, returnsKernelData(name) ? 'kernel' : 'none'));
}

function returnsKernelData(name: FunctionName): boolean {
  return name === 'kaddr' || name === 'percpu_kaddr';
}

function clockOf(inference: Inference, node: Call): TimestampMode {
  const [mode] = expressions(node);
  if (mode?.kind !== 'identifier') return 'boot';
  const found = TIMESTAMP_MODES.find((name) => name === mode.name);
  if (found === undefined) {
    inference.context.report(error('timestamp-mode', mode.span, `Invalid timestamp mode: ${mode.name}`));
  }
  return found ?? 'boot';
}

function inferComputed(inference: Inference, node: Call, name: FunctionName): void {
  const [first, second] = expressions(node);
  const { context, resolver } = inference;
  const seed = (result: Typing | undefined): void => {
    if (result !== undefined) resolver.seed(node, result);
  };
  switch (name) {
    case 'str':
      seed(stringTyping(inference, node, second));
      return;
    case 'buf':
      inferBuffer(inference, node, first, second);
      return;
    case 'path':
      seed(typing({ kind: 'string', size: literal(second) ?? context.config.max_strlen }));
      return;
    case 'pton': {
      const bytes = parseAddress(node, context);
      if (bytes === undefined) return;
      const type = { kind: 'array', element: intType(1, false), length: bytes.length } as const;
      seed({ ...typing(type, 'kernel'), internal: true });
      return;
    }
    case 'bswap':
      if (first === undefined) return;
      inference.rule(node, [first], ([value]) => {
        if (isInteger(value!.type)) return typing(intType(sizeOf(value!.type) as IntSize, false));
        const text = `bswap() only supports integer arguments (${KIND_NAMES[value!.type.kind]} provided)`;
        context.report(error('bswap-argument', node.span, text));
        return undefined;
      });
      return;
    case 'kptr':
    case 'uptr': {
      if (first === undefined) return;
      const space = name === 'kptr' ? 'kernel' : 'user';
      inference.rule(node, [first], ([value]) => ({ ...value!, space }));
      return;
    }
    case 'kstack':
    case 'ustack':
      seed(stackTyping(node, name, context));
      return;
    case 'uaddr':
      seed(userAddressTyping(inference, node, first));
      return;
    default:
      return;
  }
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

function inferBuffer(
  inference: Inference,
  node: Call,
  data: Expression | undefined,
  length: Expression | undefined,
): void {
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

function userAddressTyping(inference: Inference, node: Call, name: Expression | undefined): Typing | undefined {
  let size: IntSize = 8;
  const target = inference.attachment?.target;
  const path = target !== undefined && 'path' in target ? target.path : undefined;
  if (name?.kind === 'string' && path !== undefined) {
    const symbol = inference.context.target.userSymbols(path)?.find((candidate) => candidate.name === name.value);
    if (symbol === undefined) {
      const text = `Could not resolve symbol: ${path}:${name.value}`;
      inference.context.report(error('unknown-symbol', node.span, text));
      return undefined;
    }
    if (symbol.size === 1 || symbol.size === 2 || symbol.size === 4) size = symbol.size;
  }
  return typing({ kind: 'pointer', to: intType(size, true), space: 'user' }, 'user');
}
