import { MAP_FLAGS, MAX_PER_CPU_VALUE, type MapType } from '../abi/map-types.ts';
import type { MapDefinition, Program, ProgramImage } from '../abi/program-image.ts';
import { MAX_BPF_STACK } from '../isa/instruction.ts';
import type { AttachTarget } from '../lang/attach-target.ts';
import { PROBES } from '../lang/probes.ts';
import type { Resources } from '../lang/resources.ts';
import type { TypedProbe, TypedProgram } from '../lang/typed-program.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import { Flow } from './ir/flow.ts';
import { type IrFunction, type IrProgram, newFunction } from './ir/ir.ts';
import { lowerProbe, resultOf } from './lower/probes.ts';
import { type GenerateOptions, PERF_BUFFERS, Unit } from './lower/unit.ts';
import { allocateRegisters } from './machine/allocate.ts';
import { encode } from './machine/encode.ts';
import { selectInstructions } from './machine/select.ts';
import { optimize, optimizePlaced } from './passes/optimize.ts';
import { type Scratch, placeSlots } from './passes/place-slots.ts';
import { splitCriticalEdges } from './passes/split-edges.ts';
import { template } from '../source/diagnostic.ts';
import { bug } from '../source/bug.ts';

/** What code generation makes of a script. */
export interface Generated {
  readonly image: ProgramImage;
  readonly resources: Resources;
  readonly diagnostics: readonly Diagnostic[];
}

const stackTooLarge = template('stack-too-large', 'error', (name: string) => `The stack of ${name} exceeds 512 bytes`);
const SCRATCH_MAP = 'scratch';
const LARGE_SCRATCH_MAP = 'large_scratch';

/** Compiles a typed program to eBPF and to what user space must know of it. */
export function generate(typed: TypedProgram, options: GenerateOptions = {}): Generated {
  const unit = new Unit(typed, options);
  const programs = typed.probes.map((probe, index) => {
    attach(unit, probe);
    return { probe, ir: lowered(unit, probe, index) };
  });
  const scratch = new ScratchArea(unit, programs.length);
  const encoded = programs.map(({ probe, ir }, index): Program => assemble(unit, probe, ir, index, scratch));
  scratch.finish();
  unit.finishReadOnly(MAP_FLAGS.rdonly_prog);
  const perfBuffers = unit.knownInternalMap(PERF_BUFFERS);
  return {
    image: { programs: encoded, maps: unit.maps },
    resources: {
      config: typed.config,
      attachments: unit.attachments,
      maps: unit.mapResources,
      ringBuffer: unit.ringBuffer,
      actions: unit.actions,
      timeFormats: unit.timeFormats,
      stackMaps: [],
      ...(perfBuffers === undefined ? {} : { perfBuffers }),
    },
    diagnostics: unit.diagnostics,
  };
}

/** The optimised intermediate representation of each program and the maps that they name, for -d ir. */
export function generateIr(typed: TypedProgram): {
  readonly programs: readonly IrProgram[];
  readonly maps: readonly MapDefinition[];
} {
  const unit = new Unit(typed);
  const programs = typed.probes.map((probe, index) => lowered(unit, probe, index));
  return { programs, maps: unit.maps };
}

function lowered(unit: Unit, probe: TypedProbe, index: number): IrProgram {
  const ir = lowerProbe(unit, probe, index);
  for (const fn of ir.functions) optimize(fn);
  return { functions: calledFunctions(ir) };
}

/** The main function and those that it leads to: optimising removes loops together with the use of their callbacks. */
function calledFunctions({ functions }: IrProgram): readonly IrFunction[] {
  const called = new Set<IrFunction>(functions.slice(0, 1));
  for (const fn of called)
    for (const block of fn.blocks)
      for (const instr of block.instrs)
        if (instr.op === 'function' || instr.op === 'call_function') called.add(instr.function);
  return functions.filter((fn) => called.has(fn));
}

function attach(unit: Unit, probe: TypedProbe): void {
  const { name, probeName, attach: target, span } = probe;
  unit.attachments.push({ program: name, probeName, target, span });
}

