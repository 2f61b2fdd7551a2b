import { helperName } from '../abi/known-helpers.ts';
import type { Program } from '../abi/program-image.ts';
import { disassemble } from '../isa/disassemble.ts';
import { FRAME_POINTER } from '../isa/instruction.ts';
import { S64_MAX, S64_MIN } from './arc.ts';
import { lastWriter } from './path.ts';
import { type Register, isPointer } from './register.ts';
import type { Scalar } from './scalar.ts';
import { U64_MAX } from './tnum.ts';
import type { Refusal } from './verify.ts';
import { type Walk, registersOf } from './walk.ts';

/** `between 0 and 255`, of what is known of a number. */
function rangeWords(s: Scalar): string {
  if (s.isConst) return `${BigInt.asIntN(64, s.value)}`;
  const signed = s.smin !== S64_MIN || s.smax !== S64_MAX;
  const unsigned = s.umin !== 0n || s.umax !== U64_MAX;
  if (unsigned && s.umax !== U64_MAX) return `between ${s.umin} and ${s.umax}`;
  if (signed && s.smin !== S64_MIN && s.smax !== S64_MAX) return `between ${s.smin} and ${s.smax}`;
  if (signed && s.smax !== S64_MAX) return `at most ${s.smax}, perhaps negative`;
  if (unsigned || signed) return `at least ${signed && s.smin !== S64_MIN ? s.smin : s.umin}`;
  return 'any 64-bit value';
}

function offsetWords(r: Register): string {
  return r.value.isZero ? '' : `, moved by ${rangeWords(r.value)}`;
}

const OBJECT_WORDS: Record<Register['type'], (r: Register) => string> = {
  not_init: () => 'nothing: no instruction on this path has written it',
  scalar: (r) => `a number, ${rangeWords(r.value)}`,
  ctx: () => 'the context',
  fp: () => 'an address on the stack',
  map_ptr: (r) => `the map ${r.map?.name ?? ''}`,
  map_value: (r) => `an element of ${r.map?.name ?? 'a map'} (${r.map?.valueSize ?? 0} bytes)`,
  map_key: (r) => `a key of ${r.map?.name ?? 'a map'} (${r.map?.keySize ?? 0} bytes)`,
  mem: (r) => `memory of ${r.memSize} bytes`,
  ringbuf_mem: (r) => `a ring-buffer record of ${r.memSize} bytes`,
  ptr_: (r) =>
    `a kernel pointer to ${r.btf !== undefined && 'name' in r.btf ? `${r.btf.kind} ${r.btf.name}` : 'an object'}`,
  pkt: (r) => `a packet address with ${Math.max(r.range, 0)} bytes checked`,
  pkt_meta: (r) => `a packet metadata address with ${Math.max(r.range, 0)} bytes checked`,
  pkt_end: () => 'the end of the packet',
  func: () => 'a function of the program',
};

/** What a register holds, in words. */
function describeRegister(r: Register): string {
  const object = OBJECT_WORDS[r.type](r);
  return `${object}${isPointer(r) ? offsetWords(r) : ''}${r.maybeNull ? ', or null' : ''}`;
}

function sourceLine(program: Program, slot: number): string {
  const row = program.lines.findLast((line) => line.slot <= slot);
  return row === undefined ? '' : ` (line ${row.line}: ${row.text.trim()})`;
}

function instruction(walk: Walk, slot: number): string {
  return disassemble(walk.graph.insns[slot]!, walk.graph.insns[slot + 1], { helper: helperName });
}

function origin(program: Program, walk: Walk, register: number): string | undefined {
  if (register === FRAME_POINTER) return undefined;
  const writer = lastWriter(walk, register);
  if (writer === undefined) return undefined;
  const op = walk.graph.operations[writer];
  const clobbered = op?.kind === 'call' && register > 0;
  const verb = clobbered ? 'was lost at the call in' : 'comes from';
  return `r${register} ${verb} instruction ${writer}: ${instruction(walk, writer)}${sourceLine(program, writer)}`;
}

/** What would satisfy the claim that failed, as far as the register shows it. */
function remedy(r: Register, message: string): string | undefined {
  if (r.maybeNull) {
    const what = r.type === 'map_value' ? `the lookup in ${r.map?.name ?? 'the map'}` : 'the call';
    return `${what} may have found nothing: compare the result with 0 before using it`;
  }
  if (r.type === 'not_init') return 'write it on every path before it is read, or keep it in r6-r9 across calls';
  if (/min value is negative/.test(message)) return 'check that it is not negative first, or mask it with &';
  if (/unbounded|outside of the allowed/.test(message)) {
    const size = r.map?.valueSize ?? r.memSize;
    const limit = size > 0 ? ` so that the access ends within ${size} bytes` : '';
    return `compare it with a limit first${limit}`;
  }
  if (r.type === 'scalar' && /invalid mem access/.test(message)) {
    return 'a number is no address: read kernel or user memory through bpf_probe_read_kernel or bpf_probe_read_user';
  }
  return undefined;
}

/** Explains a refusal in words: what is known of the register at fault, where that came from, what would help. */
export function explain(program: Program, refusal: Refusal): readonly string[] {
  const { walk, register } = refusal;
  const hints: string[] = refusal.lines.slice(1);
  if (walk === undefined) return hints;
  hints.push(`at instruction ${refusal.slot}: ${instruction(walk, refusal.slot)}`);
  if (register === undefined) return [...hints, ...heldHints(program, walk)];
  const held = registersOf(walk)[register];
  if (held === undefined) return hints;
  hints.push(`r${register} holds ${describeRegister(held)}`);
  const from = origin(program, walk, register);
  if (from !== undefined) hints.push(from);
  const fix = remedy(held, refusal.lines.join('\n'));
  if (fix !== undefined) hints.push(fix);
  return hints;
}

function heldHints(program: Program, walk: Walk): string[] {
  return walk.state.references.map(
    ({ slot }) =>
      `the record reserved at instruction ${slot}${sourceLine(program, slot)} is neither submitted nor discarded on this path`,
  );
}
