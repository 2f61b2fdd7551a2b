import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { machineRunning, MILLISECOND, runFor } from '../support.ts';
import type { Machine } from '../../../src/simkernel/machine.ts';
import type { EventFile } from '../../../src/simkernel/tracefs/event-file.ts';
import { histsText } from '../../../src/simkernel/tracefs/hist/hist-trigger.ts';
import { recordsOf } from '../../../src/simkernel/tracefs/ring-buffer.ts';
import { traceArray } from '../../../src/simkernel/tracefs/trace-array.ts';
import { triggersText, writeTrigger } from '../../../src/simkernel/tracefs/triggers/commands.ts';

const EEXIST = -17;
const EINVAL = -22;
const ENOENT = -2;

const machine = (): Machine =>
  machineRunning([
    function* (u) {
      for (;;) yield u.nanosleep(MILLISECOND / 5);
    },
  ]);
const fileOf = (m: Machine, system: string, name: string): EventFile =>
  traceArray(m).file(traceArray(m).event(system, name)!);

describe('what a hist trigger is refused for stands in error_log at its place', () => {
  const m = machine();
  const file = fileOf(m, 'sched', 'sched_switch');
  test.each<[string, string, number?]>([
    ['hist:keys=^nobody', "Couldn't find field"],
    ['hist:keys=next_pid,^nobody.hex', "Couldn't find field"],
    ['hist:keys=next_pid.^log3', 'Invalid field modifier'],
    ['hist:keys=next_pid.^buckets=0', 'Invalid field modifier'],
    ['hist:keys=next_pid.^execname', 'Invalid field modifier'],
    ['hist:keys=next_pid.^percent', 'Invalid field modifier'],
    ['hist:keys=next_pid:vals=next_prio.^sym', 'Invalid field modifier'],
    ['hist:^keys=', 'Empty assignment'],
    ['hist:keys=next_pid:^sort=,hitcount', 'Empty sort field'],
    ['hist:keys=next_pid:^sort=hitcount,next_pid,hitcount', 'Too many sort fields (Max = 2)'],
    ['hist:keys=next_pid:sort=^prev_pid', 'Sort field must be a key or a val'],
    ['hist:keys=next_pid:sort=next_pid.^up', 'Invalid sort modifier'],
    ['^hist:keys=next_pid:clear', "Can't clear or continue a nonexistent hist trigger", ENOENT],
    ['hist:^keys=next_pid:nohitcount', 'Hist trigger with NOHC option must have at least one more value'],
  ])('%s', (marked, message, errno) => {
    const command = marked.replace('^', '');
    expect(writeTrigger(file, command)).toBe(errno ?? EINVAL);
    const lines = traceArray(m).errors.at(-1)!.split('\n');
    expect(lines[0]).toContain(`hist:sched:sched_switch: error: ${message}`);
    expect(lines[1]).toBe(`  Command: ${command}`);
    expect(lines[2]!.indexOf('^') - '  Command: '.length).toBe(marked.indexOf('^'));
    expect(file.triggers).toEqual([]);
  });
  test.each([
    'hist',
    'hist:vals=next_pid',
    'hist:keys=next_pid:size=64',
    'hist:keys=next_pid:size=262144',
    'hist:keys=next_pid,prev_pid,next_prio,prev_prio',
    'hist:keys=next_pid:something',
    'traceoff:0x',
    'traceoff if',
    'stacktrace five',
    'enable_event:sched',
    'enable_event:sched:sched_switch:2:3',
    'nothing',
  ])('%s is refused', (command) => {
    expect(writeTrigger(file, command)).toBe(EINVAL);
    expect(file.isEnabled).toBe(false);
  });
});

test('a histogram counts what the buffers would hold', () => {
  const m = machine();
  const array = traceArray(m);
  const file = fileOf(m, 'sched', 'sched_switch');
  expect(writeTrigger(file, 'hist:keys=next_pid if next_pid != 0')).toBe(0);
  expect(writeTrigger(file, 'hist:keys=next_pid if next_pid != 0')).toBe(EEXIST);
  expect(file.enable(true)).toBe(0);
  runFor(m, 5 * MILLISECOND);
  const records = recordsOf(array.rings).filter(({ data }) => new DataView(data.buffer).getInt32(56, true) !== 0);
  expect(records.length).toBeGreaterThan(5);
  expect(histsText(file)).toContain(`\n    Hits: ${records.length}\n`);
});

test('counts run out; a trigger without effect does not use them up', () => {
  const m = machine();
  const array = traceArray(m);
  const file = fileOf(m, 'sched', 'sched_switch');
  expect(writeTrigger(file, 'traceon:3')).toBe(0);
  expect(writeTrigger(file, 'traceoff:2')).toBe(0);
  runFor(m, 2 * MILLISECOND);
  // The newer one runs first: off, on, off, on, and then nobody switches off any more.
  expect(triggersText(file)).toBe('traceoff:count=0\ntraceon:count=1\n');
  expect(array.isOn).toBe(true);
});

test('whatever comes and goes: events that nobody wants are listened to no more', () => {
  const commands = [
    'traceon',
    'stacktrace:2',
    'snapshot if next_pid == 0',
    'enable_event:sched:sched_waking',
    'disable_event:sched:sched_waking:4',
    'hist:keys=next_pid',
    'hist:keys=common_stacktrace:size=128',
    'hist:name=a:keys=next_comm',
  ];
  const step = fc.oneof(
    fc.record({ add: fc.boolean(), which: fc.nat(commands.length - 1) }),
    fc.constant({ add: false, which: -1 }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 24 }), fc.boolean(), (steps, keep) => {
      const m = machine();
      const traced = [...m.traced];
      const [file, target] = [fileOf(m, 'sched', 'sched_switch'), fileOf(m, 'sched', 'sched_waking')];
      file.enable(keep);
      for (const { add, which } of steps) {
        if (which < 0) runFor(m, MILLISECOND / 2);
        else {
          const known = file.triggers.length;
          const error = writeTrigger(file, `${add ? '' : '!'}${commands[which]!}`);
          expect([0, EEXIST]).toContain(error);
          expect(file.triggers.length - known).toBeLessThanOrEqual(add ? 1 : 0);
        }
      }
      for (const command of commands) expect(writeTrigger(file, `!${command}`)).toBe(0);
      target.enable(false);
      expect(file.enableText).toBe(keep ? '1' : '0');
      file.enable(false);
      expect([file.isEnabled, target.isEnabled, target.enableText]).toEqual([false, false, '0']);
      expect([...m.traced]).toEqual(traced);
    }),
    { numRuns: 40, seed: 3 },
  );
});
