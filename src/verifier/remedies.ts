import { CONTEXTS, type ContextField } from '../abi/contexts.ts';
import { helperPrototype } from '../abi/known-helpers.ts';
import { PROGRAM_TYPES, type Program, type ProgramType } from '../abi/program-image.ts';
import { MAX_BPF_STACK } from '../isa/instruction.ts';
import { MAX_PROCESSED } from './limits.ts';
import { type Register, isPointer } from './register.ts';
import type { Refusal } from './verify.ts';

/** What a remedy may look at. */
interface Fault {
  readonly program: Program;
  readonly refusal: Refusal;
  readonly message: string;
  /** What the register at fault holds. */
  readonly held: Register | undefined;
}

interface RemedyRow {
  readonly when: RegExp;
  readonly fix: (fault: Fault) => string | undefined;
}

/** `@start` of a script, or the map's own name. */
export function mapWords(name: string | undefined): string {
  if (name === undefined || name === '') return 'the map';
  return name.startsWith('AT_') ? `@${name.slice(3)}` : name;
}

function nullCheck({ held }: Fault): string {
  switch (held?.type) {
    case 'map_value':
      return `the lookup in ${mapWords(held.map?.name)} may have found nothing: compare the result with 0 before using it`;
    case 'ringbuf_mem':
      return 'the ring buffer may be full: compare the result of the reservation with 0 before using it';
    default:
      return 'the call may have found nothing: compare its result with 0 before using it';
  }
}

/** How far the address may be moved for this access to stay inside. */
function insideObject({ message, held }: Fault): string | undefined {
  const numbers = /(?:value_size|key_size|mem_size)=(\d+) off=(-?\d+) size=(\d+)/.exec(message);
  if (numbers === null || held === undefined) return undefined;
  const [bytes, off, size] = numbers.slice(1).map(Number) as [number, number, number];
  if (size > bytes) return `there are only ${bytes} bytes: access fewer, or make the object larger`;
  if (off < 0) return 'its offset may be below 0: check that it is not, or mask it with &';
  const excess = off + size - bytes;
  if (held.value.isConst) return `an access of ${size} bytes may start at most at byte ${bytes - size} of ${bytes}`;
  const most = held.value.umax - BigInt(excess);
  if (most < 0n) return `an access of ${size} bytes may start at most at byte ${bytes - size} of ${bytes}`;
  return `move the address by at most ${most}: compare the offset with ${most} first, or mask it with &`;
}

const typesThat = (id: number): readonly ProgramType[] =>
  (Object.keys(PROGRAM_TYPES) as ProgramType[]).filter((type) => helperPrototype(id, type) !== undefined);

function otherType({ program, refusal }: Fault): string | undefined {
  const insn = program.insns[refusal.slot];
  const types = insn === undefined ? [] : typesThat(insn.imm);
  return types.length === 0 ? undefined : `programs of these types may call it: ${types.join(', ')}`;
}

/** `0-3, 8-15 (8 bytes at a time)`; neighbours that are accessed alike are joined. */
function rangeList(fields: readonly ContextField[]): string {
  const ranges: { first: number; end: number; how: string }[] = [];
  for (const f of [...fields].sort((a, b) => a.offset - b.offset)) {
    const how = f.width === 'whole' ? ` (${f.unit ?? f.bytes} bytes at a time)` : '';
    const last = ranges[ranges.length - 1];
    if (last !== undefined && last.end === f.offset && last.how === how) last.end = f.offset + f.bytes;
    else ranges.push({ first: f.offset, end: f.offset + f.bytes, how });
  }
  return ranges.map(({ first, end, how }) => `${first}-${end - 1}${how}`).join(', ');
}

function contextFields({ program }: Fault): string {
  const { fields } = CONTEXTS[program.type];
  const written = rangeList(fields.filter((f) => f.write === true));
  const writes = written === '' ? 'none may be written' : `${written} may be written`;
  return `${program.type} programs may read these bytes of their context, aligned to the access: ${rangeList(fields)}; ${writes}`;
}

