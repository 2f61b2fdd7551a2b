import type { LineInfo, MapDefinition, Program, Relocation } from '../abi/program-image.ts';
import { helperName } from '../abi/known-helpers.ts';
import { LD_IMM64, decode, isWide } from '../isa/decode.ts';
import type { Insn } from '../isa/instruction.ts';
import { PSEUDO } from '../isa/opcodes.ts';
import { disassemble } from '../isa/disassemble.ts';
import type { Source } from '../source/source.ts';
import { constructText } from './construct-text.ts';

/**
 * A program as the kernel disassembles it, each instruction under what it is from: the construct of the script, or its line
 * where the script is not at hand.
 */
export function listBytecode(
  program: Program,
  maps: readonly MapDefinition[] = [],
  source?: Source,
  variableName: (id: number) => string | undefined = () => undefined,
): string {
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
    const heading = line === undefined ? shown : `; ${placeText(line, source)}`;
    if (heading !== shown) out.push(heading);
    shown = heading;
    const insn = program.insns[slot]!;
    const comments = [
      mapComment(relocations.get(slot), maps),
      variableComment(insn, variableName),
      jumpComment(insn, slot),
    ].filter((text) => text !== '');
    const text = disassemble(insn, program.insns[slot + 1], { helper: helperName });
    out.push(`${String(slot).padStart(5)}: ${[text, ...comments].join('  ; ')}`);
    if (isWide(insn)) slot++;
  }
  return out.join('\n') + '\n';
}

function placeText(line: LineInfo, source: Source | undefined): string {
  if (source === undefined || line.sourceName !== source.name) return `${line.line}: ${line.text}`;
  return constructText({ source, start: line.start, end: line.end });
}

function mapComment(relocation: Relocation | undefined, maps: readonly MapDefinition[]): string {
  if (relocation === undefined) return '';
  const { map, offset } = relocation;
  return `map ${maps[map]?.name ?? map}${offset === undefined ? '' : ` +${offset}`}`;
}

function variableComment({ code, src, imm }: Insn, variableName: (id: number) => string | undefined): string {
  const name = code === LD_IMM64 && src === PSEUDO.btf_id ? variableName(imm) : undefined;
  return name === undefined ? '' : `variable ${name}`;
}

/** Where a jump leads: distances count from the instruction behind it. */
function jumpComment(insn: Insn, slot: number): string {
  const operation = decode(insn);
  if (operation?.kind === 'jump') return `to ${slot + 1 + insn.off}`;
  if (operation?.kind === 'ja') return `to ${slot + 1 + (operation.wide ? insn.imm : insn.off)}`;
  return '';
}
