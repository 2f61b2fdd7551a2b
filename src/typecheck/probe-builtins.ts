import type { Identifier, Node, Probe, Program } from '../ast/nodes.ts';
import { BUILTINS, isBuiltin, messageName } from '../lang/builtins.ts';
import type { BuiltinRow } from '../lang/builtins.ts';
import type { ProbeKind } from '../lang/probes.ts';
import { PROBES, probeTypeName } from '../lang/probes.ts';
import type { Pass, PassContext } from './context.ts';
import { attachmentOf } from './context.ts';
import { error } from './messages.ts';
import { forEachChild, walk } from './rewrite.ts';

/** How many arguments x86-64 passes in registers. */
const REGISTER_ARGUMENTS = 6;

/** `retval` and `arg0`... stand only in probes that have them; asked of every attach point, before expansion. */
export const checkProbeBuiltins: Pass = {
  name: 'probe builtins',
  run(program: Program, context: PassContext): Program {
    for (const probe of program.probes) {
      walk(probe, (node) => {
        if (node.kind !== 'identifier' || !isBuiltin(node.name)) return;
        for (const attachPoint of probe.attachPoints) {
          const kind = context.attachPoints.get(attachPoint)?.kind;
          if (kind !== undefined) checkReturnAndArguments(node, kind, context);
        }
      });
    }
    return program;
  },
};

function isArgument(name: string): boolean {
  return /^arg\d$/.test(name);
}

function allowedIn(node: Identifier, kind: ProbeKind): boolean {
  const row: BuiltinRow | undefined = isBuiltin(node.name) ? BUILTINS[node.name] : undefined;
  return row?.probes === undefined || row.probes.includes(kind);
}

function checkReturnAndArguments(node: Identifier, kind: ProbeKind, context: PassContext): void {
  if (allowedIn(node, kind)) return;
  if (node.name === 'retval') {
    const hint = kind === 'tracepoint' ? ' (try to use args.ret instead)' : '';
    const text = `The retval builtin can only be used with 'kretprobe' and 'uretprobe' and 'fentry' probes${hint}`;
    context.report(error('retval-probe', node.span, text));
  } else if (isArgument(node.name)) {
    const text = `The ${node.name} builtin can only be used with 'kprobes', 'uprobes' and 'usdt' probes`;
    context.report(error('argument-probe', node.span, text));
  }
}

/** `ctx`, `args`, `func` and argument numbers suit the probe; context values stay out of loop callbacks. */
export const checkContextBuiltins: Pass = {
  name: 'context builtins',
  run(program: Program, context: PassContext): Program {
    for (const subprogram of program.subprograms) walkBuiltins(subprogram.body, undefined, context);
    for (const probe of program.probes) {
      if (probe.predicate !== undefined) walkBuiltins(probe.predicate, probe, context);
      walkBuiltins(probe.body, probe, context);
    }
    return program;
  },
};

function walkBuiltins(node: Node, probe: Probe | undefined, context: PassContext): void {
  if (node.kind === 'for') {
    // The callback that a loop's body becomes does not get the probe's context.
    walk(node.body, (child) => {
      if (child.kind !== 'identifier' || (!isArgument(child.name) && child.name !== 'retval')) return;
      const text = `'${isBuiltin(child.name) ? messageName(child.name) : child.name}' builtin is not allowed in a for-loop`;
      context.report(error('context-in-loop', child.span, text));
    });
  }
  if (node.kind === 'identifier' && isBuiltin(node.name)) checkBuiltin(node, probe, context);
  forEachChild(node, (child) => walkBuiltins(child, probe, context));
}

const OUTSIDE: ReadonlySet<string> = new Set(['ctx', 'func', 'args', 'retval']);

function checkBuiltin(node: Identifier, probe: Probe | undefined, context: PassContext): void {
  const report = (message: string): void => context.report(error('builtin-probe', node.span, message));
  if (probe === undefined) {
    if (OUTSIDE.has(node.name) || isArgument(node.name)) {
      report(`Builtin ${isBuiltin(node.name) ? messageName(node.name) : node.name} not supported outside probe`);
    }
    return;
  }
  const kind = attachmentOf(probe, context)?.kind;
  if (kind === undefined) return;
  if (node.name === 'ctx') checkContext(kind, report);
  else if (node.name === 'func' && !allowedIn(node, kind)) {
    report(`The func builtin can not be used with '${kind}' probes`);
  } else if (isArgument(node.name)) {
    if (kind !== 'usdt' && Number(node.name.slice(3)) >= REGISTER_ARGUMENTS)
      report(`x86_64 doesn't support ${node.name}`);
  } else if (node.name === 'args' && !allowedIn(node, kind)) {
    report(
      'The args builtin can only be used with tracepoint, rawtracepoint, fentry/fexit, and uprobe probes ' +
        `(${probeTypeName(kind)} used here)`,
    );
  }
}

function checkContext(kind: ProbeKind, report: (message: string) => void): void {
  const { programType } = PROBES[kind];
  if (programType === 'kprobe' || programType === 'perf_event' || kind === 'iter') return;
  if (programType === 'tracepoint') report('Use args instead of ctx in tracepoint');
  else report(`The ctx builtin can not be used with '${kind}' probes`);
}
