import type { AttachKind } from '../lang/attach-target.ts';
import type { Attachment } from '../lang/resources.ts';
import type { Span } from '../source/source.ts';
import { attachAll, type AttachPlan, planAttachment } from './attach.ts';
import type { RunContext } from './helpers/helper-host.ts';
import type { AttachResult, HookHandler, Kernel } from './kernel.ts';

export interface AttachOptions {
  readonly attachments: readonly Attachment[];
  readonly kernel: Kernel;
  readonly runner: (program: string, run: Readonly<RunContext>) => HookHandler;
  /** Whether a program may return in the place of the function that it is attached to. */
  readonly overrides: (program: string) => boolean;
  /** Takes what iterators write. */
  readonly sequence: (text: Uint8Array) => void;
  readonly missingProbes: string;
  readonly error: (message: string) => void;
  readonly warn: (message: string) => void;
  /** -v */
  readonly tell: (message: string) => void;
  /** Process that -p or -c traces. */
  readonly traced?: number;
}

/**
 * Kinds that bpftrace attaches first, in the script's order; all others follow in reverse, because the kernel fires those
 * last come, first served. Our machine fires in the order of attaching, so only messages come in bpftrace's order.
 */
const ATTACHED_FORWARD: ReadonlySet<AttachKind> = new Set([
  'kretprobe',
  'tracepoint',
  'profile',
  'interval',
  'watchpoint',
  'hardware',
  'rawtracepoint',
  'software',
]);

/** Kinds that the kernel itself restricts to a process; the others ask in their programs. */
const FILTERED_BY_KERNEL: ReadonlySet<AttachKind> = new Set([
  'uprobe',
  'uretprobe',
  'usdt',
  'profile',
  'software',
  'hardware',
  'watchpoint',
]);

/** Attaches what is not for the session itself to run; undefined if a probe is missing that must not be. */
export function attachProbes(
  options: AttachOptions,
): { readonly attached: number; readonly detach: () => void } | undefined {
  const { attachments, kernel } = options;
  const detachers: (() => void)[] = [];
  const detach = (): void => {
    for (const undo of detachers.splice(0)) undo();
  };
  const problems = new Map<Attachment, string>();
  const outside: Attachment[] = [];
  const places = new Map<string, number>();
  for (const { span } of attachments) places.set(placeOf(span), (places.get(placeOf(span)) ?? 0) + 1);
  let attached = 0;
  for (const attachment of attachments) {
    const plan = planned(attachment, options);
    if (plan.kind === 'runner') continue;
    outside.push(attachment);
    if (plan.kind === 'hooks' && plan.warning !== undefined) options.warn(plan.warning);
    const result: AttachResult =
      plan.kind === 'hooks'
        ? attachAll(kernel, plan, (run) => handlerOf(attachment, run, options))
        : { ok: false, errno: 'EOPNOTSUPP', reason: plan.reason };
    if (!result.ok) problems.set(attachment, reasonOf(result));
    else {
      detachers.push(() => result.detach());
      // Of what a pattern matches, some is always out of reach.
      if (result.isUnreached === true && places.get(placeOf(attachment.span)) === 1)
        options.warn(`${attachment.probeName} will not fire: the simulated machine never comes there.`);
      attached += plan.kind !== 'hooks' ? 0 : plan.isOne === true ? 1 : plan.targets.length;
    }
  }
  const isForward = ({ target }: Attachment): boolean => ATTACHED_FORWARD.has(target.kind);
  const ordered = [...outside.filter(isForward), ...outside.filter((row) => !isForward(row)).reverse()];
  for (const attachment of ordered) {
    const problem = problems.get(attachment);
    options.tell(`Trying to attach probe: ${attachment.probeName}`);
    if (problem !== undefined && report(attachment.probeName, problem, options) === 'fatal') {
      detach();
      return undefined;
    }
  }
  return { attached, detach };
}

/** A program that only sees the traced process where the kernel would call it for no other. */
function handlerOf(
  { program, target }: Attachment,
  at: Readonly<RunContext>,
  { kernel, runner, traced }: AttachOptions,
): HookHandler {
  const run = runner(program, at);
  if (traced === undefined || !FILTERED_BY_KERNEL.has(target.kind)) return run;
  const words = new Int32Array(kernel.memory.buffer);
  const tgid = (kernel.current.pidTgid >> 2) + 1;
  return (context) => {
    if (words[tgid] === traced) run(context);
  };
}

function planned({ program, target }: Attachment, { kernel, sequence, overrides }: AttachOptions): AttachPlan {
  const plan = planAttachment(target, kernel, sequence);
  if (plan.kind !== 'hooks' || !overrides(program)) return plan;
  const targets = plan.targets.map((each) => (each.kind === 'kprobe' ? { ...each, overrides: true as const } : each));
  return { ...plan, targets };
}

const placeOf = ({ start, end }: Span): string => `${start}-${end}`;

function reasonOf(result: Extract<AttachResult, { readonly ok: false }>): string {
  return result.errno === 'EILSEQ'
    ? 'Possible attachment attempt in the middle of an instruction, try a different offset.'
    : result.reason;
}

function report(name: string, problem: string, { missingProbes, error, warn }: AttachOptions): 'fatal' | 'skipped' {
  if (missingProbes === 'error') {
    error(problem);
    error(`Unable to attach probe: ${name}. If this is expected, set the 'missing_probes' config variable to 'warn'.`);
    return 'fatal';
  }
  if (missingProbes === 'warn') {
    warn(problem);
    warn(`Unable to attach probe: ${name}. Skipping.`);
  }
  return 'skipped';
}
