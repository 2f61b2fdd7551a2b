import { CONTEXTS } from '../../src/abi/contexts.ts';
import { isImplemented } from '../../src/abi/known-helpers.ts';
import type { MapDefinition, Program, ProgramImage } from '../../src/abi/program-image.ts';
import { decode } from '../../src/isa/decode.ts';
import { compileImage } from '../../src/jit/compile.ts';
import { createAccessChecker } from '../../src/runtime/interpreter/access-checker.ts';
import { interpretProgram } from '../../src/runtime/interpreter/interpreter.ts';
import { type Verdict, verifyProgram } from '../../src/verifier/verify.ts';
import { type Observation, describeStates, findDescription, observeStates } from './observed-states.ts';
import { chance } from './random-programs.ts';
import { type SmallMachine, createSmallMachine } from './small-machine.ts';

/** What came of one program. `described`: every step of its runs was compared with the verifier's states. */
export type Outcome = 'refused' | 'ran' | 'described';

const TIERS = ['js', 'wasm'] as const;
const ROUNDS = 3;
const MOST_STATES = 3000;
const MAX_STEPS = 200_000;

const WORDS = [
  0n,
  1n,
  7n,
  8n,
  15n,
  16n,
  24n,
  255n,
  0xffn << 8n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 32n,
  1n << 63n,
];

function randomContext(seed: number, size: number): Uint8Array {
  const next = chance(seed);
  const words = new BigUint64Array(Math.ceil(size / 8));
  for (let i = 0; i < Math.min(words.length, 32); i++) {
    const word = WORDS[next(WORDS.length)]!;
    words[i] = BigInt.asUintN(
      64,
      next(3) === 0 ? -word : next(3) === 0 ? BigInt(next(0x7fffffff)) * 2654435761n : word,
    );
  }
  return new Uint8Array(words.buffer).subarray(0, size);
}

const PACKET_TYPES: ReadonlySet<Program['type']> = new Set<Program['type']>(['xdp', 'sched_cls', 'socket_filter']);

/** Programs that the small machine can run. */
function canRun(program: Program): boolean {
  if (PACKET_TYPES.has(program.type)) return false;
  return program.insns.every((insn) => {
    const op = decode(insn);
    // may_goto may run for millions of rounds.
    if (op?.kind === 'ld_packet' || op?.kind === 'may_goto') return false;
    return (
      op?.kind !== 'call' ||
      (op.callee === 'helper' ? isImplemented(insn.imm, program.type) : op.callee === 'subprogram')
    );
  });
}

const LIMITS = /infinite loop|too large|too complex/;
/**
 * Stack that held just something covers stack with a spilled pointer, as on Linux for root: what is safe for any number is
 * safe for the pointer's bits, although arithmetic on pointers is restricted.
 */
const POINTER_RULES = /prohibited|pointer/;

/** Pruning saves work and must not decide. */
function comparePruning(verdict: Verdict, full: Verdict): void {
  if (verdict.verdict === full.verdict) return;
  const message = verdict.verdict === 'reject' ? verdict.message : full.verdict === 'reject' ? full.message : '';
  if (LIMITS.test(message)) return;
  if (full.verdict === 'reject' && POINTER_RULES.test(message)) return;
  throw new Error(`${verdict.verdict} with pruning, ${full.verdict} without: ${message}`);
}

const machines = new WeakMap<readonly MapDefinition[], SmallMachine | 'none'>();
function machineFor(maps: readonly MapDefinition[]): SmallMachine | undefined {
  const known = machines.get(maps) ?? createSmallMachine(maps) ?? 'none';
  machines.set(maps, known);
  return known === 'none' ? undefined : known;
}

/**
 * Judges a program and, if it is accepted, runs it where every access is checked, comparing each step with the states that
 * the verifier held possible there, and as generated code, which must leave the same result and memory. Throws at the first
 * disagreement.
 */
export function checkProgram(program: Program, maps: readonly MapDefinition[], seed: number): Outcome {
  const verdict = verifyProgram(program, maps);
  const full = observeStates(program, maps, MOST_STATES);
  if (full !== undefined) comparePruning(verdict, full.verdict);
  // A walk that ended in a refusal has not seen all states.
  const observation = full?.verdict.verdict === 'accept' ? full : undefined;
  if (verdict.verdict === 'reject' || !canRun(program)) return 'refused';
  const machine = machineFor(maps);
  if (machine === undefined) return 'refused';
  const image: ProgramImage = { programs: [program], maps };
  const verified = { image, programs: [{ program, facts: verdict.facts }] };
  machine.forget();
  const generated = TIERS.map((tier) => ({
    tier,
    run: compileImage(verified, tier).programs.get(program.name)!(machine.environment),
  }));
  const { bytes: contextSize } = CONTEXTS.x86_64[program.type];
  const writable = CONTEXTS.x86_64[program.type].fields.some((field) => field.write === true);
  for (let round = 0; round < ROUNDS; round++) {
    const context = randomContext(seed * 7 + round, contextSize);
    const checker = createAccessChecker({
      image,
      environment: machine.environment,
      context: { size: context.length, writable },
      lenientStack: true,
    });
    const { accesses } = verdict.facts;
    const watch = watcher(program, observation, machine, maps);
    machine.reset(seed + round, context);
    const run = interpretProgram(program, machine.environment, {
      checker,
      accesses,
      maxSteps: MAX_STEPS,
      ...(watch === undefined ? {} : { watch }),
    });
    let result: number;
    try {
      result = run(machine.context);
    } catch (error) {
      if (error instanceof Error && error.message.includes(`gave up after ${MAX_STEPS}`)) return 'refused';
      throw error;
    }
    const memory = machine.lasting();
    for (const { tier, run: runGenerated } of generated) {
      machine.reset(seed + round, context);
      const other = runGenerated(machine.context);
      if (other !== result) throw new Error(`r0 is ${result} interpreted, ${other} in ${tier}`);
      const left = machine.lasting();
      if (Buffer.compare(memory, left) === 0) continue;
      const at = memory.findIndex((byte, i) => byte !== left[i]);
      throw new Error(`memory differs at ${at}: ${memory[at]} interpreted, ${left[at]} in ${tier}`);
    }
    machine.learn();
  }
  return observation === undefined ? 'ran' : 'described';
}

function watcher(
  program: Program,
  observation: Observation | undefined,
  machine: SmallMachine,
  maps: readonly MapDefinition[],
): ((slot: number, registers: BigUint64Array, depth: number) => void) | undefined {
  if (observation === undefined) return undefined;
  return (slot, registers, depth) => {
    const states = observation.states[slot];
    if (states !== undefined && findDescription(states, registers, depth, machine, maps) !== undefined) return;
    const held = [...registers].map((v, i) => `r${i}=0x${v.toString(16)}`).join(' ');
    throw new Error(`no state of slot ${slot} of ${program.name} admits ${held}\n${describeStates(states)}`);
  };
}
