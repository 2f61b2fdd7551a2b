import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BtfWriter } from '../../src/btf/encode.ts';
import type { StructType } from '../../src/btf/types.ts';
import { runArguments } from '../run-case.ts';

const INT = { kind: 'int', name: 'int', size: 4, signed: true, bool: false, char: false } as const;
const directory = mkdtempSync(join(tmpdir(), 'btf-'));
const task: StructType = {
  kind: 'struct',
  name: 'task_struct',
  size: 24,
  members: [{ name: 'answer', type: INT, offsetBits: 96 }],
};
const writer = new BtfWriter();
writer.type(task);
const blob = writer.finish();
const file = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(directory, name), bytes);
  return name;
};

describe('BPFTRACE_BTF', () => {
  test('types of the file shadow those of the machine', async () => {
    const env = { BPFTRACE_BTF: file('own.btf', blob) };
    const script =
      'begin { print((sizeof(struct task_struct), offsetof(struct task_struct, answer), sizeof(struct dentry) > 0)); exit() }';
    const { stdout, exitCode } = await runArguments(['-q', '-e', script], env, directory);
    expect([stdout.trim(), exitCode]).toEqual(['(24, 12, true)', 0]);
  });

  test.each<[string, Uint8Array]>([
    ['text.btf', Buffer.from('no types at all')],
    ['empty.btf', Buffer.alloc(0)],
    ['cut.btf', blob.subarray(0, blob.length - 9)],
    ['wild.btf', blob.map((byte, at) => (at >= 24 && at < 40 ? 0xff : byte))],
  ])('%s is no BTF: that is an error, not a crash', async (name, bytes) => {
    const { stderr, exitCode } = await runArguments(['-e', 'begin {}'], { BPFTRACE_BTF: file(name, bytes) }, directory);
    expect([stderr, exitCode]).toEqual([`ERROR: BTF: failed to parse BTF from ${name}\n`, 1]);
  });

  test('a missing file is an error, for listings as well', async () => {
    const { stderr } = await runArguments(['-l', 'struct task_struct'], { BPFTRACE_BTF: 'missing.btf' }, directory);
    expect(stderr).toBe('ERROR: BTF: failed to parse BTF from missing.btf: No such file or directory\n');
  });
});
