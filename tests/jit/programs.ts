import type { Program, Relocation } from '../../src/abi/program-image.ts';
import type { MemoryAccess, VerifiedImage } from '../../src/abi/verified-image.ts';
import { HELPERS } from '../../src/abi/helpers.ts';
import type { HelperName } from '../../src/abi/helpers.ts';
import { assemble } from '../../src/isa/assemble.ts';
import type { Insn } from '../../src/isa/instruction.ts';
import { MAP_DEFINITIONS } from './test-environment.ts';

/** A program without lines, names or attach target. */
export function rawProgram(insns: readonly Insn[], relocations: readonly Relocation[] = [], name = 'test'): Program {
  return { name, type: 'raw_tracepoint', insns, relocations, functions: [], lines: [] };
}

/** Assembles a program; helpers by name without `bpf_`, maps `map[0]`, `map[1]`, ... by index. */
export function programOf(text: string, name = 'test'): Program {
  const helper = (called: string): number | undefined => HELPERS[called.replace(/^bpf_/, '') as HelperName]?.id;
  const result = assemble(text, { helper });
  if (!result.ok) throw new Error(result.errors.map(({ line, message }) => `${line}: ${message}`).join('\n'));
  const relocations = result.program.mapReferences.map(({ slot, map, offset }) => ({
    slot,
    map: Number(map),
    ...(offset === undefined ? {} : { offset }),
  }));
  return rawProgram(result.program.insns, relocations, name);
}

/** An image whose verifier found out nothing: engines must be right without facts. `accesses` by slot, where one matters. */
export function imageOf(
  programs: readonly Program[],
  accesses: Readonly<Record<number, MemoryAccess>> = {},
): VerifiedImage {
  return {
    image: { programs, maps: MAP_DEFINITIONS },
    programs: programs.map((program) => ({
      program,
      facts: {
        reached: new Uint8Array(program.insns.length).fill(1),
        registers: new Uint8Array(program.insns.length * 11),
        accesses: program.insns.map((_, slot) => accesses[slot]),
        stackDepths: [512],
        insnsProcessed: program.insns.length,
      },
    })),
  };
}
