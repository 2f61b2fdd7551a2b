import { helperName } from '../abi/known-helpers.ts';
import type { Program } from '../abi/program-image.ts';
import { disassemble } from '../isa/disassemble.ts';
import { FRAME_POINTER } from '../isa/instruction.ts';
import { S64_MAX, S64_MIN } from './arc.ts';
import { type Origin, originsOf } from './path.ts';
import { findRemedy, mapWords, releaserOf } from './remedies.ts';
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
  map_ptr: (r) => `the map ${mapWords(r.map?.name)}`,
  map_value: (r) => `an element of ${mapWords(r.map?.name)} (${r.map?.valueSize ?? 0} bytes)`,
  map_key: (r) => `a key of ${mapWords(r.map?.name)} (${r.map?.keySize ?? 0} bytes)`,
  mem: (r) => `memory of ${r.memSize} bytes`,
  rdonly_mem: (r) => `a variable of the kernel of ${r.memSize} bytes`,
  ringbuf_mem: (r) => `a ring-buffer record of ${r.memSize} bytes`,
  ptr_: (r) =>
    `a kernel pointer to ${r.btf !== undefined && 'name' in r.btf ? `${r.btf.kind} ${r.btf.name}` : 'an object'}`,
  sock_common: () => 'the socket of the packet (its common part)',
  sock: () => 'a socket',
  tcp_sock: () => 'a TCP socket',
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

function originWords(program: Program, walk: Walk, { register, slot }: Origin): string {
  const op = walk.graph.operations[slot];
  const clobbered = op?.kind === 'call' && register > 0;
  const verb = clobbered ? 'was lost at the call in' : 'comes from';
  return `r${register} ${verb} instruction ${slot}: ${instruction(walk, slot)}${sourceLine(program, slot)}`;
}

/** How much to tell: where the value at fault comes from, or also all that it was made from. */
export type Detail = 'brief' | 'whole';
const MOST_ORIGINS: Record<Detail, number> = { brief: 1, whole: 8 };

/** The register that a refusal is about; of a jump that never ends or branches too often, the one that it tests. */
function registerAtFault({ walk, register, slot }: Refusal): number | undefined {
  if (register !== undefined) return register;
  return walk?.graph.operations[slot]?.kind === 'jump' ? walk.graph.insns[slot]!.dst : undefined;
}

function valueHints(program: Program, walk: Walk, register: number, held: Register, detail: Detail): string[] {
  const hints = [`r${register} holds ${describeRegister(held)}`];
  if (register === FRAME_POINTER) return hints;
  const origins = originsOf(walk, register, MOST_ORIGINS[detail]);
  return [...hints, ...origins.map((origin) => originWords(program, walk, origin))];
}

/** Explains a refusal in words: what is known of the register at fault, where that came from, what would help. */
export function explain(program: Program, refusal: Refusal, detail: Detail = 'brief'): readonly string[] {
  const { walk } = refusal;
  const register = registerAtFault(refusal);
  const held = walk === undefined || register === undefined ? undefined : registersOf(walk)[register];
  const hints: string[] = refusal.lines.slice(1);
  if (walk !== undefined) {
    hints.push(`at instruction ${refusal.slot}: ${instruction(walk, refusal.slot)}`);
    if (register === undefined) hints.push(...heldHints(program, walk));
    else if (held !== undefined) hints.push(...valueHints(program, walk, register, held, detail));
  }
  const fix = findRemedy({ program, refusal, held, message: refusal.lines.join('\n') });
  return fix === undefined ? hints : [...hints, fix];
}

function heldHints(program: Program, walk: Walk): string[] {
  return walk.state.references.map(({ slot }) => {
    const place = `instruction ${slot}${sourceLine(program, slot)}`;
    return releaserOf(walk, slot) === undefined
      ? `the record reserved at ${place} is neither submitted nor discarded on this path`
      : `what ${place} returned is not released on this path`;
  });
}
