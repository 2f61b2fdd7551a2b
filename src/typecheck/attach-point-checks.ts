import type { AttachPoint } from '../ast/nodes.ts';
import { withHint, withRelated } from '../source/diagnostic.ts';
import type { AttachTarget } from '../lang/attach-target.ts';
import { perfEvent } from '../lang/perf-events.ts';
import { LANGUAGES, TIME_UNITS, hasWildcard } from './attach-point-parts.ts';
import type { ParsedAttachPoint, PassContext } from './context.ts';
import { error, warning } from './messages.ts';
import { findUserFiles } from './user-files.ts';

const SIGNALS: ReadonlySet<string> = new Set(['SIGUSR1', 'SIGUSR2']);
const WATCH_LENGTHS: ReadonlySet<number> = new Set([1, 2, 4, 8]);

function checkUserFunction(node: AttachPoint, parsed: ParsedAttachPoint, context: PassContext): void {
  const fail = (message: string): void => context.report(error('attach-point', node.span, message));
  const [kind, path = '', ...rest] = parsed.parts;
  const name = rest[rest.length - 1] ?? '';
  if (path === '') fail(`${kind} should have a target`);
  // Address 0 is none.
  const nowhere =
    name === '' || (parsed.target !== undefined && 'address' in parsed.target && parsed.target.address === 0n);
  if (nowhere && !context.unsafe) fail(`${kind} should be attached to a function and/or address`);
  if (rest.length === 2 && rest[0] !== '' && !LANGUAGES.has(rest[0]!)) fail(`unsupported language type: ${rest[0]}`);
  checkUserFile(node, 'uprobe', path, context);
}

function checkUserFile(node: AttachPoint, kind: 'uprobe' | 'usdt', path: string, context: PassContext): void {
  const found = findUserFiles(path, context);
  if (found.length === 0) {
    const text = `${kind} target file '${path}' does not exist or is not executable`;
    context.report(error('attach-point', node.span, text));
  } else if (found.length > 1 && !path.includes('*')) {
    const text = `attaching to ${kind} target file '${found[0]}' but matched ${found.length} binaries`;
    context.report(warning('several-files', node.span, text));
  }
}

/** Reports what is wrong with an attach point whose parts have the right shape. */
export function checkTarget(node: AttachPoint, parsed: ParsedAttachPoint, context: PassContext): void {
  const { target } = parsed;
  if (target === undefined && (parsed.kind === 'profile' || parsed.kind === 'interval')) {
    // Patterns are for listings.
    const fail = (message: string): void => context.report(error('attach-point', node.span, message));
    fail(`${parsed.parts[1]} is not an accepted unit of time`);
    fail(`${parsed.kind} frequency should be a positive integer`);
    return;
  }
  if (parsed.kind === 'uprobe' || parsed.kind === 'uretprobe') {
    checkUserFunction(node, parsed, context);
    return;
  }
  const fail = (message: string): void => context.report(error('attach-point', node.span, message));
  switch (target?.kind) {
    case 'kprobe':
    case 'kretprobe':
      if (target.function === '' && parsed.parts.at(-1) === '') {
        fail('kprobes should be attached to a function or an address');
      }
      checkTraceable(node, target.function, context);
      return;
    case 'fentry':
    case 'fexit':
      if (target.function === '') fail('fentry/fexit should specify a function');
      return;
    case 'tracepoint':
      if (target.category === '' || target.name === '') fail('tracepoint probe must have a target');
      return;
    case 'rawtracepoint':
      if (target.name === '') fail('rawtracepoint should be attached to a function');
      return;
    case 'usdt':
      if (target.name === '') fail('usdt probe must have a target function or wildcard');
      if (target.path !== '') checkUserFile(node, 'usdt', target.path, context);
      if (target.path === '' && context.pid === undefined) {
        const hint = "To target all paths/pids set the path to '*'.";
        fail(`usdt probe must specify at least path or pid to probe. ${hint}`);
      }
      return;
    case 'iter':
      if (context.target.types.struct(`bpf_iter__${target.name}`) === undefined) {
        fail(`iter ${target.name} not available for your kernel version.`);
      }
      if (target.name === '') fail("iter should specify a iterator's name");
      return;
    case 'self': {
      const trigger = parsed.parts[1] ?? '';
      if (trigger !== 'signal') fail(`${trigger} is not a supported trigger`);
      else if (!SIGNALS.has(target.signal)) fail(`${target.signal} is not a supported signal`);
      return;
    }
    case 'profile':
    case 'interval':
      if (parsed.parts.length === 3) {
        const unit = parsed.parts[1]!;
        if (unit === '') fail(`${target.kind} probe must have unit of time`);
        else if (!Object.hasOwn(TIME_UNITS, unit)) fail(`${unit} is not an accepted unit of time`);
        if ((target.frequency ?? target.periodNs ?? 0) <= 0) {
          fail(`${target.kind} frequency should be a positive integer`);
        }
      }
      return;
    case 'software':
      checkEvent(fail, target, 'count');
      return;
    case 'hardware':
      checkEvent(fail, target, 'frequency');
      return;
    case 'watchpoint':
      checkWatchpoint(node, target, context);
      return;
    case 'test':
    case 'bench':
      if (target.name === '') fail(`${target.kind} probes must have a name`);
      checkUniqueName(node, target.kind, target.name, context);
      return;
    default:
      return;
  }
}

