import type { LineInfo, Program, Relocation } from '../abi/program-image.ts';
import type { BtfVariable } from '../btf/types.ts';
import { LD_IMM64, decode, isWide } from '../isa/decode.ts';
import type { Insn } from '../isa/instruction.ts';
import { CALLEE, CALL_CODE, PSEUDO } from '../isa/opcodes.ts';
import { badObject, demand } from './bad-object.ts';
import { type KernelSymbol, kernelFunction, outlineOf } from './kernel-symbols.ts';

/** Finds a variable of the kernel by its number in BTF. */
export type FindVariable = (id: number) => BtfVariable | undefined;

/** One function of a program; all slots count from its start. */
export interface FunctionPart {
  readonly name: string;
  readonly insns: readonly Insn[];
  readonly maps: readonly Relocation[];
  /** Instructions that name another function of the program, by its index. */
  readonly calls: readonly { readonly slot: number; readonly to: number }[];
  /** Instructions that name functions and variables of the kernel. */
  readonly externs: readonly { readonly slot: number; readonly to: KernelSymbol }[];
  /** Begins at slot 0, as the kernel demands, unless the program has no lines at all. */
  readonly lines: readonly LineInfo[];
}

/** Takes a program apart: the main function stands first. Functions of an object lie in different sections. */
export function splitFunctions(program: Program, kernelVariable: FindVariable): readonly FunctionPart[] {
  const records = program.functions.length === 0 ? [{ slot: 0, name: program.name }] : program.functions;
  demand(records[0]!.slot === 0 && program.insns.length > 0, `${program.name} has no first function`);
  const indexOf = new Map(records.map(({ slot }, index) => [slot, index]));
  const functionAt = (slot: number, from: number): number =>
    indexOf.get(slot) ??
    badObject(`${program.name}: instruction ${from} names a function at ${slot}, none starts there`);
  return records.map(({ slot: start, name }, index) => {
    const end = records[index + 1]?.slot ?? program.insns.length;
    const insns = program.insns.slice(start, end);
    const isInside = ({ slot }: { readonly slot: number }): boolean => slot >= start && slot < end;
    const calls: { slot: number; to: number }[] = [];
    const externs: { slot: number; to: KernelSymbol }[] = [];
    for (let slot = 0; slot < insns.length; slot++) {
      const insn = insns[slot]!;
      const distance = jumpDistance(insn);
      const target = slot + 1 + (distance ?? 0);
      const stays = distance === undefined || (target >= 0 && target < insns.length);
      demand(stays, `${program.name}: instruction ${start + slot} jumps out of ${name}`);
      if (namesFunction(insn)) {
        const to = functionAt(start + slot + 1 + insn.imm, start + slot);
        demand(to !== 0, `${program.name}: instruction ${start + slot} calls the program itself`);
        calls.push({ slot, to });
      }
      if (insn.code === CALL_CODE && insn.src === CALLEE.kfunc) {
        const what = `${program.name}: instruction ${start + slot} calls kernel function ${insn.imm}`;
        externs.push({ slot, to: kernelFunction(insn.imm) ?? badObject(`${what}, which has no name`) });
      }
      if (insn.code === LD_IMM64 && insn.src === PSEUDO.btf_id) {
        const what = `${program.name}: instruction ${start + slot} names the kernel's variable ${insn.imm}`;
        const variable = kernelVariable(insn.imm) ?? badObject(`${what}, which has no name`);
        externs.push({ slot, to: { ...variable, type: outlineOf(variable.type) } });
      }
      if (isWide(insn)) slot++;
    }
    return {
      name,
      insns,
      maps: program.relocations.filter(isInside).map((row) => ({ ...row, slot: row.slot - start })),
      calls,
      externs,
      lines: linesOf(program.lines, start, end),
    };
  });
}

/** How far a jump goes, undefined for what is none. */
function jumpDistance(insn: Insn): number | undefined {
  const operation = decode(insn);
  switch (operation?.kind) {
    case 'jump':
    case 'may_goto':
      return insn.off;
    case 'ja':
      return operation.wide ? insn.imm : insn.off;
    default:
      return undefined;
  }
}

function namesFunction(insn: Insn): boolean {
  const operation = decode(insn);
  if (operation?.kind === 'call') return insn.src === CALLEE.subprogram;
  return operation?.kind === 'ld_imm64' && insn.src === PSEUDO.func;
}

function linesOf(lines: readonly LineInfo[], start: number, end: number): readonly LineInfo[] {
  const inside = lines
    .filter(({ slot }) => slot >= start && slot < end)
    .map((line) => ({ ...line, slot: line.slot - start }));
  const first = inside[0] ?? lines.findLast(({ slot }) => slot < start) ?? lines[0];
  return first === undefined || inside[0]?.slot === 0 ? inside : [{ ...first, slot: 0 }, ...inside];
}
