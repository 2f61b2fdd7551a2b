import { LAST_SIGNAL, signalNumber } from '../abi/signals.ts';
import type { Call, Expression, Identifier, Node, Probe, Program } from '../ast/nodes.ts';
import { BUILTINS, isBuiltin } from '../lang/builtins.ts';
import type { BuiltinRow } from '../lang/builtins.ts';
import { CONFIG } from '../lang/config.ts';
import { probeTypeName } from '../lang/probes.ts';
import { UINT64 } from '../lang/types.ts';
import type { Pass, PassContext } from './context.ts';
import { attachmentOf } from './context.ts';
import { booleanNode, integerNode, isLiteral, stringNode } from './literals.ts';
import { error } from './messages.ts';
import { rewriteChildren } from './rewrite.ts';
import { spellType } from './types/type-expression.ts';

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
  if (node.kind === 'identifier' && isBuiltin(node.name)) return foldBuiltin(node, probe, context);
  return node.kind === 'call' ? foldCall(node, context) : node;
}

function foldBuiltin(node: Identifier, probe: Probe | undefined, context: PassContext): Expression {
  const row: BuiltinRow | undefined = isBuiltin(node.name) ? BUILTINS[node.name] : undefined;
  const { span } = node;
  if (node.name === 'usermode') return foldUsermode(node, probe, context);
  if (row?.constant !== true) return node;
  switch (node.name) {
    case 'probe':
    case 'probetype': {
      if (probe === undefined) {
        context.report(error('outside-probe', span, `${node.name} can only be used inside of a probe.`));
        return node;
      }
      const attachment = attachmentOf(probe, context);
      return stringNode(
        (node.name === 'probe' ? attachment?.name : attachment && probeTypeName(attachment.kind)) ?? 'none',
        span,
      );
    }
    case 'ncpus':
      return wideInteger(BigInt(context.target.cpus), node, context);
    case 'cpid':
      return wideInteger(BigInt(context.childPid ?? 0), node, context);
    case '__builtin_arch':
      return stringNode('x86_64', span);
    case '__builtin_safe_mode':
      return booleanNode(!context.unsafe, span);
    case 'config':
      return configRecord(node, context);
    default:
      return node;
  }
}

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
      return node;
  }
}

const INT64_MAX = 2n ** 63n - 1n;

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

function foldCall(node: Call, context: PassContext): Expression {
  const [first] = node.args;
  switch (node.name) {
    case 'is_literal':
      return first === undefined || first.kind === 'type' ? node : booleanNode(isLiteral(first), first.span);
    case 'kfunc_exist':
    case 'kfunc_allowed':
      if (first?.kind !== 'string') {
        context.report(error('kfunc', node.span, `${node.name}() accepts a string literal only`));
        return node;
      }
      // The machine has kernel functions to trace but offers none to programs.
      return booleanNode(false, first.span);
    case 'signal':
    case 'signal_thread':
      return foldSignal(node, context);
    case 'kaddr': {
      if (first?.kind !== 'string' || node.args.length !== 1) return node;
      const address = context.target.kernelSymbol(first.value);
      if (address !== undefined) return wideInteger(address, node, context);
      context.report(error('unknown-symbol', node.span, `Failed to resolve kernel symbol: ${first.value}`));
      return node;
    }
    default:
      return node;
  }
}
