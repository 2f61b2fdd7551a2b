import { describe, expect, test } from 'vitest';
import { PT_REGS } from '../../src/btf/pt-regs.ts';
import { offsetOf } from '../../src/simkernel/kernel-types.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import {
  follow,
  kernelFrames,
  kernelFunctions,
  machineRunning,
  MILLISECOND,
  runFor,
  textAt,
  u64At,
} from './support.ts';

const FILES = [{ path: '/etc/motd', size: 5000 }];

function* readsMotd(u: UserContext): UserBody {
  const buffer = u.buffer(8192);
  for (;;) {
    const fd = yield u.openat('/etc/motd');
    yield u.read(fd, buffer, 4096);
    yield u.read(fd, buffer, 4096);
    yield u.read(fd, buffer, 4096);
    yield u.close(fd);
    yield u.nanosleep(MILLISECOND);
  }
}
function machine(): Machine {
  return machineRunning([readsMotd], { files: FILES });
}

describe('kprobes', () => {
  test('vfs_read sees its arguments in registers, and they lead to the file name', () => {
    const m = machine();
    const seen: { name: string; count: number }[] = [];
    m.attach({ kind: 'kprobe', function: 'vfs_read', offset: 0 }, (regs) => {
      const file = follow(m, regs + PT_REGS.di);
      const dentry = follow(m, file + offsetOf('file', 'f_path.dentry'));
      const name = follow(m, dentry + offsetOf('dentry', 'd_name.name'), 1);
      seen.push({ name: textAt(m, name), count: u64At(m, regs + PT_REGS.dx) });
    });
    runFor(m, 3 * MILLISECOND);
    expect(seen.length).toBeGreaterThanOrEqual(6);
    expect(new Set(seen.map(({ name, count }) => `${name} ${count}`))).toEqual(new Set(['motd 4096']));
  });

  test('a kretprobe sees the return value and the stack without its trampoline', () => {
    const m = machine();
    const values: number[] = [];
    let frames: string[] = [];
    m.attach({ kind: 'kretprobe', function: 'vfs_read' }, (regs) => {
      values.push(u64At(m, regs + PT_REGS.ax));
      frames = kernelFunctions(m);
    });
    m.attach({ kind: 'kprobe', function: 'filemap_read', offset: 0 }, () => {
      expect(kernelFunctions(m)).toEqual([
        'filemap_read',
        'generic_file_read_iter',
        'ext4_file_read_iter',
        'vfs_read',
        'ksys_read',
        '__x64_sys_read',
        'x64_sys_call',
        'do_syscall_64',
        'entry_SYSCALL_64_after_hwframe',
      ]);
    });
    runFor(m, 1.1 * MILLISECOND);
    expect(values.slice(0, 3)).toEqual([4096, 904, 0]);
    expect(frames[0]).toBe('ksys_read');
  });

  test('text at a probed function changes while probed', () => {
    const m = machine();
    const { low } = m.kernelSymbolAddress('vfs_read')!;
    const entry = low & 0x7fffffff;
    const at = (offset: number): number => m.arena.bytes[m.memory.kernelAddress(low + offset, -1, 1)]!;
    expect([at(0), at(4), at(9)]).toEqual([0xf3, 0x0f, 0x55]);
    const site = m.attach({ kind: 'kprobe', function: 'vfs_read', offset: 0 }, () => undefined);
    expect(at(4)).toBe(0xe8);
    const inside = m.attach({ kind: 'kprobe', function: 'vfs_read', offset: 9 }, () => undefined);
    expect([at(4), at(9)]).toEqual([0xe8, 0xcc]);
    for (const attached of [site, inside]) if (attached.ok) attached.detach();
    expect([at(4), at(9)]).toEqual([0x0f, 0x55]);
    expect(entry).toBeGreaterThan(0x01000000);
  });

  test('int3 inside a function traps through vector 3 with the registers of that moment', () => {
    const m = machine();
    let entries = 0;
    const ips: string[] = [];
    m.attach({ kind: 'kprobe', function: 'vfs_read', offset: 0 }, () => (entries += 1));
    m.attach({ kind: 'kprobe', function: 'vfs_read', offset: 9 }, (regs) => {
      const symbol = m.kernelSymbol(m.words[(regs + PT_REGS.ip) >> 2]!, m.words[((regs + PT_REGS.ip) >> 2) + 1]!);
      ips.push(`${symbol?.name}+${symbol?.offset} ${u64At(m, regs + PT_REGS.dx)}`);
      expect(kernelFrames(m)[1]).toMatch(/^ksys_read\+/);
    });
    runFor(m, 3 * MILLISECOND);
    expect(entries).toBeGreaterThan(0);
    expect(ips).toEqual(new Array(entries).fill('vfs_read+10 4096'));
  });

  test.each([
    ['no_such_function', 0, 'ENOENT'],
    ['vfs_read', 10_000, 'EINVAL'],
    ['vfs_read', 2, 'EILSEQ'],
    ['do_int3', 0, 'EINVAL'],
  ])('%s+%i is refused with %s', (name, offset, errno) => {
    expect(machine().attach({ kind: 'kprobe', function: name, offset }, () => undefined)).toMatchObject({
      ok: false,
      errno,
    });
  });

  test('a detached probe is silent', () => {
    const m = machine();
    let hits = 0;
    const attached = m.attach({ kind: 'kretprobe', function: 'vfs_read' }, () => (hits += 1));
    runFor(m, 2 * MILLISECOND);
    const before = hits;
    if (attached.ok) attached.detach();
    runFor(m, 5 * MILLISECOND);
    expect(before).toBeGreaterThan(0);
    expect(hits).toBe(before);
  });
});

