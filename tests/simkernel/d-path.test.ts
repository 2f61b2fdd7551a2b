import { expect, test } from 'vitest';
import { openedFile } from '../../src/simkernel/fs/file.ts';
import { machineRunning } from './support.ts';

const m = machineRunning([], {
  files: [{ path: '/srv/data/a-name-that-is-longer-than-the-forty-bytes-of-a-dentry.txt', size: 10 }],
});
m.run(1);

function pathOf(name: string): string | undefined {
  const dentry = m.fileSystem.find(name);
  if (dentry === undefined) throw new Error(`no file ${name}`);
  const file = openedFile(m, m.fileSystem.root, dentry, 0);
  return m.pathName(file.path.address, m.memory.kernelHigh);
}

test.each(['/', '/srv/data', '/srv/data/a-name-that-is-longer-than-the-forty-bytes-of-a-dentry.txt', '/dev/null'])(
  'the struct path of %s leads back to its name',
  (name) => {
    expect(pathOf(name)).toBe(name);
  },
);

test('memory that is no struct path has no name', () => {
  expect(m.pathName(0, m.memory.kernelHigh)).toBeUndefined();
  expect(m.pathName(64, 1)).toBeUndefined();
});
