import type { Program } from '../abi/program-image.ts';
import type { ProgramFacts } from '../abi/verified-image.ts';

/** All that a verdict depends on, the maps of the image aside: not the name, nor the place in the script. */
function codeKey({ type, attach, insns, relocations, functions }: Program): string {
  const code = insns.map(({ code: opcode, dst, src, off, imm }) => `${opcode} ${dst} ${src} ${off} ${imm}`).join();
  const references = relocations.map(({ slot, map, offset }) => `${slot} ${map} ${offset ?? ''}`).join();
  return `${type} ${attach ?? ''};${code};${references};${functions.map(({ slot }) => slot).join()}`;
}

/** What was proved of the programs of an image: a clause for many attach points gives the same code again and again. */
export class ProvedCode {
  readonly #facts = new Map<string, ProgramFacts>();

  factsOf(program: Program): ProgramFacts | undefined {
    return this.#facts.get(codeKey(program));
  }

  add(program: Program, facts: ProgramFacts): void {
    this.#facts.set(codeKey(program), facts);
  }
}
