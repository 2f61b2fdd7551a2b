import type { Program } from '../abi/program-image.ts';
import type { ProgramFacts } from '../abi/verified-image.ts';
import type { Insn } from '../isa/instruction.ts';

const sameInsn = (a: Insn, b: Insn): boolean =>
  a.imm === b.imm && a.code === b.code && a.off === b.off && a.dst === b.dst && a.src === b.src;

function sameLists<T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): boolean {
  return a.length === b.length && a.every((x, i) => same(x, b[i]!));
}

/** Whether two programs agree in all that a verdict depends on, the maps aside: not in name or place in the script. */
function sameCode(a: Program, b: Program): boolean {
  return (
    a.type === b.type &&
    a.attach === b.attach &&
    sameLists(a.insns, b.insns, sameInsn) &&
    sameLists(a.relocations, b.relocations, (x, y) => x.slot === y.slot && x.map === y.map && x.offset === y.offset) &&
    sameLists(a.functions, b.functions, (x, y) => x.slot === y.slot)
  );
}

/** Equal for equal code; of programs that a script makes of one clause mostly numbers and offsets differ. */
function digest({ insns }: Program): number {
  let sum = insns.length;
  for (const { code, off, imm } of insns) sum = (Math.imul(sum, 31) + (imm ^ (off << 8) ^ code)) | 0;
  return sum;
}

/** What was proved of the programs of an image: a clause for many attach points gives the same code again and again. */
export class ProvedCode {
  readonly #proved = new Map<number, { readonly program: Program; readonly facts: ProgramFacts }[]>();

  factsOf(program: Program): ProgramFacts | undefined {
    return this.#proved.get(digest(program))?.find((known) => sameCode(known.program, program))?.facts;
  }

  add(program: Program, facts: ProgramFacts): void {
    const key = digest(program);
    this.#proved.set(key, [...(this.#proved.get(key) ?? []), { program, facts }]);
  }
}
