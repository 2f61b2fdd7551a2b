import type { Program, ProgramImage } from '../abi/program-image.ts';
import { helperName } from '../abi/known-helpers.ts';
import { isWide } from '../isa/decode.ts';
import { disassemble } from '../isa/disassemble.ts';
import { CALL, CLASS, PSEUDO } from '../isa/opcodes.ts';

/** The programs of an image as the kernel disassembles them, each instruction under the script's line that it is from. */
export function listImage(image: ProgramImage): string {
  return image.programs.map((program) => listProgram(program, image)).join('\n');
}

function listProgram(program: Program, image: ProgramImage): string {
  const attach = program.attach === undefined ? '' : ` ${program.attach}`;
  const out = [`program ${program.name} (${program.type}${attach}), ${program.insns.length} instructions`];
  const maps = new Map(program.relocations.map((relocation) => [relocation.slot, relocation]));
  const functions = new Map(program.functions.map((fn) => [fn.slot, fn.name]));
  const lines = new Map(program.lines.map((line) => [line.slot, line]));
  let shown = '';
  for (let slot = 0; slot < program.insns.length; slot++) {
    const name = functions.get(slot);
    if (name !== undefined && slot > 0) out.push(`${name}:`);
    const line = lines.get(slot);
    const text = line === undefined ? shown : `; ${line.line}: ${line.text}`;
    if (text !== shown) out.push(text);
    shown = text;
    const insn = program.insns[slot]!;
    const relocation = maps.get(slot);
    const comment =
      relocation === undefined
        ? ''
        : `  ; map ${image.maps[relocation.map]!.name}${relocation.offset === undefined ? '' : ` +${relocation.offset}`}`;
    const called = insn.code === (CLASS.jmp | CALL) && insn.src === PSEUDO.none ? helperName(insn.imm) : undefined;
    const helper = called === undefined ? '' : `  ; ${called}`;
    out.push(`${String(slot).padStart(5)}: ${disassemble(insn, program.insns[slot + 1])}${comment}${helper}`);
    if (isWide(insn)) slot++;
  }
  return out.join('\n') + '\n';
}
