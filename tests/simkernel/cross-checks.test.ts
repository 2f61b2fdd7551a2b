import { expect, test } from 'vitest';
import { PT_REGS } from '../../src/btf/pt-regs.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { offsetOf } from '../../src/simkernel/kernel-types.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import type { ScenarioName } from '../../src/simkernel/scenarios/index.ts';
import { TCP_CLOSE } from '../../src/simkernel/net/sock.ts';
import { TASK_RUNNING } from '../../src/simkernel/tasks/task.ts';
import { fieldOffset, runFor, SECOND, u64At } from './support.ts';

/**
 * What several tools count of one run must fit together: probes of all of them sit on one machine at once, where bpftrace's
 * tools have theirs.
 */
const LENGTH = 0.4 * SECOND;

function onTracepoint(m: Machine, event: string, handler: (record: number) => void): void {
  const [category, name] = event.split(':');
  expect(m.attach({ kind: 'tracepoint', category: category!, name: name! }, handler).ok).toBe(true);
}
function onFunction(m: Machine, name: string, returns: boolean, handler: (context: number) => void): void {
  const target = { function: name, offset: 0 };
  expect(m.attach({ kind: returns ? 'kretprobe' : 'kprobe', ...target }, handler).ok).toBe(true);
}
const u32 = (m: Machine, event: string, field: string, record: number): number =>
  m.words[(record + fieldOffset(event, field)) >> 2]! >>> 0;
const s64 = (m: Machine, event: string, field: string, record: number): number =>
  Number(BigInt.asIntN(64, BigInt(u64At(m, record + fieldOffset(event, field)))));

test('biosnoop, biolatency and the block events see the same requests and bytes', () => {
  const m = createMachine({ scenario: SCENARIOS.disk });
  const seen = { started: 0, issued: 0, completed: 0, done: 0, accounted: 0, flushes: 0 };
  onTracepoint(m, 'block:block_io_start', () => (seen.started += 1));
  onTracepoint(m, 'block:block_io_done', () => (seen.done += 1));
  onFunction(m, 'blk_account_io_start', false, () => (seen.accounted += 1));
  const under = new Set<string>();
  const key = (event: string, record: number): string =>
    `${u32(m, event, 'dev', record)} ${u64At(m, record + fieldOffset(event, 'sector'))}`;
  onTracepoint(m, 'block:block_rq_issue', (record) => {
    if (u32(m, 'block:block_rq_issue', 'bytes', record) === 0) return;
    seen.issued += 1;
    under.add(key('block:block_rq_issue', record));
  });
  onTracepoint(m, 'block:block_rq_complete', (record) => {
    if (u32(m, 'block:block_rq_complete', 'nr_sector', record) === 0) return;
    seen.completed += 1;
    under.delete(key('block:block_rq_complete', record));
  });
  runFor(m, LENGTH);
  expect(seen.issued).toBeGreaterThan(50);
  expect(seen.accounted).toBe(seen.started);
  expect(seen.issued - seen.completed).toBe(under.size);
  expect(seen.started).toBeGreaterThanOrEqual(seen.done);
  const stats = m.disks.flatMap((disk) => Object.values(disk.stats));
  expect(stats.reduce((sum, { requests }) => sum + requests, 0)).toBe(seen.done);
  // /proc/diskstats: name, reads, their merges, sectors and ms, the same of writes, requests under way, ms with any.
  const rows = new TextDecoder().decode(m.readFile('/proc/diskstats')).trim().split('\n');
  const columns = rows.map((row) => row.trim().split(/\s+/).slice(3).map(Number));
  expect(rows).toHaveLength(m.disks.length);
  expect(columns.map((values) => values.length)).toEqual(rows.map(() => 17));
  const sum = (column: number): number => columns.reduce((total, values) => total + values[column]!, 0);
  expect(sum(0) + sum(4) + sum(15)).toBe(seen.done);
  expect(sum(8)).toBe(seen.started - seen.done);
  for (const values of columns) expect(values[9]).toBeLessThanOrEqual(LENGTH / 1e6 + 1);
  expect(sum(9)).toBeGreaterThan(0);
});

test('opens: what sys_enter_openat counts is what opensnoop prints and what the descriptors say', () => {
  const m = createMachine({ scenario: SCENARIOS.server });
  const entered = new Map<number, number>();
  let entries = 0;
  let lines = 0;
  let opened = 0;
  let failed = 0;
  onTracepoint(m, 'syscalls:sys_enter_openat', () => {
    entries += 1;
    entered.set(m.currentTask.pid, 1);
  });
  onTracepoint(m, 'syscalls:sys_exit_openat', (record) => {
    if (!entered.delete(m.currentTask.pid)) return;
    lines += 1;
    if (s64(m, 'syscalls:sys_exit_openat', 'ret', record) >= 0) opened += 1;
    else failed += 1;
  });
  let functions = 0;
  onFunction(m, 'do_sys_openat2', true, () => (functions += 1));
  runFor(m, LENGTH);
  expect(entries).toBeGreaterThan(30);
  expect(lines + entered.size).toBe(entries);
  expect(functions).toBe(lines);
  expect(opened + failed).toBe(lines);
  expect(failed).toBeGreaterThan(0);
});

