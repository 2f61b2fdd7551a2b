import { HELPERS, type HelperName } from '../../src/abi/helpers.ts';
import type { MapDefinition, Program } from '../../src/abi/program-image.ts';
import type { VerifiedImage } from '../../src/abi/verified-image.ts';
import { assemble } from '../../src/isa/assemble.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';
import { WORKLOAD_MAPS, type Workload } from './workloads.ts';

/** What the verifier walks; some loops are too long for it. */
function processed(program: Program, maps: readonly MapDefinition[]): number {
  const verdict = verifyProgram(program, maps);
  return verdict.verdict === 'accept' ? verdict.insnsProcessed : Infinity;
}

/** A workload as the engines take it; the verifier's facts but the length of a run are the weakest that hold. */
export function assembleWorkload(
  { name, text }: Pick<Workload, 'name' | 'text'>,
  maps: readonly MapDefinition[] = WORKLOAD_MAPS,
): {
  readonly image: VerifiedImage;
  readonly program: Program;
} {
  const helper = (called: string): number | undefined => HELPERS[called as HelperName]?.id;
  const result = assemble(text, { helper });
  if (!result.ok) throw new Error(`${name}: ${JSON.stringify(result.errors)}`);
  const { insns, mapReferences } = result.program;
  const program: Program = {
    name,
    type: 'kprobe',
    insns,
    relocations: mapReferences.map(({ slot, map }) => ({ slot, map: Number(map) })),
    functions: [{ slot: 0, name }],
    lines: [],
  };
  const facts = {
    reached: new Uint8Array(insns.length).fill(1),
    registers: new Uint8Array(insns.length * 11),
    accesses: insns.map(() => undefined),
    stackDepths: [16],
    insnsProcessed: processed(program, maps),
  };
  return { image: { image: { programs: [program], maps }, programs: [{ program, facts }] }, program };
}
