import { MAX_CALL_FRAMES } from '../isa/instruction.ts';
import { type Register, typeName } from './register.ts';
import { type Violation, registerViolation, violation } from './rejection.ts';
import type { Scalar } from './scalar.ts';
import { currentFrame } from './state.ts';
import { type Walk, registersOf } from './walk.ts';

/** Resources that are held and would be lost. */
export function heldFault(w: Walk, what: string): Violation | undefined {
  if (w.state.frames.length > 1 && what !== 'tail_call') return undefined;
  if (w.state.frames.length > 1) return undefined;
  const held = w.state.references;
  if (held.length === 0) return undefined;
  return violation(
    'EINVAL',
    ...held.map((ref) => `Unreleased reference id=${ref.id} alloc_insn=${ref.slot}`),
    `${what} would lead to reference leak`,
  );
}

function rangeText(where: string, value: Scalar, min: number, max: number): string {
  const known: string[] = [];
  if (value.smin > -(1n << 63n)) known.push(`smin=${value.smin}`);
  if (value.smax < (1n << 63n) - 1n) known.push(`smax=${value.smax}`);
  const holds = known.length === 0 ? 'unknown scalar value' : known.join(' ');
  return `${where} the register R0 has ${holds} should have been in [${min}, ${max}]`;
}

const isWithin = (value: Scalar, min: number, max: number): boolean =>
  value.smin >= BigInt(min) && value.smax <= BigInt(max);

function callbackResultFault(r0: Register): Violation | undefined {
  if (r0.type !== 'scalar') return registerViolation(0, 'EACCES', 'R0 not a scalar value');
  if (isWithin(r0.value, 0, 1)) return undefined;
  return registerViolation(0, 'EINVAL', rangeText('At callback return', r0.value, 0, 1));
}

/** Results that a program's attach point prescribes. */
export function resultRange(w: Walk): readonly [number, number] | undefined {
  const kind = (w.program.attach ?? '').split('/')[0];
  // A session's entry says whether its return is to be seen.
  if (kind === 'iter' || kind === 'kprobe.session') return [0, 1];
  return w.program.type === 'tracing' && kind !== 'tp_btf' ? [0, 0] : undefined;
}

function programResultFault(w: Walk, r0: Register): Violation | undefined {
  if (r0.type === 'not_init') return registerViolation(0, 'EACCES', 'R0 !read_ok');
  const range = resultRange(w);
  if (range === undefined) return undefined;
  if (r0.type !== 'scalar') {
    const text = `At program exit the register R0 is not a known value (${typeName(r0)})`;
    return registerViolation(0, 'EINVAL', text);
  }
  if (isWithin(r0.value, ...range)) return undefined;
  return registerViolation(0, 'EINVAL', rangeText('At program exit', r0.value, ...range));
}

/** What r0 must be when a function, a callback or the program ends. */
export function returnFault(w: Walk): Violation | undefined {
  const r0 = registersOf(w)[0]!;
  if (w.state.frames.length === 1) return programResultFault(w, r0);
  if (r0.type === 'fp') return registerViolation(0, 'EINVAL', 'cannot return stack pointer to the caller');
  return currentFrame(w.state).inCallback ? callbackResultFault(r0) : undefined;
}

export function callDepthFault(w: Walk): Violation | undefined {
  const depth = w.state.frames.length;
  return depth < MAX_CALL_FRAMES ? undefined : violation('E2BIG', `the call stack of ${depth + 1} frames is too deep`);
}

/** Programs and functions that may use the legacy packet loads, which may end them. */
export function packetLoadFault(w: Walk): Violation | undefined {
  const type = w.program.type;
  if (type !== 'socket_filter' && type !== 'sched_cls') {
    return violation('EINVAL', 'BPF_LD_[ABS|IND] instructions not allowed for this program type');
  }
  if (w.state.frames.some(({ inCallback }) => inCallback)) {
    return violation('EINVAL', 'cannot use BPF_LD_[ABS|IND] within callback');
  }
  return undefined;
}

/** They take the socket buffer from r6. */
export function packetContextFault(w: Walk): Violation | undefined {
  if (registersOf(w)[6]!.type === 'ctx') return undefined;
  return violation('EINVAL', 'at the time of BPF_LD_ABS|IND R6 != pointer to skb');
}
