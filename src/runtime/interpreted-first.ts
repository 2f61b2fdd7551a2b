import type { EnginePrograms, ProgramFactory } from '../abi/execution.ts';
import type { Program } from '../abi/program-image.ts';
import type { VerifiedImage, VerifiedProgram } from '../abi/verified-image.ts';
import { decode } from '../isa/decode.ts';
import { interpretProgram } from './interpreter/interpreter.ts';

/**
 * Instructions that a program may take in the interpreter before it is compiled. Measured by bench/load.ts: compiling costs
 * as much as interpreting this many, give or take a factor of two, so that a program costs at most twice what it would with
 * the better choice, and one that fires ten times is never compiled at all.
 */
const INTERPRETED_INSTRUCTIONS = 8192;

/**
 * A program's first runs are interpreted; then `compiled` takes over. Programs that may run more instructions than they have
 * (loops, functions, callbacks) are compiled when they first fire: one run of such a program may be a thousand runs of another.
 */
export function interpretedFirst({ programs }: VerifiedImage, compiled: EnginePrograms): EnginePrograms {
  return new Map(
    programs.map((verified) => {
      const { name } = verified.program;
      return [name, promoted(verified, compiled.get(name)!)];
    }),
  );
}

/** Whether no instruction runs twice: every jump goes forward. */
function isStraight({ insns }: Program): boolean {
  return insns.every((insn) => {
    const operation = decode(insn);
    switch (operation?.kind) {
      case 'jump':
        return insn.off >= 0;
      case 'ja':
        return (operation.wide ? insn.imm : insn.off) >= 0;
      case 'may_goto':
        return false;
      case 'call':
        return operation.callee !== 'subprogram';
      case 'ld_imm64':
        return operation.pseudo !== 'func';
      default:
        return true;
    }
  });
}

function promoted({ program, facts }: VerifiedProgram, compiled: ProgramFactory): ProgramFactory {
  let runsLeft: number | undefined;
  return (environment, replace) => {
    runsLeft ??= isStraight(program) ? Math.ceil(INTERPRETED_INSTRUCTIONS / program.insns.length) : 0;
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
