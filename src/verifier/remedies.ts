import type { ContextField } from '../abi/contexts.ts';
import { helperName, helperPrototype } from '../abi/known-helpers.ts';
import { PROGRAM_TYPES, type Program, type ProgramType } from '../abi/program-image.ts';
import { HELPERS, type HelperRow } from '../abi/helpers.ts';
import { MAX_BPF_STACK } from '../isa/instruction.ts';
import { CALL_CODE, SOURCE } from '../isa/opcodes.ts';
import { MAX_PROCESSED } from './limits.ts';
import { originsOf } from './path.ts';
import { type Register, isPointer } from './register.ts';
import type { Refusal } from './verify.ts';
import { type Walk, registersOf } from './walk.ts';

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
    case 'sock_common':
      return 'the packet may belong to no socket: compare the pointer with 0 before using it';
    default:
      return held?.type === 'ptr_' && held.reference === 0
        ? 'there may be none, as behind the last element of an iterator: compare the pointer with 0 before using it'
        : 'the call may have found nothing: compare its result with 0 before using it';
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

/** Stack that a helper or an access reaches beyond the frame. */
function insideStack({ message, program, refusal }: Fault): string {
  const frame = `a function has ${MAX_BPF_STACK} bytes of stack, from r10-${MAX_BPF_STACK} up to r10-1`;
  const numbers = /stack R\d+ off=(-?\d+) size=(\d+)/.exec(message);
  const isCall = program.insns[refusal.slot]?.code === CALL_CODE;
  if (numbers === null || !isCall) return frame;
  const [off, size] = numbers.slice(1).map(Number) as [number, number];
  if (off >= 0 || off + size <= 0) return frame;
  return `the helper needs ${size} bytes from there and the stack ends after ${-off}: start at r10-${size} or lower`;
}

/** The number that an instruction adds to a pointer. */
function addend({ program, refusal }: Fault): string {
  const insn = program.insns[refusal.slot];
  const register = insn === undefined || (insn.code & SOURCE.reg) === 0 ? 'the number' : `r${insn.src}`;
  return `limit ${register} before adding it: compare it with what the object holds, or mask it with &`;
}

/** A number where an address is needed: perhaps what is left of a record that was given away. */
function noAddress({ refusal }: Fault): string {
  const { walk, register } = refusal;
  const origins = walk === undefined || register === undefined ? [] : originsOf(walk, register, MOST_ORIGINS);
  const reserved = origins.some(({ slot }) => walk?.graph.insns[slot]?.imm === HELPERS.ringbuf_reserve.id);
  return reserved
    ? 'the record was submitted or discarded before: use it up to there only'
    : 'a number is no address: read kernel or user memory through bpf_probe_read_kernel or bpf_probe_read_user';
}
const MOST_ORIGINS = 8;

/** Who takes back what the instruction at a slot acquired; undefined for records of the ring buffer, which have two ways to go. */
export function releaserOf(walk: Walk, slot: number): string | undefined {
  const rows: readonly HelperRow[] = Object.values(HELPERS);
  const acquirer = rows.find(({ id }) => id === walk.graph.insns[slot]?.imm)?.kfunc;
  if (acquirer?.acquires !== true) return undefined;
  const releaser = rows.find(({ kfunc }) => kfunc?.releases === true && kfunc.struct === acquirer.struct);
  return releaser === undefined ? undefined : helperName(releaser.id);
}

