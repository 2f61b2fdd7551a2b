import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { MapDefinition, Program } from '../../src/abi/program-image.ts';
import { disassembleProgram } from '../../src/isa/disassemble.ts';
import { compile } from '../../src/pipeline/compile.ts';
import { createSimulation } from '../../src/pipeline/simulation.ts';
import { createSource } from '../../src/source/source.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';
import { readRecorded, recordedMaps, recordedProgram } from '../verifier/recorded.ts';
import { checkProgram } from './check-program.ts';
import { RANDOM_MAPS, chance, mutant, randomProgram } from './random-programs.ts';

/**
 * Whatever the verifier accepts runs without touching what is not its own, stays inside what the verifier thought possible
 * at every step, and runs alike as generated code. `FUZZ_RUNS=100000 FUZZ_SEED=1` runs that many programs from that seed.
 */
interface Sample {
  readonly program: Program;
  readonly maps: readonly MapDefinition[];
}

const SMALL = 400;
/** Compiled scripts and recorded programs: what mutants are made of. */
function collectBases(): readonly Sample[] {
  const recorded = readRecorded(new URL('../verifier/recorded.jsonl', import.meta.url));
  const bases: Sample[] = recorded.map((r) => ({ program: recordedProgram(r), maps: recordedMaps(r) }));
  const { target } = createSimulation({ scenario: 'idle', seed: 1 });
  const folder = join(import.meta.dirname, '../cases/lessons');
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.bt'))) {
    const source = createSource(name, readFileSync(join(folder, name), 'utf8'));
    const image = compile({ source, target }).generated?.image;
    if (image === undefined) continue;
    for (const program of image.programs) bases.push({ program, maps: image.maps });
  }
  return bases.filter(
    ({ program, maps }) => program.insns.length < SMALL && verifyProgram(program, maps).verdict === 'accept',
  );
}

const bases = collectBases();

function sample(seed: number): Sample {
  if (seed % 2 === 0) return { program: randomProgram(seed), maps: RANDOM_MAPS };
  const base = bases[chance(seed * 3)(bases.length)]!;
  return { program: mutant(base.program, seed), maps: base.maps };
}

/** FUZZ_RUNS=1000000 takes a day. */
const LONGEST_MS = 48 * 3600 * 1000;

test(
  'accepted programs touch only what is theirs, stay inside their states, and run alike as generated code',
  () => {
    const first = Number(process.env['FUZZ_SEED'] ?? 1);
    const count = Number(process.env['FUZZ_RUNS'] ?? 300);
    const outcomes = { refused: 0, ran: 0, described: 0 };
    for (let seed = first; seed < first + count; seed++) {
      const { program, maps } = sample(seed);
      try {
        outcomes[checkProgram(program, maps, seed)]++;
      } catch (error) {
        const text = disassembleProgram(program.insns);
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`seed ${seed}, ${program.name} (${program.type}): ${message}\n${text}`, { cause: error });
      }
    }
    // A fuzzer whose programs are all refused proves nothing.
    expect(outcomes.described).toBeGreaterThan(count / 50);
    if (process.env['FUZZ_RUNS'] !== undefined) console.log(JSON.stringify(outcomes));
  },
  LONGEST_MS,
);
