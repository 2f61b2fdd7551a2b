import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MapDefinition, Program } from '../src/abi/program-image.ts';
import { assemble } from '../src/isa/assemble.ts';
import { PSEUDO } from '../src/isa/opcodes.ts';
import { compile } from '../src/pipeline/compile.ts';
import { createSimulation } from '../src/pipeline/simulation.ts';
import { createSource } from '../src/source/source.ts';
import { verifyProgram } from '../src/verifier/verify.ts';

/**
 * Time to verify programs that make the verifier walk up to its limit of 1,000,000 instructions, and every script of the
 * cases: `npx tsx bench/verifier.ts`. Times are of the processor; each is also given as a multiple of a plain loop of 3e8
 * additions beside it, which takes a quiet desktop machine 0.12 to 0.25 s, so that figures of different machines can be
 * compared.
 */
const LOOKUP = 1;
const values: MapDefinition = { name: 'values', type: 'array', keySize: 4, valueSize: 64, maxEntries: 4, flags: 0 };

function timed<T>(work: () => T): readonly [result: T, ms: number] {
  const start = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(start);
  return [result, (user + system) / 1000];
}

function addUp(): number {
  let x = 0;
  for (let i = 0; i < 3e8; i++) x = (x + i) | 0;
  return x;
}

/** `BITS` yes-or-no questions, whose answers add up to an offset that must be exact: every combination counts. */
function sums(bits: number): string {
  const lines = ['r7 = r1', 'r6 = 0'];
  for (let bit = 0; bit < bits; bit++) {
    lines.push(`r1 = *(u64 *)(r7 +${8 * (bit % 16)})`, `if r1 == ${bit + 1} goto skip${bit}`, `r6 += ${1 << bit}`);
    lines.push(`skip${bit}:`);
  }
  lines.push('*(u32 *)(r10 -4) = 0', 'r2 = r10', 'r2 += -4', 'r1 = map[values]', 'call lookup', 'if r0 == 0 goto end');
  lines.push('r6 &= 63', 'r0 += r6', '*(u8 *)(r0 +0) = 1', 'end:', 'r0 = 0', 'exit');
  return lines.join('\n');
}

const PROGRAMS: Readonly<Record<string, string>> = {
  'counted loop': 'r6 = 0\nagain:\nr6 += 1\nif r6 < 499000 goto again\nr0 = 0\nexit',
  'nested loops':
    'r6 = 0\nouter:\nr7 = 0\ninner:\nr7 += 1\nif r7 < 1000 goto inner\nr6 += 1\nif r6 < 1000 goto outer\nr0 = 0\nexit',
  'sums of 20 bits': sums(20),
  'sums of 14 bits': sums(14),
  'straight line': `r0 = 0\n${'r0 += 1\n'.repeat(50_000)}exit`,
};

function assembled(text: string): Program {
  const result = assemble(text, { helper: (name) => (name === 'lookup' ? LOOKUP : undefined) });
  if (!result.ok) throw new Error(result.errors.map((e) => `${e.line}: ${e.message}`).join('\n'));
  const insns = result.program.insns.slice();
  const relocations = result.program.mapReferences.map(({ slot }) => {
    insns[slot] = { ...insns[slot]!, src: PSEUDO.map_fd };
    return { slot, map: 0 };
  });
  return { name: 'bench', type: 'kprobe', insns, relocations, functions: [{ slot: 0, name: 'bench' }], lines: [] };
}

function measure(name: string, program: Program, maps: readonly MapDefinition[]): void {
  const [, reference] = timed(addUp);
  const [verdict, ms] = timed(() => verifyProgram(program, maps));
  const ratio = (ms / reference).toFixed(2);
  const outcome = verdict.verdict === 'accept' ? '' : ` (${verdict.message})`;
  console.log(`${name}: ${verdict.insnsProcessed} instructions, ${ms.toFixed(0)} ms, ${ratio} x reference${outcome}`);
}

/** Times of the programs of scripts, once the verifier is warm: the best of four, since other work disturbs. */
function measureScripts(): void {
  const { target } = createSimulation({ scenario: 'idle', seed: 1 });
  const programs: (readonly [Program, readonly MapDefinition[]])[] = [];
  const folder = join(import.meta.dirname, '../tests/cases');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.bt')) continue;
    const source = createSource(name, readFileSync(join(folder, name), 'utf8'));
    const image = compile({ source, target }).generated?.image;
    for (const program of image?.programs ?? []) programs.push([program, image!.maps]);
  }
  const times = programs.map(() => Infinity);
  for (let round = 0; round < 4; round++) {
    programs.forEach(([program, maps], i) => {
      const start = process.hrtime.bigint();
      verifyProgram(program, maps);
      times[i] = Math.min(times[i]!, Number(process.hrtime.bigint() - start) / 1e6);
    });
  }
  times.sort((a, b) => a - b);
  const at = (share: number): string => `${(times[Math.floor(share * (times.length - 1))] ?? 0).toFixed(2)} ms`;
  const slow = times.filter((ms) => ms >= 2).length;
  console.log(
    `programs of scripts: ${times.length}, median ${at(0.5)}, 9 of 10 below ${at(0.9)}, ${slow} take 2 ms or more`,
  );
}

// The loop's first round is slower: it is compiled on the way.
addUp();
for (const [name, text] of Object.entries(PROGRAMS)) measure(name, assembled(text), [values]);
measureScripts();