/** The loop for which most states are remembered: the one that goes round and round. */
function busiestLoop({ refusal }: Fault): string | undefined {
  const { walk } = refusal;
  if (walk === undefined) return undefined;
  const states = new Map<number, number>();
  for (const list of walk.checkpoints.values()) {
    const loop = list.length === 0 ? 0 : walk.loops[list[0]!.slot]!;
    if (loop !== 0) states.set(loop, (states.get(loop) ?? 0) + list.length);
  }
  const [busiest] = [...states].sort(([, a], [, b]) => b - a)[0] ?? [];
  if (busiest === undefined) return undefined;
  return `the loop from instruction ${walk.loops.indexOf(busiest)} to ${walk.loops.lastIndexOf(busiest)}`;
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

function allowedResults({ program }: Fault): string {
  const kind = (program.attach ?? '').split('/')[0];
  if (kind === 'iter') return 'programs of iterators return 0, or 1 to be given the element again';
  if (kind === 'kprobe.session') return 'at the entry a session returns 0, or 1 to leave out the return';
  return 'programs at fentry and fexit return 0';
}

function contextFields({ program, refusal }: Fault): string | undefined {
  if (refusal.walk === undefined) return undefined;
  const { prototype } = refusal.walk;
  if (prototype !== undefined) {
    const names = prototype.parameters.map(({ name }, index) => `${name} at ${8 * index}`).join(', ');
    return `the context is what the function takes, a word each (${names}); none may be written`;
  }
  const { fields } = refusal.walk.context;
  const written = rangeList(fields.filter((f) => f.write === true));
  const writes = written === '' ? 'none may be written' : `${written} may be written`;
  return `${program.type} programs may read these bytes of their context, aligned to the access: ${rangeList(fields)}; ${writes}`;
}

/** What would satisfy the claim that failed; the first row whose pattern the message meets answers. */
const REMEDIES: readonly RemedyRow[] = [
  { when: /or_null_?'|_or_null_? prohibited|type=\w+_or_null|^Possibly NULL pointer/, fix: nullCheck },
  {
    when: /expects referenced PTR_TO_BTF_ID/,
    fix: ({ held }) =>
      held?.type === 'scalar'
        ? 'it was released before, or never held: release what a function that acquires returned, once'
        : 'release only what a function that acquires returned: nobody handed this pointer over',
  },
  {
    when: /access percpu memory|expected=percpu_ptr_/,
    fix: () => "take a CPU's copy first: bpf_this_cpu_ptr or bpf_per_cpu_ptr of the variable's address",
  },
  { when: /cannot write into rdonly_mem/, fix: () => 'variables of the kernel can be read only' },
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
  {
    when: /access to packet|offset is outside of the packet/,
    fix: ({ refusal, held }) =>
      `compare the end of the access with data_end and leave when it is beyond: so far ${Math.max(held?.range ?? 0, 0)} bytes from r${refusal.register ?? 0} on are checked`,
  },
  { when: /unbounded min value|pointer be out of bounds/, fix: addend },
  { when: /(?:value|key|mem)_size=\d+ off=/, fix: insideObject },
  { when: /min value is negative/, fix: () => 'check that it is not negative first, or mask it with &' },
  {
    when: /unbounded|outside of the allowed/,
    fix: ({ held }) => {
      const size = held?.map?.valueSize ?? held?.memSize ?? 0;
      return `compare it with a limit first${size > 0 ? ` so that the access ends within ${size} bytes` : ''}, or mask it with &`;
    },
  },
  {
    when: /zero-sized read/,
    fix: ({ refusal: { walk } }) =>
      walk !== undefined && registersOf(walk)[1]!.map?.keySize === 0
        ? `${mapWords(registersOf(walk)[1]!.map?.name)} is a ${registersOf(walk)[1]!.map?.type} map: it has no keys to look up`
        : 'check that the size is not 0 first',
  },
  { when: /div by zero/, fix: () => 'a constant divisor is not 0; a register may be, and the result is 0 then' },
  {
    when: /misaligned/,
    fix: ({ message }) => {
      const size = / size (\d+)/.exec(message)?.[1] ?? '8';
      return `an access of ${size} bytes starts at a multiple of ${size} bytes here`;
    },
  },
  {
    when: /invalid sock_common access/,
    fix: () => 'of every socket only the family, addresses, ports and state are there: bpf_sk_fullsock gives the rest',
  },
  { when: /recursive call/, fix: () => 'functions must not call themselves, not even through others: use a loop' },
  {
    when: /stack R\d+/,
    fix: insideStack,
  },
  { when: /invalid mem access 'scalar'/, fix: noAddress },
  {
    when: /reference leak/,
    fix({ refusal: { walk } }) {
      const releasers = walk?.state.references.map(({ slot }) => releaserOf(walk, slot)) ?? [];
      const kernels = [...new Set(releasers)].filter((name) => name !== undefined);
      return kernels.length === 0
        ? 'hand each record to bpf_ringbuf_submit or bpf_ringbuf_discard on every path'
        : `hand it to ${kernels.join(' or ')} on every path`;
    },
  },
  {
    when: /infinite loop detected/,
    fix: () =>
      'a round of this loop changes nothing that decides whether to go on: count the rounds and compare the count',
  },
  {
    when: /too large\. Processed/,
    fix: (fault) => {
      const loop = busiestLoop(fault);
      const round = loop === undefined ? 'each round of a loop counts' : `${loop} is walked round by round`;
      return `of all paths together at most ${MAX_PROCESSED} instructions are walked, and ${round}: bound it lower, or use bpf_loop, whose body is not walked once per round`;
    },
  },
  {
    when: /too complex/,
    fix: () => 'too many branches are open at once: bound the loop by a constant, or let the paths join earlier',
  },
  { when: /frame pointer is read only/, fix: () => 'copy it first (r2 = r10) and move the copy' },
  { when: /subtraction from stack pointer/, fix: () => 'add a negative number instead, like r1 += -8' },
  {
    when: /pointer prohibited|bitwise operator|pointer arithmetic/,
    fix: () => 'a pointer can only be moved, by adding or subtracting a number of 64 bits',
  },
  { when: /different pointers/, fix: () => 'give each kind of pointer a load or store of its own' },
  { when: /At program exit/, fix: allowedResults },
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
