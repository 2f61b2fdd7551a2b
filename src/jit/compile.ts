import type { CompiledProgram, EnginePrograms, ExecutionEnvironment } from '../abi/execution.ts';
import type { HelperName } from '../abi/helpers.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import type { VerifiedImage, VerifiedProgram } from '../abi/verified-image.ts';
import type { Step } from './control-flow.ts';
import { buildFlowGraph, decodeSteps } from './control-flow.ts';
import { CURRENT_SYMBOLS, helperVariable, parameterNames } from './emit-call.ts';
import { emitMapFunctions, emitSubmit, mapConstants, onlyRing } from './emit-maps.ts';
import type { FunctionContext, FunctionPlan } from './emit-function.ts';
import { emitFunction } from './emit-function.ts';
import type { Halves } from './liveness.ts';
import { bothOf, findLiveness, hasHigh, hasLow } from './liveness.ts';
import { createSupport } from './support.ts';
import { FRAME_SYMBOL } from './transfer.ts';
import type { Writer } from './writer.ts';
import { createWriter } from './writer.ts';

export interface CompiledImage {
  /** The generated JavaScript, as `-d js` shows it; the addresses of an environment come as constants in front. */
  readonly source: string;
  readonly programs: EnginePrograms;
}

/** What the programs of a unit refer to. */
interface UnitUses {
  readonly helpers: Set<HelperName>;
  readonly maps: Set<number>;
}

const ALL_ARGUMENTS: Halves = bothOf(1) | bothOf(2) | bothOf(3) | bothOf(4) | bothOf(5);

/**
 * Translates a verified image to JavaScript: one unit for all programs, instantiated once per environment (nesting level),
 * so that every address of the environment is a constant of the compiled code.
 */
export function compileImage(verified: VerifiedImage): CompiledImage {
  const writer = createWriter();
  const { maps } = verified.image;
  const uses: UnitUses = { helpers: new Set(), maps: new Set() };
  const names = verified.programs.map((verifiedProgram, index) =>
    emitProgram(verifiedProgram, index, maps, uses, writer),
  );
  const code = writer.text();
  const mapFunctions = (hasLayout: (index: number) => boolean): string => {
    const functions = createWriter();
    for (const index of uses.maps) emitMapFunctions(maps[index]!, index, hasLayout(index), functions);
    const ring = onlyRing(maps);
    if (ring !== undefined && uses.helpers.has('ringbuf_submit')) emitSubmit(ring, hasLayout(ring), functions);
    return functions.text();
  };
  const units = new WeakMap<ExecutionEnvironment, readonly CompiledProgram[]>();
  const unitFor = (environment: ExecutionEnvironment): readonly CompiledProgram[] => {
    const known = units.get(environment);
    if (known !== undefined) return known;
    const hasLayout = (index: number): boolean => {
      const { hash, ring } = environment.maps[index]!;
      return hash !== undefined || ring !== undefined;
    };
    const unit = instantiate(mapFunctions(hasLayout) + code, names, uses.helpers, environment);
    units.set(environment, unit);
    return unit;
  };
  const programs: EnginePrograms = new Map(
    verified.programs.map(({ program }, index) => [
      program.name,
      (environment: ExecutionEnvironment) => unitFor(environment)[index]!,
    ]),
  );
  return { source: mapFunctions(() => true) + code, programs };
}

/** Writes the functions of one program and returns the name of its main function. */
function emitProgram(
  { program, facts }: VerifiedProgram,
  index: number,
  maps: readonly MapDefinition[],
  uses: UnitUses,
  writer: Writer,
): string {
  const steps = decodeSteps(program.insns);
  const mainName = `program${index}`;
  const functionName = (slot: number): string => (slot === 0 ? mainName : `${mainName}_${slot}`);
  const plans = new Map<number, FunctionPlan>();
  const callbacks = new Set<number>();
  const context: FunctionContext = {
    relocations: new Map(program.relocations.map((row) => [row.slot, row])),
    accesses: facts.accesses,
    argumentsOf: (slot) => (plans.get(slot)?.live[0] ?? ALL_ARGUMENTS) & ALL_ARGUMENTS,
    parametersOf: (slot) => (plans.get(slot)?.live[0] ?? 0) & ALL_ARGUMENTS,
    maps,
    callbackName: `${mainName}_callback`,
    functionName,
    useHelper: (name) => void uses.helpers.add(name),
    useMap: (map) => void uses.maps.add(map),
  };

  // Callees first: what they read decides what a call passes. The verifier has excluded recursion.
  const plan = (entry: number): void => {
    const graph = buildFlowGraph(steps, entry, facts.reached);
    for (const step of graph.blocks.flatMap((block) => block.steps)) {
      const target = functionTarget(step);
      if (target === undefined) continue;
      if (step.operation.kind === 'ld_imm64') callbacks.add(target);
      if (!plans.has(target) && target !== entry) plan(target);
    }
    plans.set(entry, { graph, live: findLiveness(graph, context), isMain: entry === 0, name: functionName(entry) });
  };
  plan(0);

  writer.line(`// ${index}: ${program.name.replaceAll(/\W/g, '_')} (${program.insns.length} instructions)`);
  for (const functionPlan of plans.values()) emitFunction(functionPlan, context, writer);
  if (callbacks.size > 0) emitCallbacks([...callbacks], context, writer);
  return mainName;
}