function checkTraceable(node: AttachPoint, name: string, context: PassContext): void {
  if (name === '' || context.config.missing_probes === 'ignore') return;
  if (context.names.functions.matching(name).length > 0) return;
  const text =
    `${name} is not traceable (either non-existing, inlined, or marked as "notrace"); ` +
    'attaching to it will likely fail';
  context.report(warning('not-traceable', node.span, text));
}

function checkEvent(
  fail: (message: string) => void,
  { kind, event: name, count }: Extract<AttachTarget, { kind: 'software' | 'hardware' }>,
  counted: string,
): void {
  if (name === '') fail(`${kind} probe must have a ${kind} event name`);
  else if (hasWildcard(name)) fail(`wildcards are not allowed for ${kind} probe type`);
  else if (perfEvent(kind, name) === undefined) fail(`${name} is not a ${kind} probe`);
  if (count < 0) fail(`${kind} ${counted} should be a positive integer`);
}

function checkWatchpoint(
  node: AttachPoint,
  target: { readonly address: bigint; readonly length: number; readonly mode: string },
  context: PassContext,
): void {
  const fail = (message: string): void => context.report(error('watchpoint', node.span, message));
  if (target.address === 0n) fail('watchpoint must be attached to a non-zero address');
  if (!WATCH_LENGTHS.has(target.length)) fail('watchpoint length must be one of (1,2,4,8)');
  const modes = [...target.mode].sort();
  if (modes.length === 0) fail('watchpoint mode must be combination of (r,w,x)');
  for (const mode of modes) {
    if (!'rwx'.includes(mode)) fail('watchpoint mode must be combination of (r,w,x)');
  }
  for (const [index, mode] of modes.entries()) {
    if (index > 0 && modes[index - 1] === mode) fail('watchpoint modes may not be duplicated');
  }
  const { watchpointModes } = context.target.abi;
  if (watchpointModes.includes(modes.join(''))) return;
  const invalid = error('watchpoint', node.span, `invalid watchpoint mode: ${modes.join('')}`);
  context.report(withHint(invalid, `supported modes: ${watchpointModes.join(',')}`));
}

function checkUniqueName(node: AttachPoint, kind: 'test' | 'bench', name: string, context: PassContext): void {
  for (const [other, parsed] of context.attachPoints) {
    if (other === node) return;
    if (parsed.target?.kind !== kind || parsed.target.name !== name) continue;
    const text = `"${name}" was used as the name for more than one ${kind.toUpperCase()} probe`;
    context.report(withRelated(error('duplicate-name', node.span, text), 'this is the other instance', other.span));
    return;
  }
}
