import { CONTEXTS } from '../abi/contexts.ts';
import { argumentCount } from '../abi/known-helpers.ts';
import { iteratorFunction } from '../abi/iterators.ts';
import { isMapType } from '../abi/map-types.ts';
import type { MapDefinition, Program, ProgramImage, Relocation } from '../abi/program-image.ts';
import type { ProgramFacts, VerifiedImage, VerifiedProgram } from '../abi/verified-image.ts';
import type { AbiName } from '../btf/abi/abis.ts';
import type { FunctionProtoType, TypeSet } from '../btf/types.ts';
import { LD_IMM64, decode } from '../isa/decode.ts';
import type { Insn } from '../isa/instruction.ts';
import { CALL_CODE, CALLEE, PSEUDO } from '../isa/opcodes.ts';
import type { Operation } from '../isa/operation.ts';
import { findRecursion, findStackOverflow } from './call-graph.ts';
import { decideConstantBranches } from './constant-branches.ts';
import { findEncodingFault, isAtomic } from './encoding.ts';
import { explore } from './explore.ts';
import { finishFacts } from './facts.ts';
import { findFlowFault, markWalk, numberLoops } from './flow.ts';
import { type Graph, describeFunctions, findFunctionStarts, findLayoutFault, postorders } from './graph.ts';
import { MAX_PROCESSED } from './limits.ts';
import { liveRegisters } from './live-registers.ts';
import { liveStack } from './live-stack.ts';
import { type Log, type LogLevel, createLog } from './log.ts';
import { pointerRegister } from './register.ts';
import { Rejected, type Violation, violation } from './rejection.ts';
import { plainConstant } from './scalar.ts';
import { runsCallback } from './step-call.ts';
import { type WideReference, type Walk, startWalk } from './walk.ts';

export interface VerifyOptions {
  /** How much of the walk the log tells; 0, the default, only the fault. */
  readonly logLevel?: LogLevel;
  /** Kernel types, for programs that follow BTF pointers. */
  readonly types?: TypeSet;
  /** Of the function that a tracing program attaches to; by default `types` is asked. */
  readonly prototype?: FunctionProtoType;
  /** Whose registers a context has; those of x86-64 by default. */
  readonly abi?: AbiName;
  /** Whether stack bytes that were never written may be read, as Linux lets root do; true by default. */
  readonly allowUninitStack?: boolean;
  /** False walks every path to its end, however many there are: what pruning may not change. */
  readonly prune?: boolean;
  /** Called before each instruction that is walked. */
  readonly observe?: (walk: Walk) => void;
}

export interface Acceptance {
  readonly verdict: 'accept';
  readonly facts: ProgramFacts;
  readonly log: readonly string[];
  readonly insnsProcessed: number;
}
export interface Refusal {
  readonly verdict: 'reject';
  /** The instruction at fault. */
  readonly slot: number;
  /** The kernel's words; of several lines the first. */
  readonly message: string;
  readonly lines: readonly string[];
  readonly errno: number;
  /** The register at fault, if one is. */
  readonly register: number | undefined;
  readonly log: readonly string[];
  readonly insnsProcessed: number;
  /** The walk as it stood, for explanations. */
  readonly walk: Walk | undefined;
}
export type Verdict = Acceptance | Refusal;

/** Map types whose elements have a lasting address that programs may name (map_direct_value_addr). */
const DIRECT_VALUE = new Set(['array']);

function mapReference(relocation: Relocation, maps: readonly MapDefinition[]): WideReference | Violation {
  const map = maps[relocation.map];
  if (map === undefined || !isMapType(map.type)) {
    return violation('EBADF', `fd ${relocation.map} is not pointing to valid bpf_map`);
  }
  if (relocation.offset === undefined) return { map, offset: undefined, register: pointerRegister('map_ptr', { map }) };
  if (!DIRECT_VALUE.has(map.type)) return violation('EINVAL', 'no direct value access support for this map type');
  if (map.maxEntries !== 1 || relocation.offset < 0 || relocation.offset >= map.valueSize) {
    const text = `invalid access to map value pointer, value_size=${map.valueSize} off=${relocation.offset}`;
    return violation(map.maxEntries === 1 ? 'EINVAL' : 'ENOTSUPP', text);
  }
  const value = plainConstant(relocation.offset);
  return { map, offset: relocation.offset, register: pointerRegister('map_value', { map, value }) };
}

