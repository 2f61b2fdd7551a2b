import { expect, test } from 'vitest';
import type { AttachTarget } from '../../src/lang/attach-target.ts';
import { planAttachment } from '../../src/runtime/attach.ts';
import type { HookTarget } from '../../src/runtime/kernel.ts';
import { createTestMachine } from './test-machine.ts';

const machine = createTestMachine();
machine.symbols.push({ name: 'vfs_read', module: 'vmlinux', offset: 0, address: 0xffffffff81000000n });

test.each<[AttachTarget, HookTarget]>([
  [
    { kind: 'kprobe', function: 'vfs_read', offset: 5 },
    { kind: 'kprobe', function: 'vfs_read', offset: 5 },
  ],
  [
    { kind: 'kprobe', function: '', offset: 0, address: 0xffffffff81000010n },
    { kind: 'kprobe', function: 'vfs_read', offset: 16 },
  ],
  [
    { kind: 'fexit', function: 'vfs_read', module: 'vmlinux' },
    { kind: 'fexit', function: 'vfs_read' },
  ],
  [
    { kind: 'profile', frequency: 99 },
    { kind: 'clock', periodNs: 10_101_010, cpu: 'all' },
  ],
  [
    { kind: 'interval', periodNs: 5_000_000_000 },
    { kind: 'clock', periodNs: 5_000_000_000, cpu: 0 },
  ],
])('%o becomes the hook %o', (target, hook) => {
  expect(planAttachment(target, machine.kernel)).toEqual({ kind: 'hook', target: hook });
});

test('an address outside of kernel text cannot be probed', () => {
  expect(planAttachment({ kind: 'kprobe', function: '', offset: 0, address: 0x10n }, machine.kernel)).toEqual({
    kind: 'unsupported',
    reason: '0x10 is no kernel text',
  });
});