/** The function that a call enters or a callback address names. */
function functionTarget({ slot, insn, operation }: Step): number | undefined {
  if (operation.kind === 'call' && operation.callee === 'subprogram') return slot + 1 + insn.imm;
  if (operation.kind === 'ld_imm64' && operation.pseudo === 'func') return slot + 1 + insn.imm;
  return undefined;
}

/** Helpers name a callback by its slot and pass five 64-bit arguments as words. */
function emitCallbacks(slots: readonly number[], context: FunctionContext, writer: Writer): void {
  writer.block(`function ${context.callbackName}(${FRAME_SYMBOL}, slot, args)`, () => {
    writer.block('switch (slot)', () => {
      for (const slot of slots) {
        const halves = context.parametersOf(slot);
        const words = [1, 2, 3, 4, 5].flatMap((register) => [
          ...(hasLow(halves, register) ? [`args[${2 * register - 2}]`] : []),
          ...(hasHigh(halves, register) ? [`args[${2 * register - 1}]`] : []),
        ]);
        const parameters = [FRAME_SYMBOL, ...words].join(', ');
        writer.line(
          `case ${slot}: return ${context.functionName(slot)}(${parameters}); // ${parameterNames(halves).join(', ')}`,
        );
      }
      writer.line('default: return unsupported(slot);');
    });
  });
}

/** Units made so far: numbering them keeps their texts apart, as V8 shares feedback between functions of equal source. */
let unitCount = 0;

/** Compiles the unit for one environment, its addresses as constants. */
function instantiate(
  source: string,
  names: readonly string[],
  helpers: ReadonlySet<HelperName>,
  environment: ExecutionEnvironment,
): readonly CompiledProgram[] {
  const writer = createWriter();
  writer.line(`'use strict'; // unit ${unitCount++}`);
  writer.line('const { HEAP8, HEAPU8, HEAP16, HEAPU16, HEAP32, VIEW } = memory;');
  writer.line('const { udiv, umod, sdiv, smod, swap32 } = support;');
  for (const [name, value] of constantsOf(environment)) writer.line(`const ${name} = ${value};`);
  for (const name of helpers) writer.line(`const ${helperVariable(name)} = ENV.helpers.${name};`);
  const text = `${writer.text()}${source}return [${names.join(', ')}];\n`;
  const { buffer } = environment;
  const memory = {
    HEAP8: new Int8Array(buffer),
    HEAPU8: new Uint8Array(buffer),
    HEAP16: new Int16Array(buffer),
    HEAPU16: new Uint16Array(buffer),
    HEAP32: new Int32Array(buffer),
    VIEW: new DataView(buffer),
  };
  const support = createSupport(memory.HEAP32, environment.resultHigh >> 2);
  const unsupported = (what: number): never => {
    throw new Error(`generated code reached something that the verifier refuses (${what})`);
  };
  // The text holds our own identifiers, numbers and disassembly only: nothing of a script's strings.
  const factory = new Function('memory', 'support', 'ENV', 'unsupported', text) as (
    ...inputs: readonly unknown[]
  ) => readonly CompiledProgram[];
  return factory(memory, support, environment, unsupported);
}

function constantsOf(environment: ExecutionEnvironment): [string, number][] {
  const constants: [string, number][] = [
    [FRAME_SYMBOL, environment.stackTop],
    ['KERNEL', environment.kernelHigh],
    ['RESULT', environment.resultHigh >> 2],
  ];
  for (const [key, symbol] of Object.entries(CURRENT_SYMBOLS)) {
    constants.push([symbol, environment.current[key as keyof typeof CURRENT_SYMBOLS]]);
  }
  environment.maps.forEach((map, index) => constants.push(...mapConstants(map, index)));
  return constants;
}
