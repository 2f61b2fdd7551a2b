import { expect, test } from 'vitest';
import type { AttachTarget } from '../../src/lang/attach-target.ts';
import { attachAll, planAttachment } from '../../src/runtime/attach.ts';
import type { HookTarget, Kernel } from '../../src/runtime/kernel.ts';
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
  expect(planAttachment(target, machine.kernel)).toEqual({ kind: 'hooks', targets: [hook] });
});

test('an address outside of kernel text cannot be probed', () => {
  expect(planAttachment({ kind: 'kprobe', function: '', offset: 0, address: 0x10n }, machine.kernel)).toEqual({
    kind: 'unsupported',
    reason: '0x10 is no kernel text',
  });
});

test('a program that functions share has a hook at each of them', () => {
  const target: AttachTarget = { kind: 'kretprobe', function: 'vfs_*', functions: ['vfs_read', 'vfs_write'] };
  expect(planAttachment(target, machine.kernel)).toEqual({
    kind: 'hooks',
    targets: [
      { kind: 'kretprobe', function: 'vfs_read' },
      { kind: 'kretprobe', function: 'vfs_write' },
    ],
  });
});

test('a session program is called at the return of its functions, too', () => {
  const target = { kind: 'kprobe', function: 'vfs_*', functions: ['vfs_read'], offset: 0, session: true } as const;
  const plan = planAttachment(target, machine.kernel);
  expect(plan).toEqual({
    kind: 'hooks',
    targets: [{ kind: 'kprobe', function: 'vfs_read', offset: 0 }],
    returns: [{ kind: 'kretprobe', function: 'vfs_read' }],
  });
  const attached: string[] = [];
  const kernel: Kernel = {
    ...machine.kernel,
    attach(hook, handler) {
      handler(hook.kind === 'kprobe' ? 1 : 2);
      return { ok: true, detach: () => undefined };
    },
  };
  if (plan.kind !== 'hooks') throw new Error('no hooks');
  attachAll(
    kernel,
    plan,
    ({ atReturn }) =>
      (context) =>
        void attached.push(`${context} ${atReturn}`),
  );
  expect(attached).toEqual(['1 false', '2 true']);
});

test('when one of several hooks fails the others are taken back', () => {
  const attached: string[] = [];
  const kernel: Kernel = {
    ...machine.kernel,
    attach(target) {
      if (target.kind !== 'kprobe' || target.function === 'missing')
        return { ok: false, errno: 'ENOENT', reason: 'no such function' };
      attached.push(target.function);
      return { ok: true, detach: () => void attached.pop() };
    },
  };
  const result = attachAll(
    kernel,
    { kind: 'hooks', targets: ['a', 'b', 'missing'].map((name) => ({ kind: 'kprobe', function: name, offset: 0 })) },
    () => () => undefined,
  );
  expect(result).toMatchObject({ ok: false, errno: 'ENOENT' });
  expect(attached).toEqual([]);
});
