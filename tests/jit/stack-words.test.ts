import { expect, test } from 'vitest';
import { HELPERS, type HelperName } from '../../src/abi/helpers.ts';
import { assemble } from '../../src/isa/assemble.ts';
import { planProgram } from '../../src/jit/plan.ts';
import { imageOf, rawProgram } from './programs.ts';

/** Distances from r10 of the words that live in variables; map[3] has keys of 4 bytes, map[4] of 8. */
function wordsOf(text: string): number[] {
  const result = assemble(text, { helper: (name) => HELPERS[name as HelperName]?.id });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  const { insns, mapReferences } = result.program;
  const program = rawProgram(
    insns,
    mapReferences.map(({ slot, map }) => ({ slot, map: Number(map) })),
  );
  const { image, programs } = imageOf([program]);
  return [...planProgram(programs[0]!, image.maps).functions.get(0)!.stackWords].sort((a, b) => a - b);
}

const lookUp = (map: number, key: number): string => `
  r1 = map[${map}]
  r2 = r10
  r2 += ${key}
  call map_lookup_elem`;
const end = '\nr0 = 0\nexit';

test.each<[string, string, number[]]>([
  ['the key of a lookup', `*(u32 *)(r10 -4) = 1${lookUp(3, -4)}`, [-4]],
  ['both words of a long key, stored as one', `*(u64 *)(r10 -8) = 1${lookUp(4, -8)}`, [-8, -4]],
  ['a key that is read back', `*(u32 *)(r10 -4) = 1${lookUp(3, -4)}\nr1 = *(u32 *)(r10 -4)`, [-4]],
  ['a key that an update needs in memory, too', `*(u32 *)(r10 -4) = 1${lookUp(3, -4)}${update()}`, [-4]],
  ['not a key that nobody wrote on some path', `if r1 == 0 goto +1\n*(u32 *)(r10 -4) = 1${lookUp(3, -4)}`, []],
  ['not a key of which a byte is read', `*(u32 *)(r10 -4) = 1${lookUp(3, -4)}\nr1 = *(u8 *)(r10 -3)`, []],
  ['not a key beside which a word straddles it', `*(u32 *)(r10 -8) = 1\n*(u32 *)(r10 -6) = 2${lookUp(3, -8)}`, []],
  ['not a key whose address is kept', `r3 = r10\n*(u64 *)(r10 -16) = r3\n*(u32 *)(r10 -4) = 1${lookUp(3, -4)}`, []],
  ['not a key that a helper fills', `r1 = r10\nr1 += -8\nr2 = 8\ncall get_current_comm${lookUp(4, -8)}`, []],
  [
    'a key beside what a helper fills',
    `r1 = r10\nr1 += -24\nr2 = 16\ncall get_current_comm\n*(u64 *)(r10 -8) = 1${lookUp(4, -8)}`,
    [-8, -4],
  ],
  [
    'not a key at a distance that only a register knows',
    `r3 = r10\nr3 += r1\n*(u32 *)(r10 -4) = 1${lookUp(3, -4)}`,
    [],
  ],
])('%s', (_, text, words) => {
  expect(wordsOf(text + end)).toEqual(words);
});

function update(): string {
  return `
  *(u64 *)(r10 -32) = 0
  *(u64 *)(r10 -24) = 0
  *(u64 *)(r10 -16) = 0
  r1 = map[3]
  r2 = r10
  r2 += -4
  r3 = r10
  r3 += -32
  r4 = 0
  call map_update_elem`;
}
