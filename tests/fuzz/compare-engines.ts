import type { CompiledProgram, ExecutionEnvironment } from '../../src/abi/execution.ts';
import type { VerifiedProgram } from '../../src/abi/verified-image.ts';
import { disassembleProgram } from '../../src/isa/disassemble.ts';
import { tierOf } from '../../src/jit/compile.ts';
import { planProgram, type ProgramPlan } from '../../src/jit/plan.ts';
import { compileScriptUnit } from '../../src/jit/script-unit.ts';
import { compileWasmUnit } from '../../src/jit/wasm/unit.ts';
import { interpretProgram } from '../../src/runtime/interpreter/interpreter.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';
import { MAP_DEFINITIONS, PLACES, testEnvironment } from '../jit/test-environment.ts';
import { chance } from './random-programs.ts';
import { validProgram } from './valid-programs.ts';

/** Programs of a batch: compiled as one unit, run one after the other on the same maps. */
export const BATCH = 100;
const ROUNDS = 2;
const CONTEXT_WORDS = 8;
const STACK_BYTES = 0x1000;
const WORDS = [0n, 1n, 31n, 255n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 32n, 1n << 63n];

/** One engine's machine, with the batch's programs. */
interface Contender {
  readonly name: string;
  readonly environment: ExecutionEnvironment;
  readonly programs: readonly CompiledProgram[];
}

function acceptedPrograms(firstSeed: number): VerifiedProgram[] {
  return Array.from({ length: BATCH }, (_, index) =>
    validProgram(firstSeed + index, `seed_${firstSeed + index}`),
  ).flatMap((program) => {
    const verdict = verifyProgram(program, MAP_DEFINITIONS);
    return verdict.verdict === 'accept' ? [{ program, facts: verdict.facts }] : [];
  });
}

function contendersFor(verified: readonly VerifiedProgram[]): readonly Contender[] {
  const plans = verified.map((one) => planProgram(one, MAP_DEFINITIONS));
  const interp = testEnvironment();
  const js = testEnvironment();
  const wasm = testEnvironment();
  const isWasm = plans.map((plan) => tierOf(plan, 'wasm') === 'wasm');
  const split = (wanted: boolean): readonly ProgramPlan[] => plans.filter((_, index) => isWasm[index] === wanted);
  const modules = compileWasmUnit(split(true), MAP_DEFINITIONS)(wasm).values();
  // Those that WebAssembly cannot express run all the same, so that the maps stay alike.
  const rest = compileScriptUnit(split(false), MAP_DEFINITIONS).instantiate(wasm).values();
  return [
    {
      name: 'interp',
      environment: interp,
      programs: verified.map(({ program, facts: { accesses } }) => interpretProgram(program, interp, { accesses })),
    },
    { name: 'js', environment: js, programs: compileScriptUnit(plans, MAP_DEFINITIONS).instantiate(js) },
    { name: 'wasm', environment: wasm, programs: isWasm.map((own) => (own ? modules : rest).next().value!) },
  ];
}

/** What a run leaves: r0, and the arena up to the stacks. */
function runOnce({ environment, programs }: Contender, index: number, context: BigUint64Array) {
  const memory = Buffer.from(environment.buffer, 0, PLACES.stackTop - STACK_BYTES);
  // Generated code need not store what it keeps of the stack in variables.
  new Uint8Array(environment.buffer).fill(0, PLACES.stackTop - STACK_BYTES, PLACES.stackTop);
  new BigUint64Array(environment.buffer, PLACES.context, CONTEXT_WORDS).set(context);
  const low = programs[index]!(PLACES.context);
  return { low, memory };
}

/**
 * Runs a batch of random programs, those that the verifier accepts, in the interpreter, as JavaScript and as WebAssembly,
 * on the real maps and helpers; gives how many ran. Throws at the first result or byte of memory that differs.
 */
export function compareEngines(firstSeed: number): number {
  const verified = acceptedPrograms(firstSeed);
  const contenders = contendersFor(verified);
  verified.forEach(({ program }, index) => {
    const next = chance(firstSeed + index);
    for (let round = 0; round < ROUNDS; round++) {
      const context = BigUint64Array.from({ length: CONTEXT_WORDS }, () => {
        const word = WORDS[next(WORDS.length)]!;
        return next(2) === 0 ? word : BigInt(next(0x7fffffff)) * 2654435761n - word;
      });
      const [wanted, ...others] = contenders.map((contender) => runOnce(contender, index, context));
      others.forEach(({ low, memory }, at) => {
        if (low === wanted!.low && memory.equals(wanted!.memory)) return;
        const engine = contenders[at + 1]!.name;
        const place = memory.findIndex((byte, i) => byte !== wanted!.memory[i]);
        const what = low === wanted!.low ? `memory at ${place}` : `r0 (${wanted!.low} interpreted, ${low})`;
        throw new Error(
          `${program.name} of the batch from ${firstSeed}, round ${round}: ${what} differs in ${engine}\n` +
            disassembleProgram(program.insns),
        );
      });
    }
  });
  return verified.length;
}
