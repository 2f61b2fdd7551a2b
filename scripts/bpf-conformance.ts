import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Program, ProgramType } from '../src/abi/program-image.ts';
import { assemble } from '../src/isa/assemble.ts';
import { R0, R1, R2, R3, alu64Imm, alu64Reg, exit, jumpReg, load } from '../src/isa/builders.ts';
import { decodeInsns } from '../src/isa/codec.ts';
import type { Insn } from '../src/isa/instruction.ts';
import { createSimulation } from '../src/pipeline/simulation.ts';
import { ENGINES, type EngineName } from '../src/runtime/engines.ts';
import { testRun } from '../src/runtime/test-run.ts';
import { verifyProgram } from '../src/verifier/verify.ts';
import { factsWithoutProof } from './bpf-conformance/facts.ts';
import { translate } from './bpf-conformance/translate.ts';

/**
 * Runs the vectors of bpf_conformance: `npx tsx scripts/bpf-conformance.ts DIR` with DIR a checkout of
 * github:Alan-Jowett/bpf_conformance. Each of tests/*.data runs in the interpreter and in both tiers of the compiler. A
 * vector with memory is an XDP program that gets it as its packet, behind a check of its length as the suite's own plugin
 * for Linux puts in front. What the verifier refuses (shifts by more than a register's width) runs without its proof, here
 * only. What negative/*.data holds must be refused. Exit code 1 when anything differs.
 */
const directory = process.argv[2];
if (directory === undefined || !existsSync(join(directory, 'tests'))) {
  console.error('usage: bpf-conformance.ts DIR');
  process.exit(2);
}

const ENGINE_NAMES = ['interp', 'js', 'wasm'] as const satisfies readonly EngineName[];

/** Vectors of what Linux does not have, by what they need. */
const NOT_APPLICABLE: Readonly<Record<string, string>> = {
  callx: 'a call through a register, which no verifier of Linux accepts',
  call_unwind_fail: 'a helper function of the test program itself',
};

type Sections = ReadonlyMap<string, readonly string[]>;

function read(path: string): Sections {
  const sections = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const title = /^-- ?(.*?)\s*$/.exec(line)?.[1];
    if (title === undefined) lines.push(line);
    else sections.set(title, (lines = []));
  }
  return sections;
}

