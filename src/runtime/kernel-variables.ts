import type { Program } from '../abi/program-image.ts';
import type { VerifiedImage } from '../abi/verified-image.ts';
import { LD_IMM64 } from '../isa/decode.ts';
import type { Insn } from '../isa/instruction.ts';
import { PSEUDO } from '../isa/opcodes.ts';
import { bug } from '../source/bug.ts';
import type { Kernel } from './kernel.ts';

const namesVariable = ({ code, src }: Insn): boolean => code === LD_IMM64 && src === PSEUDO.btf_id;

/** Puts the addresses of the kernel's variables where programs name them by their numbers in BTF, as the kernel does once it has verified a program. */
export function linkVariables(verified: VerifiedImage, kernel: Pick<Kernel, 'perCpuVariable'>): VerifiedImage {
  if (!verified.programs.some(({ program }) => program.insns.some(namesVariable))) return verified;
  const programs = verified.programs.map((row) => ({ ...row, program: linked(row.program, kernel) }));
  return { image: { ...verified.image, programs: programs.map(({ program }) => program) }, programs };
}

function linked(program: Program, kernel: Pick<Kernel, 'perCpuVariable'>): Program {
  const insns = program.insns.slice();
  insns.forEach((insn, slot) => {
    if (!namesVariable(insn)) return;
    const address = kernel.perCpuVariable?.(insn.imm) ?? bug(`${program.name}: no variable ${insn.imm}`);
    insns[slot] = { ...insn, src: PSEUDO.none, imm: address.low };
    insns[slot + 1] = { ...insns[slot + 1]!, imm: address.high };
  });
  return { ...program, insns };
}