test('every connection that tcpconnect tells of is one of tcplife, or still there', () => {
  const m = createMachine({ scenario: SCENARIOS.network });
  const connected = new Set<number>();
  const ended = new Set<number>();
  onFunction(m, 'tcp_connect', false, (context) => connected.add(m.words[(context + PT_REGS.di) >> 2]!));
  onFunction(m, 'tcp_set_state', false, (context) => {
    const sk = m.words[(context + PT_REGS.di) >> 2]!;
    if (m.words[(context + PT_REGS.si) >> 2] === TCP_CLOSE && connected.has(sk)) ended.add(sk);
  });
  runFor(m, 1.2 * SECOND);
  expect(connected.size).toBeGreaterThan(3);
  const open = [...connected].filter((sk) => !ended.has(sk));
  const state = offsetOf('sock', '__sk_common.skc_state');
  for (const sk of open) expect(m.arena.bytes[sk + state]).not.toBe(TCP_CLOSE);
});

test('each execve that works is a line of execsnoop, and each process that was forked ends once', () => {
  const m = createMachine({ scenario: SCENARIOS.build });
  const seen = { entered: 0, worked: 0, failed: 0, execs: 0, forks: 0, exits: 0 };
  const before = new Set(m.tasks.keys());
  onTracepoint(m, 'syscalls:sys_enter_execve', () => (seen.entered += 1));
  // What works does not come back as the same program, but the event of its end is there.
  onTracepoint(m, 'syscalls:sys_exit_execve', (record) => {
    if (s64(m, 'syscalls:sys_exit_execve', 'ret', record) < 0) seen.failed += 1;
    else seen.worked += 1;
  });
  onTracepoint(m, 'sched:sched_process_exec', () => (seen.execs += 1));
  const alive = new Set<number>();
  onTracepoint(m, 'sched:sched_process_fork', (record) => {
    seen.forks += 1;
    alive.add(u32(m, 'sched:sched_process_fork', 'child_pid', record));
  });
  onTracepoint(m, 'sched:sched_process_exit', (record) => {
    const pid = u32(m, 'sched:sched_process_exit', 'pid', record);
    seen.exits += 1;
    expect(alive.delete(pid) || before.has(pid)).toBe(true);
  });
  runFor(m, LENGTH);
  expect(seen.execs).toBeGreaterThan(10);
  expect(seen.worked).toBe(seen.execs);
  expect(seen.worked + seen.failed).toBeLessThanOrEqual(seen.entered);
  // No task is lost: whoever was forked and has not ended is still there.
  for (const pid of alive) expect(m.tasks.has(pid)).toBe(true);
});

test.each<ScenarioName>(['server', 'build', 'network'])(
  '%s: who is switched in was runnable, who is switched out was running, and nobody runs twice',
  (name) => {
    const m = createMachine({ scenario: SCENARIOS[name] });
    const running = new Map<number, number>();
    let switches = 0;
    let wakeups = 0;
    onTracepoint(m, 'sched:sched_wakeup', () => (wakeups += 1));
    const event = 'sched:sched_switch';
    onTracepoint(m, event, (record) => {
      switches += 1;
      const cpu = m.cpu.id;
      const out = u32(m, event, 'prev_pid', record);
      const next = u32(m, event, 'next_pid', record);
      if (running.has(cpu)) expect(running.get(cpu)).toBe(out);
      running.set(cpu, next);
      if (next !== 0) expect([...running.values()].filter((pid) => pid === next)).toHaveLength(1);
    });
    runFor(m, LENGTH / 2);
    expect(switches).toBeGreaterThan(40);
    expect(wakeups).toBeGreaterThan(0);
    // Runnable tasks are on exactly one queue, or on a CPU.
    for (const task of m.tasks.values()) {
      const places = m.cpuList.filter(({ current, runQueue }) => current === task || runQueue.tasks.includes(task));
      if (task.state === TASK_RUNNING && task.exitState === 0 && task.pid !== 0 && task.onRunQueue)
        expect(places.length).toBe(1);
    }
  },
);

test('frames: what the card sends and receives is what its counters, the wire and the events say', () => {
  const m = createMachine({ scenario: SCENARIOS.network });
  const seen = { started: 0, sent: 0, frames: 0, queued: 0, received: 0 };
  const [start, end] = ['net:net_dev_start_xmit', 'net:net_dev_xmit'];
  // The card makes several frames of a long segment.
  let segs = 0;
  onTracepoint(m, 'net:net_dev_queue', () => (seen.queued += 1));
  onTracepoint(m, start, (record) => {
    seen.started += 1;
    segs = Math.max(1, u32(m, start, 'gso_segs', record) & 0xffff);
  });
  onTracepoint(m, end, (record) => {
    if (u32(m, end, 'rc', record) !== 0) return;
    seen.sent += 1;
    seen.frames += segs;
  });
  onTracepoint(m, 'net:netif_receive_skb', () => (seen.received += 1));
  const counters = (): { tx: number; rx: number } =>
    m.netDevices.reduce((sum, { stats }) => ({ tx: sum.tx + stats.txPackets, rx: sum.rx + stats.rxPackets }), {
      tx: 0,
      rx: 0,
    });
  const before = counters();
  runFor(m, LENGTH);
  const after = counters();
  expect(seen.sent).toBeGreaterThan(50);
  expect(seen.frames).toBeGreaterThan(seen.sent);
  expect(after.tx - before.tx).toBe(seen.frames);
  expect(seen.started - seen.sent).toBeGreaterThanOrEqual(0);
  // What was queued was started, or waits still, or was dropped where it waited.
  const waiting = m.netDevices.flatMap(({ qdiscs }) => qdiscs).reduce((sum, { queue }) => sum + queue.length, 0);
  expect(seen.queued - waiting).toBeLessThanOrEqual(seen.started);
  expect(seen.received).toBeGreaterThan(50);
});
