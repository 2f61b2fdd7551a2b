import type { Call, Node, Probe, Program } from '../ast/nodes.ts';
import { functionRow, isFunction } from '../lang/functions.ts';
import type { FunctionRow } from '../lang/functions.ts';
import { literalBytes } from '../lang/literal-bytes.ts';
import type { ProbeKind } from '../lang/probes.ts';
import { attachmentOf } from './context.ts';
import type { PassContext } from './context.ts';
import { CALL_CHECKS } from './call-checks.ts';
import { error } from './messages.ts';
import { forEachChild } from './rewrite.ts';

/** Calls have the right number of arguments, literals where only literals will do, and stand in probes that allow them. */
export function checkCalls(program: Program, context: PassContext): void {
  for (const top of [...program.subprograms, ...program.probes]) {
    forEachChild(top, (child) => visit(child, top.kind === 'probe' ? top : undefined, context));
  }
}

function visit(node: Node, probe: Probe | undefined, context: PassContext, exempt?: Node): void {
  switch (node.kind) {
    case 'call':
      visitCall(node, probe, context);
      return;
    case 'string':
      if (node !== exempt) checkLength(node, context);
      return;
    case 'unroll':
      visit(node.count, probe, context);
      checkUnroll(node, context);
      if (node.count.kind === 'integer' && node.count.value >= 0n) visit(node.body, probe, context);
      return;
    default:
      forEachChild(node, (child) => visit(child, probe, context));
  }
}

function visitCall(node: Call, probe: Probe | undefined, context: PassContext): void {
  const fail = (message: string): void => context.report(error('call', node.span, message));
  const row = functionRow(node.name);
  const visitArguments = (exempt?: Node): void => {
    for (const argument of node.args) visit(argument, probe, context, exempt);
  };
  if (row === undefined) {
    visitArguments();
    return;
  }
  if (row.unsafe === true && !context.unsafe) {
    const library = `${node.name}() is unsafe. To use you need the --unsafe flag`;
    fail(row.library === true ? library : `${node.name}() is an unsafe function being used in safe mode`);
  }
  checkProbe(node, row, probe, context);
  const problem = arityProblem(node, row.arity);
  if (problem !== undefined) {
    fail(problem);
    return;
  }
  visitArguments(row.params[0]?.long === true ? node.args[0] : undefined);
  if (row.params[0]?.kind === 'map' && node.args[0] !== undefined && node.args[0].kind !== 'map') {
    context.report(error('call', node.args[0].span, `${node.name}() expects a map argument`));
  }
  const kind = probe === undefined ? undefined : attachmentOf(probe, context)?.kind;
  if (isFunction(node.name)) CALL_CHECKS[node.name]?.(node, fail, context, kind);
}

/** Functions with words of their own for probes that they do not suit. */
const PROBE_MESSAGES: Readonly<Record<string, (kind: ProbeKind) => string>> = {
  signal: (kind) => `signal() can not be used for this probetype ${kind}`,
  signal_thread: (kind) => `signal_thread() can not be used for this probetype ${kind}`,
  override: () => 'override() can only be used inside kprobes',
};

function checkProbe(node: Call, row: FunctionRow, probe: Probe | undefined, context: PassContext): void {
  const attachment = probe === undefined ? undefined : attachmentOf(probe, context);
  if (attachment === undefined || row.probes === undefined) return;
  const allowed: readonly ProbeKind[] = row.probes;
  if (allowed.includes(attachment.kind)) return;
  const text =
    PROBE_MESSAGES[node.name]?.(attachment.kind) ?? `${node.name} can not be used with "${attachment.kind}" probes`;
  context.report(error('call-probe', node.span, text));
}

function arityProblem(node: Call, [least, most]: readonly [number, number]): string | undefined {
  const given = node.args.length;
  const provided = `(${given} provided)`;
  if (least === most) {
    if (given === least) return undefined;
    if (least === 0) return `${node.name}() requires no arguments ${provided}`;
    return `${node.name}() requires ${least === 1 ? 'one argument' : `${least} arguments`} ${provided}`;
  }
  if (given < least) {
    return `${node.name}() requires at least ${least === 1 ? 'one argument' : `${least} arguments`} ${provided}`;
  }
  if (given <= most) return undefined;
  return `${node.name}() takes up to ${most === 1 ? 'one argument' : `${most} arguments`} ${provided}`;
}

function checkLength(node: Extract<Node, { kind: 'string' }>, context: PassContext): void {
  const limit = context.config.max_strlen;
  if (literalBytes(node.value).length <= limit - 1) return;
  context.report(error('string-too-long', node.span, `String is too long (over ${limit} bytes): ${node.value}`));
}

const MOST_UNROLLS = 100n;

function checkUnroll(node: Extract<Node, { kind: 'unroll' }>, context: PassContext): void {
  const fail = (message: string): void => context.report(error('unroll', node.span, message));
  if (node.count.kind !== 'integer' || node.count.value < 0n) fail('invalid unroll value');
  else if (node.count.value > MOST_UNROLLS) fail(`unroll maximum value is ${MOST_UNROLLS}`);
  else if (node.count.value < 1n) fail('unroll minimum value is 1');
}
