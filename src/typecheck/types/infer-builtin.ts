import type { Call, Identifier } from '../../ast/nodes.ts';
import type { StructType } from '../../btf/types.ts';
import { BUILTINS } from '../../lang/builtins.ts';
import type { BuiltinName, BuiltinRow, ComputedBuiltin } from '../../lang/builtins.ts';
import { fromCType } from '../../lang/from-ctype.ts';
import { UINT64, VOID } from '../../lang/types.ts';
import type { StackMode, Type } from '../../lang/types.ts';
import { error, warning } from '../messages.ts';
import type { Inference } from './infer.ts';
import { probeSpace } from './probe-space.ts';
import { parameterStruct, returnType } from './parameters.ts';
import { lookUpCType } from './type-expression.ts';
import { typing } from './typing.ts';

/** How many frames kstack and ustack keep unless told otherwise. */
export const DEFAULT_STACK_LIMIT = 127;

export function inferBuiltin(inference: Inference, node: Identifier | Call, name: BuiltinName): void {
  const row: BuiltinRow = BUILTINS[name];
  if (row.type !== undefined) {
    if (row.argument !== undefined && !inProbe(inference, node, name)) return;
    const space = row.argument === undefined ? row.space : probeSpace(inference.attachment?.kind);
    inference.resolver.seed(node, typing(row.type, space));
    return;
  }
  // Constants were folded before; what is left of them has been reported.
  if (row.constant !== true) COMPUTED[name as ComputedBuiltin](inference, node);
}

type InferBuiltin = (inference: Inference, node: Identifier | Call) => void;

const onlyInProbe =
  (name: BuiltinName, infer: InferBuiltin): InferBuiltin =>
  (inference, node) => {
    if (inProbe(inference, node, name)) infer(inference, node);
  };

const userStack: InferBuiltin = ({ context, resolver }, node) => {
  const mode = context.config.stack_mode as StackMode;
  resolver.seed(node, typing({ kind: 'ustack', mode, limit: DEFAULT_STACK_LIMIT }));
};

const COMPUTED: Readonly<Record<ComputedBuiltin, InferBuiltin>> = {
  curtask({ context, resolver }, node) {
    const task = lookUpCType('struct task_struct', context) ?? VOID;
    resolver.seed(node, typing({ kind: 'pointer', to: task, space: 'kernel' }, 'kernel'));
  },
  kstack({ context, resolver }, node) {
    let mode = context.config.stack_mode as StackMode;
    if (mode === 'build_id') {
      const text = "'build_id' stack mode can only be used for ustack. Falling back to 'raw' mode.";
      context.report(warning('build-id-kstack', node.span, text));
      mode = 'raw';
    }
    resolver.seed(node, typing({ kind: 'kstack', mode, limit: DEFAULT_STACK_LIMIT }));
  },
  ustack: userStack,
  dw_ustack: userStack,
  func: onlyInProbe('func', (inference, node) => {
    const user = probeSpace(inference.attachment?.kind) === 'user';
    inference.resolver.seed(node, typing({ kind: user ? 'usym' : 'ksym' }));
  }),
  ctx: onlyInProbe('ctx', (inference, node) => {
    inference.resolver.seed(node, { ...typing(contextType(inference)), ...contextSpace(inference) });
  }),
  retval: onlyInProbe('retval', inferReturnValue),
  args: onlyInProbe('args', inferArguments),
};

function inProbe(inference: Inference, node: Identifier | Call, name: string): boolean {
  if (inference.insideProbe) return true;
  const text = `Builtin ${name} not supported outside probe`;
  inference.context.report(error('outside-probe', node.span, text));
  return false;
}

function contextType(inference: Inference): Type {
  const struct = contextStruct(inference);
  const to = struct === undefined ? undefined : lookUpCType(struct, inference.context);
  return { kind: 'pointer', to: to ?? VOID, space: to === undefined ? 'none' : 'kernel' };
}

function contextSpace(inference: Inference): { space: 'kernel'; context: true } | object {
  return contextStruct(inference) === undefined ? {} : { space: 'kernel', context: true };
}

function contextStruct(inference: Inference): string | undefined {
  switch (inference.attachment?.kind) {
    case 'kprobe':
    case 'kretprobe':
    case 'uprobe':
    case 'uretprobe':
    case 'usdt':
      return 'struct pt_regs';
    case 'profile':
    case 'interval':
    case 'software':
    case 'hardware':
    case 'watchpoint':
      return 'struct bpf_perf_event_data';
    case 'iter': {
      const { target } = inference.attachment;
      return target?.kind === 'iter' ? `struct bpf_iter__${target.name}` : undefined;
    }
    default:
      return undefined;
  }
}

function inferReturnValue(inference: Inference, node: Identifier | Call): void {
  const { attachment, context } = inference;
  const kind = attachment?.kind;
  const space = probeSpace(kind);
  if (kind !== 'fentry' && kind !== 'fexit') {
    inference.resolver.seed(node, typing(UINT64, space));
    return;
  }
  const returns = returnType(attachment, context);
  if (returns === undefined) {
    context.report(error('no-retval', node.span, "Can't find a field $retval"));
    return;
  }
  inference.resolver.seed(node, typing(fromCType(returns, space), space));
}

function inferArguments(inference: Inference, node: Identifier | Call): void {
  const { attachment, context, resolver } = inference;
  const target = attachment?.target;
  if (target?.kind === 'tracepoint') {
    const record = context.target.tracepointRecord(target.category, target.name);
    if (record === undefined) {
      context.report(error('unknown-args', node.span, 'Unable to resolve unique type name.'));
      return;
    }
    const space = target.category === 'syscalls' ? 'user' : 'kernel';
    resolver.seed(node, { type: { kind: 'c_struct', struct: record, space: 'none' }, space, context: true });
    return;
  }
  const struct: StructType | undefined = parameterStruct(attachment, context);
  if (struct === undefined || struct.members.length === 0) {
    context.report(error('no-parameters', node.span, 'Cannot read function parameters'));
    return;
  }
  const space = target?.kind === 'uprobe' ? 'user' : 'kernel';
  const type: Type = { kind: 'c_struct', struct, space: 'none' };
  resolver.seed(node, { type, space, context: true, parameters: true });
}
