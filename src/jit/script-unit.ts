import type { CompiledProgram, ExecutionEnvironment } from '../abi/execution.ts';
import type { HelperName } from '../abi/helpers.ts';
import type { MapDefinition } from '../abi/program-image.ts';
import type { CallContext } from './emit-call.ts';
import { CURRENT_SYMBOLS, helperVariable, parameterNames } from './emit-call.ts';
import { emitFunction } from './emit-function.ts';
import { emitMapFunctions, emitSubmit, mapConstants } from './emit-maps.ts';
import { onlyRing } from './inlining.ts';
import { hasHigh, hasLow } from './liveness.ts';
import type { ProgramPlan } from './plan.ts';
import { createSupport } from './support.ts';
import { FRAME_SYMBOL } from './transfer.ts';
import type { Writer } from './writer.ts';
import { createWriter } from './writer.ts';

/** Programs of an image, compiled together. */
export interface CompiledUnit {
  /** The generated JavaScript, as `-d js` shows it; the addresses of an environment come as constants in front. */
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
