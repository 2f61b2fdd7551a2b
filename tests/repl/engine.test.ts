import { describe, expect, test } from 'vitest';
import { runArguments } from '../run-case.ts';
import { createTestRepl, outputOf } from './harness.ts';

const READS = 'kprobe:vfs_read { @[comm] = count(); @h = hist(arg2); }';

describe('the machine that is watched live', () => {
  test('prints what the command prints, though it ran in many small pieces', async () => {
    const repl = createTestRepl();
    repl.type(':duration 300ms\r');
    repl.type(`${READS}\r`);
    repl.wait(1);
    const { stdout } = await runArguments(['--jit=interp', '--duration', '300ms', '-e', READS]);
    expect(repl.model().attached).toEqual([]);
    expect(outputOf(repl.model())).toBe(stdout);
  });

  test('shows maps grow while virtual time keeps step with the clock', () => {
    const repl = createTestRepl();
    repl.type('kprobe:vfs_read { @ = count(); }\r');
    const readings = [1, 2].map(() => {
      repl.wait(0.2);
      const { frame } = repl.model();
      return { ns: frame!.elapsedNs, count: frame!.programs[0]!.maps[0]!.rows[0]!.amount! };
    });
    expect(readings.map(({ ns }) => ns)).toEqual([0.2e9, 0.4e9]);
    expect(readings[1]!.count).toBeGreaterThan(readings[0]!.count);
  });

  test('starts anew for what is run alone: the same script prints the same again', () => {
    const repl = createTestRepl();
    const once = (): string => {
      repl.type(':clear\r:duration 100ms\r');
      repl.type(`${READS}\r`);
      repl.wait(1);
      return outputOf(repl.model());
    };
    const first = once();
    expect(first).toMatch(/@\[\w+\]: \d/);
    expect(once()).toBe(first);
  });

  test('has several scripts attached at once, and detaches one by its name', () => {
    const repl = createTestRepl();
    repl.type('kprobe:vfs_read { @reads = count(); }\r');
    repl.wait(0.1);
    repl.type('tracepoint:sched:sched_switch { @switches = count(); }\r');
    repl.type('kprobe:vfs_read { @again = count(); }\r');
    repl.wait(0.1);
    expect(repl.model().attached.map(({ name }) => name)).toEqual(['vfs_read', 'sched_switch', 'vfs_read-2']);
    expect(repl.model().frame!.programs.map(({ maps }) => maps[0]!.name)).toEqual(['@reads', '@switches', '@again']);
    repl.type(':detach vfs_read\r');
    expect(repl.model().attached.map(({ name }) => name)).toEqual(['sched_switch', 'vfs_read-2']);
    expect(outputOf(repl.model())).toMatch(/@reads: \d+\n/);
    repl.wait(0.1);
    expect(repl.model().frame!.programs).toHaveLength(2);
  });

  test('stands still while it is paused, and steps to the next firing of a probe', () => {
    const repl = createTestRepl();
    repl.type('tracepoint:block:block_rq_issue { @ = count(); }\r');
    repl.wait(0.1);
    repl.type(' ');
    const paused = repl.model().frame!;
    repl.wait(1);
    expect(repl.model().frame!.elapsedNs).toBe(paused.elapsedNs);
    const hits = (): number => repl.model().frame!.programs[0]!.probes[0]!.hits;
    const before = hits();
    repl.type('n');
    expect(hits()).toBeGreaterThan(before);
    expect(repl.model().frame!.elapsedNs).toBeGreaterThan(paused.elapsedNs);
    expect(repl.model().isPaused).toBe(true);
    repl.type(' ');
    repl.wait(0.2);
    expect(repl.model().frame!.elapsedNs).toBeGreaterThan(paused.elapsedNs + 0.05e9);
  });

  test('runs slower or faster than the clock', () => {
    const repl = createTestRepl();
    repl.type('kprobe:vfs_read { @ = count(); }\r-');
    expect(repl.model().speed).toBe(0.1);
    repl.wait(0.5);
    expect(repl.model().frame!.elapsedNs).toBe(0.05e9);
  });

  test('ends with Ctrl-C, and the REPL does not', () => {
    const repl = createTestRepl();
    repl.type(`${READS} end { printf("bye\\n"); }\r`);
    repl.wait(0.2);
    repl.type('\u0003');
    expect(repl.model().attached).toEqual([]);
    expect(outputOf(repl.model())).toMatch(/bye\n[^]*@h:\n/);
    expect(repl.model().isLeaving).toBe(false);
  });

  test('ends a script that calls exit() and leaves the others', () => {
    const repl = createTestRepl();
    repl.type('kprobe:vfs_read { @ = count(); }\r');
    repl.type('interval:ms:50 { printf("out\\n"); exit(); }\r');
    repl.wait(0.3);
    expect(repl.model().attached.map(({ name }) => name)).toEqual(['vfs_read']);
    expect(outputOf(repl.model())).toContain('out\n');
  });

  test('shows what the CPUs do and which interrupts they got', () => {
    const repl = createTestRepl();
    repl.type('kprobe:vfs_read { @ = count(); }\r\u001b[19~');
    repl.wait(0.2);
    const { cpus, columnNs } = repl.model().frame!.timeline!;
    expect(cpus).toHaveLength(4);
    expect(columnNs).toBe(1_000_000);
    expect(cpus.flat().some(({ use, comm }) => use === 'user' && comm !== '')).toBe(true);
    repl.type('\u001b[18~');
    expect(repl.model().frame!.interrupts).toMatch(/LOC: .*Local timer interrupts/);
  });

  test('is another one after :scenario, :seed and :cpus', () => {
    const repl = createTestRepl();
    repl.type(':scenario idle\r:seed 7\r:cpus 2\r');
    expect(repl.model().settings).toEqual({ scenario: 'idle', yaml: undefined, seed: 7, cpus: 2 });
    expect(repl.model().cpus).toBe(2);
  });
});

describe('what the engine says of a text', () => {
  test.each([
    ['kprobe:vfs_read { @ = count(1); }', 'count() requires no arguments (1 provided)', 'count(1)'],
    ['kprobe:vfs_read { printf("%d", $x); }', 'Undefined or undeclared variable: $x', '$x'],
    ['kprobe:vfs_rea { }', 'No matches for kprobe vfs_rea.', 'kprobe:vfs_rea'],
  ])('%s: %s', (text, message, place) => {
    const repl = createTestRepl();
    repl.type(text);
    const [note] = repl.model().notes;
    expect(note?.message).toBe(message);
    expect(text.slice(note!.place!.start, note!.place!.end)).toBe(place);
  });

  test('a script with a mistake is not run and stays in the editor', () => {
    const repl = createTestRepl();
    repl.type('kprobe:vfs_read { @ = count(1); }\r');
    expect(repl.model().attached).toEqual([]);
    expect(repl.model().editor.text).toBe('kprobe:vfs_read { @ = count(1); }');
    expect(repl.model().notes).toHaveLength(1);
  });

  test('stages are shown of what is being written, as far as it is whole', () => {
    const repl = createTestRepl();
    repl.type(':bytecode\rkprobe:vfs_read { @a = count(); }');
    expect(repl.model().pane!.text).toContain('map AT_a');
    repl.type(' kprobe:');
    expect(repl.model().pane!.text).toContain('map AT_a');
  });
});