const wholeMap = (reference: WideReference | undefined): MapDefinition | undefined =>
  reference?.offset === undefined ? reference?.map : undefined;

const isViolation = (x: object): x is Violation => 'lines' in x;

interface Refused {
  readonly violation: Violation;
  readonly slot: number;
}

/** Rules that need no walk: encoding, layout, flow; and what the walk needs to know. */
function prepare(program: Program, maps: readonly MapDefinition[], options: VerifyOptions, log: Log): Walk | Refused {
  const { insns } = program;
  if (insns.length === 0) return { slot: 0, violation: violation('EINVAL', 'last insn is not an exit or jmp') };
  const starts = findFunctionStarts(insns);
  if ('lines' in starts) return { slot: 0, violation: starts };
  const layout = findLayoutFault(insns, starts);
  const fault = layout ?? functionRecordsFault(program, starts);
  if (fault !== undefined) return { slot: 0, violation: fault };
  const references: (WideReference | undefined)[] = new Array<WideReference | undefined>(insns.length).fill(undefined);
  const relocations = new Map(program.relocations.map((r) => [r.slot, r]));
  const encoding = findEncodingFault(insns, (slot) => {
    const insn = insns[slot]!;
    if (insn.code !== LD_IMM64) return undefined;
    const relocation = relocations.get(slot);
    const reference =
      relocation === undefined ? ownReference(insn, insns[slot + 1]!, options.types) : mapReference(relocation, maps);
    if (reference !== undefined && isViolation(reference)) return reference;
    references[slot] = reference;
    return undefined;
  });
  if (encoding !== undefined) return encoding;
  const operations: (Operation | undefined)[] = insns.map((insn) => decode(insn));
  for (let slot = 0; slot < insns.length; slot++) {
    const insn = insns[slot]!;
    if (insn.code === LD_IMM64) operations[++slot] = undefined;
    else if (operations[slot] === undefined) {
      if (!isAtomic(insn)) return { slot, violation: undecodable(insn.code, slot) };
      // An atomic operation that does not exist is refused when the walk reaches it, not before (check_atomic).
      operations[slot] = { kind: 'atomic', op: 'add', size: 8, fetch: false };
    }
  }
  const names = new Map(program.functions.map((f) => [f.slot, f.name]));
  const graph: Graph = {
    insns: insns.slice(),
    operations,
    functions: describeFunctions(insns, starts, (start) => names.get(start) ?? ''),
    knownSuccessors: [],
  };
  const flow = findFlowFault(graph);
  if (flow !== undefined) return { slot: 0, violation: flow };
  const marks = markWalk(graph, (slot) => {
    const op = graph.operations[slot];
    return op?.kind === 'call' && op.callee === 'helper' && runsCallback(insns[slot]!.imm);
  });
  decideConstantBranches(graph);
  const recursion = findRecursion(graph);
  if (recursion !== undefined) return { slot: 0, violation: recursion };
  const prototype = options.prototype ?? tracedPrototype(program, options.types);
  const orders = postorders(graph);
  return startWalk({
    program,
    graph,
    marks,
    live: liveRegisters(graph, orders, (helper) => argumentCount(helper, program.type)),
    liveStack: liveStack(graph, orders, program.type, (slot) => wholeMap(references[slot])),
    loops: numberLoops(graph, marks.callback),
    wideReferences: references,
    types: options.types,
    prototype,
    context: CONTEXTS[options.abi ?? 'x86_64'][program.type],
    hasFunctionRecords: program.functions.length > 0,
    allowUninitStack: options.allowUninitStack ?? true,
    prune: options.prune ?? true,
    observe: options.observe,
    log,
  });
}

/** Functions that BTF describes are those that the program has. */
function functionRecordsFault({ functions }: Program, starts: readonly number[]): Violation | undefined {
  if (functions.length === 0) return undefined;
  if (functions.length !== starts.length)
    return violation('EINVAL', "number of funcs in func_info doesn't match number of subprogs");
  if (functions.every(({ slot }, i) => slot === starts[i])) return undefined;
  return violation('EINVAL', "func_info BTF section doesn't match subprog layout in BPF program");
}

/** What a tracing program is attached to takes as arguments. */
function tracedPrototype({ attach = '' }: Program, types: TypeSet | undefined): FunctionProtoType | undefined {
  const [kind, target] = attach.split('/');
  if (target === undefined) return undefined;
  if (kind === 'iter') return types?.function(iteratorFunction(target));
  if (kind !== 'tp_btf') return types?.function(target);
  // In front of a tracepoint's own arguments its functions take what was registered with them.
  const stub = types?.function(`__probestub_${target}`);
  return stub && { ...stub, parameters: stub.parameters.slice(1) };
}

