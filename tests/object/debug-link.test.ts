import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checksumOf, debugFileNames } from '../../src/object/debug-link.ts';
import { readProgramFile } from '../../src/object/program-file.ts';
import type { FindDebugFile, ProgramFile } from '../../src/object/program-file.ts';

const PROGRAMS = join(import.meta.dirname, '..', 'cases', 'programs');
const program = readFileSync(join(PROGRAMS, 'apart'));
const debug = readFileSync(join(PROGRAMS, 'apart.debug'));
const read = (separate: FindDebugFile): ProgramFile => {
  const file = readProgramFile(program, separate);
  if ('problem' in file) throw new Error(file.problem);
  return file;
};

test('the checksum is that of gzip', () => {
  expect(checksumOf(Buffer.from('123456789'))).toBe(0xcbf43926);
});

test('debuggers look by build id first, then beside the program', () => {
  const link = { name: 'a.debug', checksum: 0, buildId: 'abcdef' };
  expect(debugFileNames('/home/me', link)).toEqual([
    '/usr/lib/debug/.build-id/ab/cdef.debug',
    '/home/me/a.debug',
    '/home/me/.debug/a.debug',
    '/usr/lib/debug/home/me/a.debug',
  ]);
  expect(debugFileNames('', { ...link, buildId: '' })).toEqual(['a.debug', '.debug/a.debug']);
});

test('symbols and types are those of the first file that belongs to the program', () => {
  const stale = Buffer.concat([debug, Buffer.from([0])]);
  const asked: string[] = [];
  const file = read((link) => {
    asked.push(...debugFileNames('', link));
    return [stale, debug];
  });
  expect(asked).toEqual(['apart.debug', '.debug/apart.debug']);
  expect(file.functions.map(({ name }) => name)).toContain('distance');
  expect(
    file
      .debug()
      ?.prototype('distance')
      ?.parameters.map(({ name }) => name),
  ).toEqual(['from', 'scale']);
});

test.each<[string, readonly Uint8Array[]]>([
  ['there is none', []],
  ['its checksum is another', [Buffer.concat([debug, Buffer.from([0])])]],
  ['it is no ELF file', [Buffer.from('nothing')]],
  ['it is cut off', [debug.subarray(0, 200)]],
])('without it, when %s', (_why, files) => {
  const file = read(() => files);
  expect(file.functions).toEqual([]);
  expect(file.debug()).toBeUndefined();
});
