import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kernelFunctionNamed } from '../../src/abi/helpers.ts';
import { helperName } from '../../src/abi/known-helpers.ts';
import type { MapType } from '../../src/abi/map-types.ts';
import type { MapDefinition, Program, ProgramType } from '../../src/abi/program-image.ts';
import { createTypeSet } from '../../src/btf/type-set.ts';
import type { FunctionProtoType, IntType, StructType, TypeSet, UnionType } from '../../src/btf/types.ts';
import { assemble } from '../../src/isa/assemble.ts';
import type { AssemblyNames } from '../../src/isa/assembly-forms.ts';
import { PSEUDO } from '../../src/isa/opcodes.ts';
import { explain } from '../../src/verifier/explain.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';

/**
 * Cases are text: what it is about, `-- type`, `-- attach`, `-- map NAME TYPE KEY VALUE ENTRIES`, `-- function NAME SLOT`, `-- asm`,
 * and behind `-- log` the whole log and, for a refusal, its explanation. `vitest -u` rewrites that part; read the diff.
 */
const folder = new URL('./cases/', import.meta.url);
const NAMES: AssemblyNames = {
  helper: (name) => HELPERS.get(name),
  kernelFunction: (name) => kernelFunctionNamed(name)?.id,
  kernelVariable: (name) => types.perCpuVariable(name)?.id,
};
const HELPERS = new Map(Array.from({ length: 212 }, (_, id) => [helperName(id), id] as const));

/** Small ones, so that a case shows all that it rests on. */
const long: IntType = { kind: 'int', name: 'long unsigned int', size: 8, signed: false, bool: false, char: false };
const sock: StructType = { kind: 'struct', name: 'sock', size: 760, members: [] };
const task: StructType = { kind: 'struct', name: 'task_struct', size: 64, members: [] };
task.members = [
  { name: 'parent', type: { kind: 'pointer', to: task }, offsetBits: 0 },
  { name: 'sk', type: { kind: 'pointer', to: sock }, offsetBits: 64 },
  { name: 'stack', type: { kind: 'pointer', to: { kind: 'void' } }, offsetBits: 128 },
];
const rq: StructType = {
  kind: 'struct',
  name: 'rq',
  size: 16,
  members: [{ name: 'nr_running', type: long, offsetBits: 0 }],
};
const VARIABLES = [
  { name: 'process_counts', id: 7, type: long, offset: 0 },
  { name: 'runqueues', id: 8, type: rq, offset: 64 },
] as const;
const sequence: StructType = { kind: 'struct', name: 'seq_file', size: 128, members: [] };
/** As __bpf_md_ptr declares it: a union of one. */
const sequencePointer: UnionType = {
  kind: 'union',
  name: '',
  size: 8,
  members: [{ name: 'seq', type: { kind: 'pointer', to: sequence }, offsetBits: 0 }],
};
const meta: StructType = {
  kind: 'struct',
  name: 'bpf_iter_meta',
  size: 24,
  members: [{ name: '', type: sequencePointer, offsetBits: 0 }],
};
const taking = (parameters: Readonly<Record<string, StructType | IntType>>): FunctionProtoType => ({
  kind: 'function',
  returns: long,
  parameters: Object.entries(parameters).map(([name, to]) => ({
    name,
    type: to.kind === 'struct' ? { kind: 'pointer', to } : to,
  })),
  variadic: false,
});
const types: TypeSet = {
  ...createTypeSet({
    types: [long, sock, task, rq, meta, sequence],
    functions: [
      ['wake_up_new_task', taking({ p: task })],
      ['__probestub_sched_wakeup_new', taking({ __data: task, p: task })],
      ['__probestub_sched_pi_setprio', taking({ __data: task, tsk: task, pi_task: task })],
      ['bpf_iter_task', taking({ meta, task })],
    ],
  }),
  perCpuVariable: (which) => VARIABLES.find(({ name, id }) => name === which || id === which),
};

interface Case {
  readonly head: string;
  readonly program: Program;
  readonly maps: readonly MapDefinition[];
}

function readCase(text: string): Case {
  const head = text.slice(0, text.indexOf('-- log'));
  const asm = head.slice(head.indexOf('-- asm') + '-- asm\n'.length);
  const settings = [...head.matchAll(/^-- (type|attach|map|function) (.*)$/gm)].map(
    ([, key, value]) => [key!, value!.split(' ')] as const,
  );
  const values = (key: string): string[][] => settings.filter(([k]) => k === key).map(([, v]) => v);
  const maps = values('map').map(([name, type, keySize, valueSize, maxEntries]) => ({
    name: name!,
    type: type as MapType,
    keySize: Number(keySize),
    valueSize: Number(valueSize),
    maxEntries: Number(maxEntries),
    flags: 0,
  }));
  const result = assemble(asm, NAMES);
  if (!result.ok) throw new Error(result.errors.map((e) => `${e.line}: ${e.message}`).join('\n'));
  const insns = result.program.insns.slice();
  const relocations = result.program.mapReferences.map(({ slot, map, offset }) => {
    insns[slot] = { ...insns[slot]!, src: offset === undefined ? PSEUDO.map_fd : PSEUDO.map_value };
    return { slot, map: maps.findIndex((m) => m.name === map), ...(offset === undefined ? {} : { offset }) };
  });
  const functions = values('function').map(([name, slot]) => ({ name: name!, slot: Number(slot) }));
  const type = values('type')[0]![0] as ProgramType;
  const attach = values('attach')[0]?.[0];
  const program = { name: 'case', type, insns, relocations, functions, lines: [] };
  return { head, maps, program: attach === undefined ? program : { ...program, attach } };
}

const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));

test.each(files.map((name) => name.replace('.txt', '')))('%s', async (name) => {
  const path = new URL(`${name}.txt`, folder);
  const { head, program, maps } = readCase(readFileSync(path, 'utf8'));
  const verdict = verifyProgram(program, maps, { logLevel: 2, types });
  const explanation =
    verdict.verdict === 'reject' ? explain(program, verdict, 'whole').map((line) => `-- ${line}\n`) : [];
  const log = `${verdict.log.join('\n')}\n-- ${verdict.verdict}\n${explanation.join('')}`;
  await expect(`${head}-- log\n${log}`).toMatchFileSnapshot(path.pathname);
});