/** A ld_imm64 that names something by itself: undefined for a number. */
function ownReference(
  { src, imm }: Insn,
  second: Insn,
  types: TypeSet | undefined,
): WideReference | Violation | undefined {
  switch (src) {
    case PSEUDO.map_fd:
    case PSEUDO.map_value:
      return violation('EBADF', `fd ${imm} is not pointing to valid bpf_map`);
    case PSEUDO.map_idx:
    case PSEUDO.map_idx_value:
      return violation('EPROTO', 'fd_idx without fd_array is invalid');
    case PSEUDO.btf_id: {
      if (second.imm !== 0) return violation('EINVAL', 'invalid module BTF object FD specified.');
      const variable = types?.perCpuVariable(imm);
      if (variable !== undefined) {
        const register = pointerRegister('ptr_', { btf: variable.type, trust: 'percpu_' });
        return { map: undefined, offset: undefined, register };
      }
      return violation('ENOENT', `ldimm64 insn specifies invalid btf_id ${imm}.`);
    }
    default:
      return undefined;
  }
}

function undecodable(code: number, slot: number): Violation {
  if (code === 0x0d) return violation('EINVAL', 'no jump tables found for subprog starting at 0');
  return violation('EINVAL', `unknown opcode ${code.toString(16).padStart(2, '0')} at ${slot}`);
}

function statistics(w: Walk): string {
  return (
    `processed ${w.processed} insns (limit ${MAX_PROCESSED}) max_states_per_insn ${w.statesPerSlot} ` +
    `total_states ${w.totalStates} peak_states ${w.peakStates} mark_read 0`
  );
}

function refusal(v: Violation, slot: number, log: Log, walk: Walk | undefined): Refusal {
  v.lines.forEach((line) => log.add(line));
  if (walk !== undefined) log.add(statistics(walk));
  return {
    verdict: 'reject',
    slot,
    message: v.lines[0] ?? '',
    lines: v.lines,
    errno: v.errno,
    register: v.register,
    log: log.lines,
    insnsProcessed: walk?.processed ?? 0,
    walk,
  };
}

/** Judges one program as Linux 7.2 does for root; never throws for a program's fault. */
export function verifyProgram(program: Program, maps: readonly MapDefinition[], options: VerifyOptions = {}): Verdict {
  const log = createLog(options.logLevel ?? 0);
  const walk = prepare(program, maps, options, log);
  if ('violation' in walk) return refusal(walk.violation, walk.slot, log, undefined);
  try {
    explore(walk);
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return refusal(error.violation, error.slot ?? walk.slot, log, walk);
  }
  const facts = finishFacts(walk.facts, walk.graph, walk.processed);
  const overflow = findStackOverflow(walk.graph, program.type, facts.stackDepths);
  if (overflow !== undefined) return refusal(overflow, 0, log, walk);
  log.add(statistics(walk));
  return { verdict: 'accept', facts, log: log.lines, insnsProcessed: walk.processed };
}

const GET_CURRENT_TASK_BTF = 158;

/** Whether judging a program takes the kernel's types: tracing programs follow BTF pointers, others may name variables and functions or ask for their task. */
export function needsTypes({ type, insns }: Program): boolean {
  return (
    type === 'tracing' ||
    insns.some(
      ({ code, src, imm }) =>
        (code === LD_IMM64 && src === PSEUDO.btf_id) ||
        (code === CALL_CODE && (src === CALLEE.kfunc || (src === CALLEE.helper && imm === GET_CURRENT_TASK_BTF))),
    )
  );
}

/** The first program of an image that is refused, and why. */
export interface ImageRefusal {
  readonly verdict: 'reject';
  readonly program: Program;
  readonly refusal: Refusal;
}

/** Judges all programs of an image. */
export function verifyImage(image: ProgramImage, options: VerifyOptions = {}): VerifiedImage | ImageRefusal {
  const programs: VerifiedProgram[] = [];
  for (const program of image.programs) {
    const verdict = verifyProgram(program, image.maps, options);
    if (verdict.verdict === 'reject') return { verdict: 'reject', program, refusal: verdict };
    programs.push({ program, facts: verdict.facts });
  }
  return { image, programs };
}
