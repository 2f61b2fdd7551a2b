import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { helperName } from '../../src/abi/known-helpers.ts';
import type { MapType } from '../../src/abi/map-types.ts';
import type { MapDefinition, Program, ProgramType } from '../../src/abi/program-image.ts';
import { assemble } from '../../src/isa/assemble.ts';
import { PSEUDO } from '../../src/isa/opcodes.ts';
import { explain } from '../../src/verifier/explain.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';

/**
 * Cases are text: what it is about, `-- type`, `-- map NAME TYPE KEY VALUE ENTRIES`, `-- function NAME SLOT`, `-- asm`,
 * and behind `-- log` the whole log and, for a refusal, its explanation. `vitest -u` rewrites that part; read the diff.
 */
const folder = new URL('./cases/', import.meta.url);
const HELPERS = new Map(Array.from({ length: 212 }, (_, id) => [helperName(id), id] as const));

interface Case {
  readonly head: string;
  readonly program: Program;
  readonly maps: readonly MapDefinition[];
}

function readCase(text: string): Case {
  const head = text.slice(0, text.indexOf('-- log'));
  const asm = head.slice(head.indexOf('-- asm') + '-- asm\n'.length);
  const settings = [...head.matchAll(/^-- (type|map|function) (.*)$/gm)].map(
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
  const result = assemble(asm, { helper: (name) => HELPERS.get(name) });
  if (!result.ok) throw new Error(result.errors.map((e) => `${e.line}: ${e.message}`).join('\n'));
  const insns = result.program.insns.slice();
  const relocations = result.program.mapReferences.map(({ slot, map, offset }) => {
    insns[slot] = { ...insns[slot]!, src: offset === undefined ? PSEUDO.map_fd : PSEUDO.map_value };
    return { slot, map: maps.findIndex((m) => m.name === map), ...(offset === undefined ? {} : { offset }) };
  });
  const functions = values('function').map(([name, slot]) => ({ name: name!, slot: Number(slot) }));
  const type = values('type')[0]![0] as ProgramType;
  return { head, maps, program: { name: 'case', type, insns, relocations, functions, lines: [] } };
}

const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));

test.each(files.map((name) => name.replace('.txt', '')))('%s', async (name) => {
  const path = new URL(`${name}.txt`, folder);
  const { head, program, maps } = readCase(readFileSync(path, 'utf8'));
  const verdict = verifyProgram(program, maps, { logLevel: 2 });
  const explanation =
    verdict.verdict === 'reject' ? explain(program, verdict, 'whole').map((line) => `-- ${line}\n`) : [];
  const log = `${verdict.log.join('\n')}\n-- ${verdict.verdict}\n${explanation.join('')}`;
  await expect(`${head}-- log\n${log}`).toMatchFileSnapshot(path.pathname);
});