test('fentry and fexit see typed arguments, fexit the result behind them', () => {
  const m = machine();
  const counts: number[] = [];
  const results: number[] = [];
  m.attach({ kind: 'fentry', function: 'vfs_read' }, (args) => counts.push(u64At(m, args + 16)));
  m.attach({ kind: 'fexit', function: 'vfs_read' }, (args) => {
    expect(u64At(m, args + 16)).toBe(4096);
    results.push(u64At(m, args + 32));
  });
  runFor(m, 1.1 * MILLISECOND);
  expect(counts.slice(0, 3)).toEqual([4096, 4096, 4096]);
  expect(results.slice(0, 3)).toEqual([4096, 904, 0]);
});

describe('tracepoints', () => {
  test('sys_enter_openat has the path name in user memory', () => {
    const m = machine();
    const paths: string[] = [];
    const buffer = m.memory.allocate(64);
    m.attach({ kind: 'tracepoint', category: 'syscalls', name: 'sys_enter_openat' }, (record) => {
      expect(u64At(m, record + 8)).toBe(257);
      const low = m.words[(record + 24) >> 2]!;
      const high = m.words[(record + 28) >> 2]!;
      expect(m.memory.readUser(buffer, 10, low, high)).toBe(0);
      expect(m.memory.readKernel(buffer, 10, low, high)).toBe(-14);
      paths.push(textAt(m, buffer));
    });
    runFor(m, 3 * MILLISECOND);
    expect(paths.length).toBeGreaterThanOrEqual(2);
    expect(new Set(paths)).toEqual(new Set(['/etc/motd']));
  });

  test('system call exits carry what the program receives', () => {
    const m = machine();
    const returned: number[] = [];
    m.attach({ kind: 'tracepoint', category: 'syscalls', name: 'sys_exit_read' }, (record) =>
      returned.push(u64At(m, record + 16)),
    );
    runFor(m, 1.1 * MILLISECOND);
    expect(returned.slice(0, 3)).toEqual([4096, 904, 0]);
  });

  test('sched_switch names both tasks and its raw form has the task_structs', () => {
    const m = machine();
    const switches: string[] = [];
    const raw: string[] = [];
    m.attach({ kind: 'tracepoint', category: 'sched', name: 'sched_switch' }, (record) =>
      switches.push(`${textAt(m, record + 8)} > ${textAt(m, record + 40)}`),
    );
    m.attach({ kind: 'rawtracepoint', name: 'sched_switch' }, (args) => {
      const comm = (at: number): string => textAt(m, follow(m, at, 16) + offsetOf('task_struct', 'comm'));
      raw.push(`${comm(args + 8)} > ${comm(args + 16)}`);
    });
    runFor(m, 5 * MILLISECOND);
    expect(switches).toContain('swapper/0 > program0');
    expect(switches).toContain('program0 > swapper/0');
    expect(raw).toEqual(switches);
  });

  test('a tracepoint that the machine never reaches can be listened to, an unknown one cannot', () => {
    const m = machine();
    expect(m.attach({ kind: 'tracepoint', category: 'sched', name: 'sched_stick_numa' }, () => undefined).ok).toBe(
      true,
    );
    expect(m.attach({ kind: 'tracepoint', category: 'sched', name: 'sched_nothing' }, () => undefined)).toMatchObject({
      errno: 'ENOENT',
    });
  });
});

test('the clock samples every CPU at its period, with the registers of what it hit', () => {
  const m = machine();
  const samples = new Map<number, number>();
  let idle = 0;
  m.attach({ kind: 'clock', periodNs: 100_000, cpu: 'all' }, (context) => {
    const cpu = m.words[m.current.cpu >> 2]!;
    samples.set(cpu, (samples.get(cpu) ?? 0) + 1);
    expect(u64At(m, context + 168)).toBe(100_000);
    const frames = kernelFrames(m);
    if (frames[0] !== 'pv_native_safe_halt+11') return;
    idle += 1;
    expect(frames.slice(3)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^do_idle\+/),
        expect.stringMatching(cpu === 0 ? /^rest_init\+/ : /^start_secondary\+/),
      ]),
    );
  });
  runFor(m, 10.05 * MILLISECOND);
  expect([...samples]).toEqual(
    expect.arrayContaining([
      [0, 100],
      [1, 100],
    ]),
  );
  expect(idle).toBeGreaterThan(150);
});
