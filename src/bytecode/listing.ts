import type { MapDefinition, Program } from '../abi/program-image.ts';
import { helperName } from '../abi/known-helpers.ts';
import { isWide } from '../isa/decode.ts';
import { disassemble } from '../isa/disassemble.ts';

/** A program as the kernel disassembles it, each instruction under the script's line that it is from. */
export function listBytecode(program: Program, maps: readonly MapDefinition[] = []): string {
  const attach = program.attach === undefined ? '' : ` ${program.attach}`;
  const out = [`program ${program.name} (${program.type}${attach}), ${program.insns.length} instructions`];
  const relocations = new Map(program.relocations.map((relocation) => [relocation.slot, relocation]));
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
    const relocation = relocations.get(slot);
    const comment =
      relocation === undefined
        ? ''
        : `  ; map ${maps[relocation.map]?.name ?? relocation.map}${relocation.offset === undefined ? '' : ` +${relocation.offset}`}`;
    out.push(
      `${String(slot).padStart(5)}: ${disassemble(insn, program.insns[slot + 1], { helper: helperName })}${comment}`,
    );
    if (isWide(insn)) slot++;
  }
  return out.join('\n') + '\n';
}