const withoutComment = (line: string): string => line.replace(/#.*/, '').trim();

function bytesOf(lines: readonly string[]): Uint8Array {
  return Uint8Array.from(Buffer.from(lines.map(withoutComment).join('').replaceAll(/\s/g, ''), 'hex'));
}

/** The instructions of a vector, or what is wrong with their text. */
function instructions(sections: Sections): readonly Insn[] | string {
  const raw = sections
    .get('raw')
    ?.map(withoutComment)
    .filter((line) => line !== '');
  if (raw !== undefined) {
    // Words of 64 bits, or the bytes as they lie in memory.
    const hex = raw.map((line) => (line.startsWith('0x') ? line.slice(2).match(/../g)!.reverse().join('') : line));
    return decodeInsns(bytesOf(hex)) ?? 'no whole instructions';
  }
  const translated = translate(sections.get('asm') ?? []);
  if ('problem' in translated) return translated.problem;
  const assembled = assemble(translated.text);
  if (!assembled.ok) return assembled.errors.map(({ message }) => message).join('; ');
  return assembled.program.insns.length === 0 ? 'no instructions' : assembled.program.insns;
}

function programOf(insns: readonly Insn[], type: ProgramType): Program {
  return { name: 'vector', type, insns, relocations: [], functions: [], lines: [] };
}

/** Offsets in struct xdp_md. */
const XDP = { data: 0, dataEnd: 4 } as const;

/** Vectors expect their memory in r1 and its length in r2. */
function vectorProgram(insns: readonly Insn[], length: number): Program {
  if (length === 0) return programOf(insns, 'raw_tracepoint');
  const prologue = [
    load(4, R2, R1, XDP.dataEnd),
    load(4, R1, R1, XDP.data),
    alu64Reg('mov', R3, R1),
    alu64Imm('add', R3, length),
    jumpReg('jle', R3, R2, 2),
    alu64Imm('mov', R0, -1),
    exit(),
    alu64Imm('mov', R2, length),
  ];
  return programOf([...prologue, ...insns], 'xdp');
}

const { kernel } = createSimulation({ scenario: 'idle', seed: 1 });

interface Outcome {
  /** r0, or why there is none. */
  readonly result: bigint | string;
  readonly proved: boolean;
}

function run(program: Program, input: Uint8Array, engine: EngineName): Outcome {
  const verdict = verifyProgram(program, []);
  const proved = verdict.verdict === 'accept';
  const facts = proved ? verdict.facts : factsWithoutProof(program);
  if (facts === undefined) return { result: proved ? '' : verdict.message, proved };
  const verified = { image: { programs: [program], maps: [] }, programs: [{ program, facts }] };
  const outcome = testRun({ verified, engine: ENGINES[engine], kernel, input, seed: 1 });
  return { result: typeof outcome === 'string' ? outcome : outcome.result, proved };
}

function vectorNames(folder: string): string[] {
  return readdirSync(join(directory!, folder))
    .filter((name) => name.endsWith('.data'))
    .map((name) => name.slice(0, -'.data'.length))
    .sort();
}

const failures: string[] = [];
const skipped: string[] = [];
const unproved: string[] = [];
let passed = 0;
for (const name of vectorNames('tests')) {
  const reason = NOT_APPLICABLE[name];
  if (reason !== undefined) {
    skipped.push(`${name}: ${reason}`);
    continue;
  }
  const sections = read(join(directory, 'tests', `${name}.data`));
  const insns = instructions(sections);
  if (typeof insns === 'string') {
    failures.push(`${name}: ${insns}`);
    continue;
  }
  const input = bytesOf(sections.get('mem') ?? []);
  const text =
    sections
      .get('result')
      ?.map(withoutComment)
      .find((line) => line !== '') ?? '';
  const wanted = BigInt.asUintN(64, BigInt(text));
  const outcomes = ENGINE_NAMES.map((engine) => ({
    engine,
    ...run(vectorProgram(insns, input.length), input, engine),
  }));
  if (!outcomes[0]!.proved) unproved.push(name);
  const wrong = outcomes.filter(({ result }) => result !== wanted);
  if (wrong.length === 0) passed++;
  for (const { engine, result } of wrong)
    failures.push(
      `${name} (${engine}): ${typeof result === 'string' ? result : `0x${result.toString(16)}`}, not ${text}`,
    );
}

/** A negative vector is refused by its text, by the verifier, or because its stated result is not what comes out. */
function isRefused(sections: Sections): boolean {
  const insns = instructions(sections);
  if (typeof insns === 'string') return true;
  const wanted = sections
    .get('result')
    ?.map(withoutComment)
    .find((line) => line !== '');
  if (wanted === undefined) return verifyProgram(programOf(insns, 'raw_tracepoint'), []).verdict !== 'accept';
  const input = bytesOf(sections.get('mem') ?? []);
  return run(vectorProgram(insns, input.length), input, 'interp').result !== BigInt(wanted);
}

let refused = 0;
const negatives = existsSync(join(directory, 'negative')) ? vectorNames('negative') : [];
for (const name of negatives) {
  if (isRefused(read(join(directory, 'negative', `${name}.data`)))) refused++;
  else failures.push(`negative/${name}: accepted`);
}

for (const line of failures) console.log(`FAILED ${line}`);
for (const line of skipped) console.log(`not applicable: ${line}`);
console.log(`run without the verifier's proof: ${unproved.join(' ')}`);
console.log(
  `${passed} of ${vectorNames('tests').length - skipped.length} vectors in ${ENGINE_NAMES.join(', ')}; ` +
    `${refused} of ${negatives.length} negative encodings refused`,
);
process.exit(failures.length === 0 ? 0 : 1);
