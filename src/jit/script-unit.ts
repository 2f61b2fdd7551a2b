import type { CompiledProgram, ExecutionEnvironment } from '../abi/execution.ts';
import type { HelperName } from '../abi/helpers.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import type { CallContext } from './emit-call.ts';
import { helperVariable, parameterNames } from './emit-call.ts';
import { emitFunction } from './emit-function.ts';
import { emitMapFunctions, emitSubmit, mapConstants } from './emit-maps.ts';
import { onlyRing } from './inlining.ts';
import { hasHigh, hasLow } from './liveness.ts';
import type { ProgramPlan } from './plan.ts';
import { CURRENT_SYMBOLS } from './site.ts';
import { createSupport } from './support.ts';
import { FRAME_SYMBOL, MAIN_FRAME_SYMBOL } from './transfer.ts';
import type { Writer } from './writer.ts';
import { createWriter } from './writer.ts';

/** Programs of an image, compiled together. */
export interface CompiledUnit {
  /** The generated JavaScript, as `-d js` shows it; the numbers of an environment take the place of their names. */
  readonly source: string;
  /** The programs in their order, over one environment. */
  readonly instantiate: (environment: ExecutionEnvironment) => readonly CompiledProgram[];
}

/** What the programs of a unit refer to. */
interface UnitUses {
  readonly helpers: Set<HelperName>;
  readonly maps: Set<number>;
}

/**
 * Translates programs of one image to JavaScript: one unit for all of them, instantiated once per environment (nesting
 * level), so that every address of the environment is a constant of the compiled code.
 */
export function compileScriptUnit(plans: readonly ProgramPlan[], maps: readonly MapDefinition[]): CompiledUnit {
  const writer = createWriter();
  const uses: UnitUses = { helpers: new Set(), maps: new Set() };
  const names = plans.map((plan, index) => emitProgram(plan, index, uses, writer));
  const functions = createWriter();
  for (const index of uses.maps) emitMapFunctions(maps[index]!, index, functions);
  const ring = onlyRing(maps);
  if (ring !== undefined && uses.helpers.has('ringbuf_submit')) emitSubmit(ring, functions);
  const source = functions.text() + writer.text();
  return { source, instantiate: (environment) => instantiate(source, names, uses.helpers, environment) };
}

/** Writes the functions of one program and returns the name of its main function. */
function emitProgram(plan: ProgramPlan, index: number, uses: UnitUses, writer: Writer): string {
  const { program } = plan.verified;
  const mainName = `program${index}`;
  const context: CallContext = {
    ...plan,
    callbackName: `${mainName}_callback`,
    functionName: (slot) => (slot === 0 ? mainName : `${mainName}_${slot}`),
    useHelper: (name) => void uses.helpers.add(name),
    useMap: (map) => void uses.maps.add(map),
  };
  writer.line(`// ${index}: ${program.name.replaceAll(/\W/g, '_')} (${program.insns.length} instructions)`);
  for (const functionPlan of plan.functions.values()) emitFunction(functionPlan, context, writer);
  if (plan.callbacks.length > 0) emitCallbacks(plan.callbacks, context, writer);
  return mainName;
}

/** Helpers name a callback by its slot and pass five 64-bit arguments as words. */
function emitCallbacks(slots: readonly number[], context: CallContext, writer: Writer): void {
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

/**
 * Compiles the unit for one environment. What generated code calls comes by parameters and what it knows by number is written
 * as numbers: a reference to a `const` of an enclosing function takes V8 a check each time until the code is optimised, and
 * counts as long code when it decides what to inline.
 */
function instantiate(
  source: string,
  names: readonly string[],
  helpers: ReadonlySet<HelperName>,
  environment: ExecutionEnvironment,
): readonly CompiledProgram[] {
  const { buffer } = environment;
  const words = new Int32Array(buffer);
  const inputs: Record<string, unknown> = {
    HEAP8: new Int8Array(buffer),
    HEAPU8: new Uint8Array(buffer),
    HEAP16: new Int16Array(buffer),
    HEAPU16: new Uint16Array(buffer),
    HEAP32: words,
    HEAPF64: new Float64Array(buffer),
    VIEW: new DataView(buffer),
    ENV: environment,
    imul: Math.imul,
    ...createSupport(words, environment.resultHigh >> 2),
    unsupported: (what: number): never => {
      throw new Error(`generated code reached something that the verifier refuses (${what})`);
    },
  };
  for (const name of helpers) inputs[helperVariable(name)] = environment.helpers[name];
  const constants = constantsOf(environment);
  const numbers = source.replaceAll(/\b[A-Z][A-Z_]*\d*\b/g, (name) => {
    const value = constants.get(name);
    return value === undefined ? name : value < 0 ? `(${value})` : String(value);
  });
  // The text holds our own identifiers, numbers and disassembly only: nothing of a script's strings.
  const factory = new Function(
    ...Object.keys(inputs),
    `'use strict'; // unit ${unitCount++}\n${numbers}return [${names.join(', ')}];\n`,
  ) as (...inputs: readonly unknown[]) => readonly CompiledProgram[];
  return factory(...Object.values(inputs));
}

/** Numbers of an environment by the names that generated code has for them. */
function constantsOf(environment: ExecutionEnvironment): ReadonlyMap<string, number> {
  const constants: [string, number][] = [
    [MAIN_FRAME_SYMBOL, environment.stackTop],
    ['KERNEL', environment.kernelHigh],
    ['RESULT', environment.resultHigh >> 2],
  ];
  for (const [key, symbol] of Object.entries(CURRENT_SYMBOLS)) {
    constants.push([symbol, environment.current[key as keyof typeof CURRENT_SYMBOLS]]);
  }
  environment.maps.forEach((map, index) => constants.push(...mapConstants(map, index)));
  return new Map(constants);
}
