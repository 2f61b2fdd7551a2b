import { readFileSync } from 'node:fs';
import type { MapType } from '../../src/abi/map-types.ts';
import type { MapDefinition, Program, ProgramType } from '../../src/abi/program-image.ts';
import type { FunctionProtoType, IntType, StructType, TypeSet } from '../../src/btf/types.ts';
import { decodeInsns } from '../../src/isa/codec.ts';
import { PSEUDO } from '../../src/isa/opcodes.ts';
import { type Verdict, verifyProgram } from '../../src/verifier/verify.ts';

/** A program and what Linux 7.2.13 said of it, loaded as root on x86-64. */
export interface Recorded {
  readonly name: string;
  readonly category: string;
  readonly type: ProgramType;
  readonly attach: string | null;
  readonly maps: readonly (readonly [string, MapType, number, number, number, number?])[];
  readonly insns: readonly string[];
  readonly relocs: readonly (readonly [number, string, number?])[];
  readonly funcs: readonly (readonly [number, string])[];
  readonly verdict: 'accept' | 'reject';
  readonly log: string;
  readonly insns_processed: number;
}

export function readRecorded(path: string | URL): readonly Recorded[] {
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Recorded);
}

/** Its maps, as our image declares them. */
export function recordedMaps(r: Recorded): readonly MapDefinition[] {
  return r.maps.map(([name, type, keySize, valueSize, maxEntries, flags = 0]) => ({
    name,
    type,
    keySize,
    valueSize,
    maxEntries,
    flags,
  }));
}

/** Its instructions with relocations in place. */
export function recordedProgram(r: Recorded): Program {
  const bytes = Uint8Array.from(r.insns.join('').match(/../g) ?? [], (hex) => parseInt(hex, 16));
  const insns = decodeInsns(bytes) ?? [];
  const relocations = r.relocs.map(([slot, map, offset]) => ({
    slot,
    map: r.maps.findIndex(([name]) => name === map),
    ...(offset === undefined ? {} : { offset }),
  }));
  for (const { slot, offset } of relocations) {
    insns[slot] = { ...insns[slot]!, src: offset === undefined ? PSEUDO.map_fd : PSEUDO.map_value };
  }
  return {
    name: r.name,
    type: r.type,
    insns,
    relocations,
    functions: r.funcs.map(([slot, name]) => ({ slot, name })),
    lines: [],
    ...(r.attach === null ? {} : { attach: r.attach.replace(' ', '/') }),
  };
}

const long = (signed: boolean): IntType => ({ kind: 'int', name: 'long', size: 8, signed, bool: false, char: false });
/** Enough of vfs_read and struct file for the recorded programs. */
const file: StructType = {
  kind: 'struct',
  name: 'file',
  size: 232,
  members: Array.from({ length: 29 }, (_, i) => ({ name: `word${i}`, type: long(false), offsetBits: i * 64 })),
};
const vfsRead: FunctionProtoType = {
  kind: 'function',
  returns: long(true),
  variadic: false,
  parameters: [
    { name: 'file', type: { kind: 'pointer', to: file } },
    { name: 'buf', type: { kind: 'pointer', to: long(true) } },
    { name: 'count', type: long(false) },
    { name: 'pos', type: { kind: 'pointer', to: long(true) } },
  ],
};
const task: StructType = { kind: 'struct', name: 'task_struct', size: 9000, members: [] };
const recordedTypes: TypeSet = {
  struct: (name) => (name === 'file' ? file : name === 'task_struct' ? task : undefined),
  union: () => undefined,
  enum: () => undefined,
  typedef: () => undefined,
  int: () => undefined,
  function: (name) => (name === 'vfs_read' ? vfsRead : undefined),
  perCpuVariable: () => undefined,
  enumerator: () => undefined,
  names: () => [],
};

export function judge(r: Recorded): Verdict {
  return verifyProgram(recordedProgram(r), recordedMaps(r), { types: recordedTypes });
}

/** A message without its numbers: what kind of fault it tells. */
export function messageClass(text: string): string {
  return text
    .replace(/\(0x[0-9a-f]+; 0x[0-9a-f]+\)/g, 'BITS')
    .replace(/map '[^']*'/g, 'map NAME')
    .replace(/\bR\d+/g, 'R')
    .replace(/-?\b(0x)?[0-9a-f]*\d[0-9a-f]*\b/g, 'N');
}

export interface Agreement {
  readonly programs: number;
  readonly sameVerdict: number;
  readonly refusals: number;
  readonly sameMessage: number;
  readonly sameCount: number;
  readonly differences: readonly string[];
  /** Accepted here though the kernel refuses them. */
  readonly tooLenient: readonly string[];
}

/** How often this verifier says what the kernel said. */
export function measureAgreement(programs: readonly Recorded[]): Agreement {
  let [sameVerdict, refusals, sameMessage, sameCount] = [0, 0, 0, 0];
  const differences: string[] = [];
  const tooLenient: string[] = [];
  for (const r of programs) {
    const verdict = judge(r);
    const lines = verdict.verdict === 'reject' ? verdict.lines : [];
    if (r.verdict === 'reject') {
      refusals++;
      if (lines.some((line) => messageClass(line) === messageClass(r.log))) sameMessage++;
    }
    if (verdict.verdict === r.verdict) {
      sameVerdict++;
      if (verdict.insnsProcessed === r.insns_processed) sameCount++;
      continue;
    }
    differences.push(`${r.name}: ${r.verdict} ${r.log}, here ${verdict.verdict} ${lines.join('; ')}`);
    if (r.verdict === 'reject') tooLenient.push(r.name);
  }
  return { programs: programs.length, sameVerdict, refusals, sameMessage, sameCount, differences, tooLenient };
}
