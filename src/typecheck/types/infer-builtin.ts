import type { Call, Identifier } from '../../ast/nodes.ts';
import type { StructType } from '../../btf/types.ts';
import { BUILTINS } from '../../lang/builtins.ts';
import type { BuiltinName, BuiltinRow } from '../../lang/builtins.ts';
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
  const { context, attachment, resolver } = inference;
  const space = probeSpace(attachment?.kind);
  if (row.type !== undefined) {
    if (name === 'comm') resolver.seed(node, typing(row.type, 'kernel'));
    else if (/^arg\d$/.test(name)) {
      if (inProbe(inference, node, name)) resolver.seed(node, typing(row.type, space));
    } else resolver.seed(node, typing(row.type));
    return;
  }
  switch (name) {
    case 'curtask': {
      const task = lookUpCType('struct task_struct', context) ?? VOID;
      resolver.seed(node, typing({ kind: 'pointer', to: task, space: 'kernel' }, 'kernel'));
      return;
    }
    case 'kstack': {
      let mode = context.config.stack_mode as StackMode;
      if (mode === 'build_id') {
        const text = "'build_id' stack mode can only be used for ustack. Falling back to 'raw' mode.";
        context.report(warning('build-id-kstack', node.span, text));
        mode = 'raw';
      }
      resolver.seed(node, typing({ kind: 'kstack', mode, limit: DEFAULT_STACK_LIMIT }));
      return;
    }
    case 'ustack':
    case 'dw_ustack': {
      const mode = context.config.stack_mode as StackMode;
      resolver.seed(node, typing({ kind: 'ustack', mode, limit: DEFAULT_STACK_LIMIT }));
      return;
    }
    case 'func':
      if (!inProbe(inference, node, name)) return;
      resolver.seed(node, typing({ kind: space === 'user' ? 'usym' : 'ksym' }));
      return;
    case 'ctx':
      if (inProbe(inference, node, name))
        resolver.seed(node, { ...typing(contextType(inference)), ...contextSpace(inference) });
      return;
    case 'retval':
      if (inProbe(inference, node, name)) inferReturnValue(inference, node);
      return;
    case 'args':
      if (inProbe(inference, node, name)) inferArguments(inference, node);
      return;
    default:
      // Constants were folded before; what is left of them has been reported.
      return;
  }
}

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
