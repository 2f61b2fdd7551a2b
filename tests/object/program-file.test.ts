import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { printDeclaration, printDefinition } from '../../src/btf/print.ts';
import { readProgramFile, type ProgramFile } from '../../src/object/program-file.ts';

const bytesOf = (name: string): Uint8Array => readFileSync(join(import.meta.dirname, '..', 'cases', 'programs', name));
function fileOf(bytes: Uint8Array): ProgramFile {
  const read = readProgramFile(bytes);
  if ('problem' in read) throw new Error(read.problem);
  return read;
}
const shapes = fileOf(bytesOf('shapes'));
const probed = fileOf(bytesOf('probed'));

test('functions and variables of .symtab have addresses and sizes', () => {
  const named = new Map([...shapes.functions, ...shapes.variables].map((row) => [row.name, row]));
  expect(named.get('add')).toEqual({ name: 'add', address: 0x1169, size: 20 });
  expect(named.get('drawn')).toMatchObject({ size: 4 });
  expect(named.has('sum_up')).toBe(true);
  // What other files have is no function of this one.
  expect(named.has('printf')).toBe(false);
});

test('what the loader must do is read: libraries, and places that want an address', () => {
  expect(shapes.needed).toEqual(['libc.so.6']);
  expect(shapes.relocations.filter(({ symbol }) => symbol === 'malloc')).toMatchObject([{ type: 7, value: 0 }]);
  expect([shapes.isFixed, probed.isFixed]).toEqual([false, true]);
});

test('static probes have the address that the linker gave them, a semaphore and operands', () => {
  expect(probed.probes).toEqual([
    {
      provider: 'work',
      name: 'started',
      address: 0x40103d,
      semaphore: 0x403006,
      operands: '-4@%r8d 8@%rax',
    },
    { provider: 'work', name: 'stepped', address: 0x40103e, semaphore: 0, operands: '4@$7' },
  ]);
});

test.each([
  ['add', 'int add(int a, int b)'],
  ['area', 'area_t area(const struct point *p, enum color c, double scale)'],
  ['sum_up', 'long sum_up(const int *values, int count)'],
  ['main', 'int main(int argc, char **argv)'],
])('DWARF knows the parameters of %s', (name, text) => {
  const prototype = shapes.debug()?.prototype(name);
  expect(prototype && printDeclaration(prototype, name).replace(/long int/, 'long')).toBe(text);
});

test('DWARF knows structures with bit fields and pointers to themselves', () => {
  const point = shapes.debug()?.types.struct('point');
  expect(point && printDefinition(point)).toBe(
    `struct point {
	int x;
	int y;
	char name[8];
	struct point *next;
	unsigned int visible: 1;
	unsigned int layer: 5;
};
`.trimEnd(),
  );
  expect(shapes.debug()?.types.enumerator('GREEN')?.value).toBe(5n);
});

test('lines of the source have addresses', () => {
  const debug = shapes.debug();
  // Behind the prologue of main is its first statement.
  expect(debug?.lineAddress('shapes.c', 20, 0)).toBe(0x1169);
  expect(debug?.lineAddress('shapes.c', 9999, 0)).toBe("Unable to map 'shapes.c:9999' to address");
  expect(debug?.lineAddress('other.c', 1, 0)).toBe('No compilation unit matches other.c');
});

test('a file without debugging information has none', () => {
  expect(probed.debug()).toBeUndefined();
});

test('whatever is done to a file, reading it gives a program or a reason', () => {
  const original = bytesOf('shapes');
  let refused = 0;
  let seed = 12345;
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return seed % below;
  };
  for (let round = 0; round < 400; round += 1) {
    const spoilt = round % 4 === 0 ? original.slice(0, next(original.length)) : original.slice();
    for (let i = 0; i < 8; i += 1) spoilt[next(round % 2 === 0 ? 64 : spoilt.length)] = next(256);
    const read = readProgramFile(spoilt);
    if ('problem' in read) refused += 1;
    else {
      const debug = read.debug();
      debug?.prototype('main');
      debug?.lineAddress('shapes.c', 19, 0);
      expect(debug?.types.struct('point')).not.toBeNull();
    }
  }
  expect(refused).toBeGreaterThan(100);
});