function assemble(unit: Unit, probe: TypedProbe, ir: IrProgram, index: number, scratch: ScratchArea): Program {
  let area = 0;
  const functions = ir.functions.map((fn) => {
    const { machine, scratchSize } = toMachine(unit, probe, fn, (size) =>
      scratch.of(index, area, size, fn === ir.functions[0] ? resultOf(probe.attach.kind) : 0),
    );
    area += scratchSize;
    return { ir: fn, machine };
  });
  const code = encode(functions);
  const { attach: target } = probe;
  const section = attachSection(target);
  return {
    name: probe.name,
    type: PROBES[target.kind].programType,
    ...(section === undefined ? {} : { attach: section }),
    ...code,
  };
}

/** What the verifier must know of where a program attaches. */
function attachSection(target: AttachTarget): string | undefined {
  if (target.kind === 'fentry' || target.kind === 'fexit') return `${target.kind}/${target.function}`;
  if (target.kind === 'iter') return `iter/${target.name}`;
  if (target.kind === 'rawtracepoint') return `tp_btf/${target.name}`;
  return target.kind === 'kprobe' && target.session === true ? `kprobe.session/${target.function}` : undefined;
}

function toMachine(
  unit: Unit,
  probe: TypedProbe,
  fn: IrFunction,
  scratch: (size: number) => Scratch,
): { readonly machine: ReturnType<typeof selectInstructions>; readonly scratchSize: number } {
  const flow = new Flow(fn);
  splitCriticalEdges(flow);
  // Spills may need what slots took: then the slots get by with less.
  let scratchSize = 0;
  for (let limit = MAX_BPF_STACK - 64; ; limit -= 64) {
    const placement = placeSlots(flow, unit.typed.config.on_stack_limit, limit, scratch);
    scratchSize += placement.scratchSize;
    if (placement.scratchSize > 0) {
      optimizePlaced(flow);
      splitCriticalEdges(flow);
    }
    const machine = selectInstructions(flow, placement.frame, placement.frameSize);
    if (allocateRegisters(machine, MAX_BPF_STACK) === 'ok' && machine.frame <= MAX_BPF_STACK)
      return { machine, scratchSize };
    if (limit <= 64) {
      unit.diagnostics.push(stackTooLarge(probe.span, fn.name));
      const empty = newFunction(fn.name, fn.parameters);
      empty.entry.terminator = { op: 'return', value: zeroOf(empty), span: undefined };
      return { machine: selectInstructions(new Flow(empty), new Map(), 0), scratchSize };
    }
    if (placement.scratchSize > 0) bug('the frame overflowed after slots were moved');
  }
}

function zeroOf(fn: IrFunction): IrFunction['entry']['instrs'][number] {
  return { kind: 'instr', id: fn.nextId++, span: undefined, op: 'const', value: 0n };
}

interface Area {
  readonly map: number;
  size: number;
}
/**
 * One element per program, so that programs that interrupt each other do not share bytes. What is larger than a value that
 * each CPU has of its own can be is in an array with an element for each program on each CPU.
 */
class ScratchArea {
  readonly #unit: Unit;
  readonly #programs: number;
  readonly #areas = new Map<MapType, Area>();

  constructor(unit: Unit, programs: number) {
    this.#unit = unit;
    this.#programs = programs;
  }

  /** Bytes of a program's area, from an offset on. */
  of(index: number, offset: number, size: number, otherwise: number): Scratch {
    const end = offset + size;
    if (end <= MAX_PER_CPU_VALUE) {
      return { map: this.#area('percpu_array', SCRATCH_MAP, this.#programs, end), index, offset, otherwise };
    }
    const map = this.#area('array', LARGE_SCRATCH_MAP, this.#programs * this.#unit.typed.target.cpus, end);
    return { map, index, perCpuElements: this.#programs, offset, otherwise };
  }
  #area(type: MapType, name: string, maxEntries: number, end: number): number {
    let area = this.#areas.get(type);
    if (area === undefined) {
      const map = this.#unit.internalMap(name, () => ({ type, keySize: 4, valueSize: 0, maxEntries, flags: 0 }));
      this.#areas.set(type, (area = { map, size: 0 }));
    }
    area.size = Math.max(area.size, end);
    return area.map;
  }

  finish(): void {
    const { maps } = this.#unit;
    for (const { map, size } of this.#areas.values()) maps[map] = { ...maps[map]!, valueSize: size };
  }
}
