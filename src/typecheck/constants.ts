import { LAST_SIGNAL, signalNumber } from '../abi/signals.ts';
import type { Call, Expression, Identifier, Node, Probe, Program } from '../ast/nodes.ts';
import type { ConstantBuiltin } from '../lang/builtins.ts';
import { CONFIG } from '../lang/config.ts';
import type { FunctionName } from '../lang/functions.ts';
import { type ProbeKind, probeTypeName } from '../lang/probes.ts';
import { UINT64 } from '../lang/types.ts';
import type { ParsedAttachPoint, Pass, PassContext } from './context.ts';
import { attachmentOf } from './context.ts';
import { isOffered, mayCall } from './kernel-functions.ts';
import { booleanNode, integerNode, isLiteral, stringNode } from './literals.ts';
import { error } from './messages.ts';
import { rewriteChildren } from './rewrite.ts';
import { spellType } from './types/type-expression.ts';
import { INT64_MAX } from './integer-limits.ts';

/** Puts in what is known of the machine, the command line and the probe: `probe`, `ncpus`, `config`, `kaddr("x")`, ... */
export const foldConstants: Pass = {
  name: 'constants',
  run(program: Program, context: PassContext): Program {
    const inside = (probe: Probe | undefined) => {
      const visit = (node: Node): Node => fold(rewriteChildren(node, visit), probe, context);
      return visit;
    };
    return {
      ...program,
      subprograms: program.subprograms.map((subprogram) => rewriteChildren(subprogram, inside(undefined))),
      probes: program.probes.map((probe) => rewriteChildren(probe, inside(probe))),
    };
  },
};

function fold(node: Node, probe: Probe | undefined, context: PassContext): Node {
  if (node.kind === 'identifier') return lookUp(BUILTIN_VALUES, node.name)?.(node, probe, context) ?? node;
  return node.kind === 'call' ? (lookUp(CALL_VALUES, node.name)?.(node, probe, context) ?? node) : node;
}

function lookUp<T>(table: Readonly<Record<string, T | undefined>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** What stands in the builtin's place; undefined: itself. */
type BuiltinValue = (node: Identifier, probe: Probe | undefined, context: PassContext) => Expression | undefined;

const ofProbe =
  (describe: (attachment: ParsedAttachPoint) => string): BuiltinValue =>
  (node, probe, context) => {
    if (probe === undefined) {
      context.report(error('outside-probe', node.span, `${node.name} can only be used inside of a probe.`));
      return undefined;
    }
    const attachment = attachmentOf(probe, context);
    return stringNode(attachment === undefined ? 'none' : describe(attachment), node.span);
  };

const BUILTIN_VALUES: Readonly<Record<ConstantBuiltin | 'usermode', BuiltinValue>> = {
  probe: ofProbe((attachment) => attachment.name),
  probetype: ofProbe((attachment) => probeTypeName(attachment.kind)),
  ncpus: (node, _probe, context) => wideInteger(BigInt(context.target.cpus), node, context),
  cpid: (node, _probe, context) => wideInteger(BigInt(context.childPid ?? 0), node, context),
  config: (node, _probe, context) => configRecord(node, context),
  usermode: (node, probe, context) => foldUsermode(node, probe, context),
  __builtin_arch: (node, _probe, context) => stringNode(context.target.abi.name, node.span),
  __builtin_safe_mode: (node, _probe, context) => booleanNode(!context.unsafe, node.span),
};

/** Only probes with registers can tell; begin and end run in user space's context. */
function foldUsermode(node: Identifier, probe: Probe | undefined, context: PassContext): Expression {
  const kind = probe === undefined ? undefined : attachmentOf(probe, context)?.kind;
  switch (kind) {
    case 'begin':
    case 'end':
    case 'self':
      return integerNode(1n, node.span);
    case 'test':
    case 'bench':
    case 'tracepoint':
    case 'rawtracepoint':
    case 'fentry':
    case 'fexit':
    case 'iter':
      return integerNode(0n, node.span);
    default:
      if (!context.target.abi.hasUsermodeBuiltin) {
        context.report(error('usermode', node.span, "'usermode' builtin is only supported on x86_64"));
      }
      return node;
  }
}

/** A literal that is a uint64 whatever its value. */
function wideInteger(value: bigint, node: Node, context: PassContext): Expression {
  const operand = integerNode(value, node.span);
  if (value > INT64_MAX) return operand;
  return { kind: 'cast', span: node.span, type: spellType(UINT64, node.span, context), operand };
}

function configRecord(node: Identifier, context: PassContext): Expression {
  const { span } = node;
  const literal = (value: string | number | boolean): Expression =>
    typeof value === 'boolean'
      ? booleanNode(value, span)
      : typeof value === 'number'
        ? integerNode(BigInt(value), span)
        : stringNode(value, span);
  // The cache of user symbols is not shown.
  const fields = (Object.keys(CONFIG) as (keyof typeof CONFIG)[])
    .filter((name) => name !== 'cache_user_symbols')
    .map((name) => ({ name, value: literal(context.config[name]), span }));
  return { kind: 'record', span, fields };
}

/** `signal("KILL")` is `signal(9)`. */
function foldSignal(node: Call, context: PassContext): Call {
  const [first] = node.args;
  const fail = (message: string): Call => {
    context.report(error('signal', node.span, message));
    return node;
  };
  if (first?.kind === 'string') {
    const number = signalNumber(first.value);
    if (number === undefined) return fail(`Invalid string for signal: ${first.value}`);
    return { ...node, args: [integerNode(BigInt(number), first.span)] };
  }
  if (first?.kind === 'integer' && (first.value < 1n || first.value > BigInt(LAST_SIGNAL))) {
    return fail(`${node.name}() accepts a string literal or an integer between 1 and ${LAST_SIGNAL} (inclusive)`);
  }
  return node;
}

/** What stands in the call's place; undefined: itself. */
type CallValue = (node: Call, probe: Probe | undefined, context: PassContext) => Expression | undefined;

const askKernelFunction =
  (answer: (name: string, kind: ProbeKind | undefined) => boolean): CallValue =>
  (node, probe, context) => {
    const [first] = node.args;
    const kind = probe === undefined ? undefined : attachmentOf(probe, context)?.kind;
    if (first?.kind === 'string') return booleanNode(answer(first.value, kind), first.span);
    context.report(error('kfunc', node.span, `${node.name}() accepts a string literal only`));
    return undefined;
  };

const CALL_VALUES: { readonly [K in FunctionName]?: CallValue } = {
  is_literal({ args: [first] }) {
    return first === undefined || first.kind === 'type' ? undefined : booleanNode(isLiteral(first), first.span);
  },
  kfunc_exist: askKernelFunction(isOffered),
  kfunc_allowed: askKernelFunction((name, kind) => kind !== undefined && mayCall(name, kind)),
  signal: (node, _probe, context) => foldSignal(node, context),
  signal_thread: (node, _probe, context) => foldSignal(node, context),
  kaddr(node, _probe, context) {
    const [first] = node.args;
    if (first?.kind !== 'string' || node.args.length !== 1) return undefined;
    const address = context.target.kernelSymbol(first.value);
    if (address !== undefined) return wideInteger(address, node, context);
    context.report(error('unknown-symbol', node.span, `Failed to resolve kernel symbol: ${first.value}`));
    return undefined;
  },
};
