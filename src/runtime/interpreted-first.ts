import type { EnginePrograms, ProgramFactory } from '../abi/execution.ts';
import type { VerifiedImage, VerifiedProgram } from '../abi/verified-image.ts';
import { decode } from '../isa/decode.ts';
import type { Insn } from '../isa/instruction.ts';
import { interpretProgram } from './interpreter/interpreter.ts';

/**
 * Instructions that a program may take in the interpreter before it is compiled. Measured by bench/load.ts: compiling costs
 * as much as interpreting this many, give or take a factor of two, so that a program costs at most twice what it would with
 * the better choice, and one that fires ten times is never compiled at all.
 */
const INTERPRETED_INSTRUCTIONS = 8192;

/**
 * A program's first runs are interpreted; then `compiled` takes over. Programs of which nobody knows how much a run takes
 * (callbacks, may_goto) are compiled when they first fire: one run of such a program may be a thousand runs of another.
 */
export function interpretedFirst({ programs }: VerifiedImage, compiled: EnginePrograms): EnginePrograms {
  return new Map(
    programs.map((verified) => {
      const { name } = verified.program;
      return [name, promoted(verified, compiled.get(name)!)];
    }),
  );
}

/** What an instruction may do to the length of a run. */
function lengthening(insn: Insn): 'none' | 'bounded' | 'unknown' {
  const operation = decode(insn);
  switch (operation?.kind) {
    case 'jump':
      return insn.off >= 0 ? 'none' : 'bounded';
    case 'ja':
      return (operation.wide ? insn.imm : insn.off) >= 0 ? 'none' : 'bounded';
    case 'call':
      return operation.callee === 'subprogram' ? 'bounded' : 'none';
    case 'may_goto':
    case 'callx':
      return 'unknown';
    case 'ld_imm64':
      return operation.pseudo === 'func' ? 'unknown' : 'none';
    default:
      return 'none';
  }
}

/**
 * No run takes more instructions. Of a program that goes straight on, its length; of one with loops and functions what the
 * verifier walked, since it follows each round of a loop and each call.
 */
function longestRun({ program, facts }: VerifiedProgram): number {
  const kinds = new Set(program.insns.map(lengthening));
  if (kinds.has('unknown')) return Infinity;
  return kinds.has('bounded') ? Math.max(facts.insnsProcessed, program.insns.length) : program.insns.length;
}

/** Not a single one, where it would cost about what compiling does. */
function interpretedRuns(verified: VerifiedProgram): number {
  const runs = Math.floor(INTERPRETED_INSTRUCTIONS / longestRun(verified));
  return runs > 1 ? runs : 0;
}

function promoted(verified: VerifiedProgram, compiled: ProgramFactory): ProgramFactory {
  const { program, facts } = verified;
  let runsLeft: number | undefined;
  return (environment, replace) => {
    runsLeft ??= interpretedRuns(verified);
    // Whoever keeps what it is given gets what is fastest.
    if (replace === undefined || runsLeft <= 0) return compiled(environment);
    const interpreted = interpretProgram(program, environment, { accesses: facts.accesses });
    return (context) => {
      runsLeft!--;
      if (runsLeft! <= 0) replace(compiled(environment));
      return interpreted(context);
    };
  };
}