/** What would satisfy the claim that failed; the first row whose pattern the message meets answers. */
const REMEDIES: readonly RemedyRow[] = [
  { when: /or_null'|_or_null prohibited|type=\w+_or_null/, fix: nullCheck },
  {
    when: /^R0 !read_ok/,
    fix: ({ program, refusal }) =>
      program.insns[refusal.slot]?.code === 0x95
        ? 'r0 is the result: give it a value before exit, like r0 = 0'
        : undefined,
  },
  { when: /!read_ok/, fix: () => 'write it on every path before it is read, or keep it in r6-r9 across calls' },
  { when: /cannot use helper/, fix: otherType },
  { when: /bpf_context access/, fix: contextFields },
  { when: /(?:value|key|mem)_size=\d+ off=/, fix: insideObject },
  { when: /min value is negative/, fix: () => 'check that it is not negative first, or mask it with &' },
  {
    when: /unbounded|outside of the allowed/,
    fix: ({ held }) => {
      const size = held?.map?.valueSize ?? held?.memSize ?? 0;
      return `compare it with a limit first${size > 0 ? ` so that the access ends within ${size} bytes` : ''}, or mask it with &`;
    },
  },
  { when: /zero-sized read/, fix: () => 'check that the size is not 0 first' },
  {
    when: /stack R\d+/,
    fix: () => `a function has ${MAX_BPF_STACK} bytes of stack, from r10-${MAX_BPF_STACK} up to r10-1`,
  },
  {
    when: /invalid mem access 'scalar'/,
    fix: () =>
      'a number is no address: read kernel or user memory through bpf_probe_read_kernel or bpf_probe_read_user',
  },
  {
    when: /reference leak/,
    fix: () => 'hand each record to bpf_ringbuf_submit or bpf_ringbuf_discard on every path',
  },
  {
    when: /infinite loop detected/,
    fix: () =>
      'a round of this loop changes nothing that decides whether to go on: count the rounds and compare the count',
  },
  {
    when: /too large\. Processed/,
    fix: () =>
      `of all paths together at most ${MAX_PROCESSED} instructions are walked: bound the loops lower, or use bpf_loop, whose body is not walked once per round`,
  },
  {
    when: /too complex/,
    fix: () => 'too many branches are open at once: bound the loop by a constant, or let the paths join earlier',
  },
  { when: /frame pointer is read only/, fix: () => 'copy it first (r2 = r10) and move the copy' },
  {
    when: /pointer prohibited|bitwise operator|pointer arithmetic/,
    fix: () => 'a pointer can only be moved, by adding or subtracting a number of 64 bits',
  },
  {
    when: /unbounded min value|pointer be out of bounds/,
    fix: () => 'limit the number before adding it, for example with &',
  },
  { when: /different pointers/, fix: () => 'give each kind of pointer a load or store of its own' },
  { when: /At program exit/, fix: () => 'programs at fentry and fexit return 0' },
  { when: /At callback return/, fix: () => 'a callback returns 0 to go on or 1 to stop' },
  {
    when: /expected=/,
    fix: ({ held }) =>
      held !== undefined && !isPointer(held) ? 'the helper wants an address here, and this is a number' : undefined,
  },
  { when: /unreachable insn/, fix: () => 'no path leads there: remove it, or jump to it' },
  { when: /last insn is not an exit or jmp/, fix: () => 'end each function with exit or a jump' },
  { when: /jump out of range/, fix: () => 'jumps stay inside their function' },
  {
    when: /combined stack|stack size of subprog/,
    fix: () => 'use fewer or smaller stack slots, or a per-CPU array map',
  },
];

export function findRemedy(fault: Fault): string | undefined {
  for (const { when, fix } of REMEDIES) {
    const found = when.test(fault.message) ? fix(fault) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
