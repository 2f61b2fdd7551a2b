import { describe, expect, test } from 'vitest';
import { machineRunning, MILLISECOND, runFor } from '../support.ts';
import type { Machine } from '../../../src/simkernel/machine.ts';
import type { EventFile } from '../../../src/simkernel/tracefs/event-file.ts';
import { histTriggers } from '../../../src/simkernel/tracefs/hist/hist-data.ts';
import { histsText } from '../../../src/simkernel/tracefs/hist/hist-trigger.ts';
import { recordsOf } from '../../../src/simkernel/tracefs/ring-buffer.ts';
import { findSynthetic } from '../../../src/simkernel/tracefs/synthetic-event.ts';
import { syntheticFile } from '../../../src/simkernel/tracefs/synthetic-events.ts';
import { traceArray } from '../../../src/simkernel/tracefs/trace-array.ts';
import { writeTrigger } from '../../../src/simkernel/tracefs/triggers/commands.ts';

const EBUSY = -16;
const EEXIST = -17;
const EINVAL = -22;
const EDOM = -33;

const machine = (): Machine =>
  machineRunning([
    function* (u) {
      for (;;) yield u.nanosleep(MILLISECOND / 5);
    },
  ]);
const fileOf = (m: Machine, system: string, name: string): EventFile =>
  traceArray(m).file(traceArray(m).event(system, name)!);
const define = (m: Machine, text: string): number => syntheticFile.write!(traceArray(m), text);

describe('what variables, expressions and actions are refused for stands in error_log at its place', () => {
  const m = machine();
  const array = traceArray(m);
  const file = fileOf(m, 'sched', 'sched_switch');
  define(m, 'lat u64 ns; pid_t pid\n');
  writeTrigger(fileOf(m, 'sched', 'sched_waking'), 'hist:keys=pid:ts=common_timestamp,us=common_timestamp.usecs');
  writeTrigger(fileOf(m, 'sched', 'sched_wakeup'), 'hist:keys=pid:both=prio');
  writeTrigger(fileOf(m, 'sched', 'sched_wakeup_new'), 'hist:keys=pid:both=prio');
  test.each<[string, string, number?]>([
    ['hist:keys=next_pid:a=$^gone', "Couldn't find variable"],
    ['hist:keys=next_pid:a=$^both', 'Variable name not unique, need to use fully qualified name'],
    ['hist:keys=next_pid:a=^next_comm+1', 'String type can not be an operand in expression'],
    ['hist:keys=next_pid:a=1-^next_comm', 'String type can not be an operand in expression'],
    ['hist:keys=next_pid:a=next_prio/^0', 'Division by zero', EDOM],
    ['hist:keys=next_pid:a=^12x', 'Expecting numeric literal'],
    ['hist:keys=next_pid:a=^1+2+3+4+5', 'Too many subexpressions (3 max)'],
    ['^hist:keys=next_pid:a=common_timestamp.usecs-$ts', "Timestamp units in expression don't match"],
    ['hist:keys=next_pid:^a=1,a=2', 'Variable already defined'],
    ['hist:keys=next_pid:a=1,^b', 'Malformed assignment'],
    ['hist:keys=next_pid:a=next_prio.^log2', 'Invalid field modifier'],
    ['hist:keys=^$ts', 'Using variable references in keys not supported'],
    ['hist:keys=next_pid:onmatch(^sched.sched_waking', 'No closing paren found'],
    ['hist:keys=next_pid:onmatch(^sched).lat(next_pid)', 'Missing subsystem'],
    ['hist:keys=next_pid:onmatch(sched.^nothing).lat(next_pid)', 'Invalid subsystem or event name'],
    ['^hist:keys=next_pid:onmatch(sched.sched_waking)', 'No action found'],
    ['^hist:keys=next_pid:onmatch(sched.sched_waking).lat', 'No action found'],
    ['hist:keys=next_pid:onmatch(sched.sched_waking).lat($ts,^z)', 'Invalid action param'],
    ['hist:keys=next_pid:onmatch(sched.sched_waking).^nobody($ts)', "Couldn't find synthetic event"],
    ['hist:keys=next_pid:onmatch(sched.sched_waking).lat(^$ts,next_comm)', "Param type doesn't match", EINVAL],
    ['hist:keys=next_pid:onmatch(sched.sched_waking).lat($^gone)', "Couldn't find param"],
    ['hist:keys=next_pid:onmatch(sched.sched_waking).^lat($ts)', "Param count doesn't match"],
    ['hist:keys=next_pid:onmatch(sched.sched_waking).^save(next_comm)', "Handler doesn't support action"],
    ['hist:keys=next_pid:onmax(^next_prio).save(next_comm)', 'For onmax(x) or onchange(x), x must be a variable'],
    ['hist:keys=next_pid:onmax($^lat).save(next_comm)', "Couldn't find onmax or onchange variable"],
    ['hist:keys=next_pid:p=next_prio:onmax($p).save(^gone)', "Couldn't create field variable"],
    ['hist:keys=next_pid:a=common_timestamp:clock=^sundial', "Couldn't set trace_clock"],
  ])('%s', (marked, message, errno) => {
    const command = marked.replace('^', '');
    array.errors.splice(0);
    expect(writeTrigger(file, command)).toBe(errno ?? EINVAL);
    const found = array.errors.find((error) => error.includes(`error: ${message}`));
    const lines = (found ?? array.errors.join('')).split('\n');
    expect(lines[0]).toContain(`hist:sched:sched_switch: error: ${message}`);
    expect(lines[1]).toBe(`  Command: ${command}`);
    const column = lines[2]!.indexOf('^') - '  Command: '.length;
    const isOfPart = marked.includes('lat(^$ts') ? command.indexOf('next_comm') : marked.indexOf('^');
    expect(column).toBe(isOfPart);
    expect(file.triggers).toEqual([]);
    expect(findSynthetic(array, 'lat')!.users).toBe(0);
  });
});

test.each<[string, number]>([
  ['lat', EINVAL],
  ['lat u64', EINVAL],
  ['lat unsigned int', EINVAL],
  ['lat u65 x', EINVAL],
  ['lat u64 9x', EINVAL],
  ['lat char x[300]', EINVAL],
  ['lat u64 a; u64', EINVAL],
  ['la-t u64 a', EINVAL],
  ['known u64 a', EEXIST],
  ['!lat', -2],
])('the synthetic event %s is refused', (text, errno) => {
  const m = machine();
  define(m, 'known u64 a');
  expect(define(m, text)).toBe(errno);
  expect(syntheticFile.read!(traceArray(m))).toBe('known\tu64 a\n');
});

test('what others refer to stays until they are gone', () => {
  const m = machine();
  const [waking, next] = [fileOf(m, 'sched', 'sched_waking'), fileOf(m, 'sched', 'sched_switch')];
  expect(define(m, 'lat u64 ns; pid_t pid; int prio')).toBe(0);
  expect(writeTrigger(waking, 'hist:keys=pid:ts=common_timestamp')).toBe(0);
  const user = 'hist:keys=next_pid:ns=common_timestamp-$ts:onmatch(sched.sched_waking).lat($ns,next_pid,prio)';
  expect(writeTrigger(next, user)).toBe(0);
  // The other event's field needs a histogram of its own there.
  expect(histTriggers(waking).map(({ text }) => text)).toEqual([
    'hist:keys=pid:vals=hitcount:ts=common_timestamp:sort=hitcount:size=2048:clock=global [active]\n',
    'hist:keys=pid:vals=hitcount:synthetic_prio=prio:sort=hitcount:size=2048 [active]\n',
  ]);
  expect(writeTrigger(waking, '!hist:keys=pid:ts=common_timestamp')).toBe(EBUSY);
  expect(define(m, '!lat')).toBe(EBUSY);
  expect(writeTrigger(next, `!${user}`)).toBe(0);
  expect(histTriggers(waking)).toHaveLength(1);
  expect(define(m, '!lat')).toBe(0);
  expect(writeTrigger(waking, '!hist:keys=pid:ts=common_timestamp')).toBe(0);
  expect([waking.isEnabled, next.isEnabled]).toEqual([false, false]);
});

test('every wake-up that is followed by a switch fires the event once, with the time between', () => {
  const m = machine();
  const array = traceArray(m);
  const [waking, next] = [fileOf(m, 'sched', 'sched_waking'), fileOf(m, 'sched', 'sched_switch')];
  define(m, 'lat u64 ns; pid_t pid');
  writeTrigger(waking, 'hist:keys=pid:ts=common_timestamp');
  writeTrigger(next, 'hist:keys=next_pid:ns=common_timestamp-$ts:onmatch(sched.sched_waking).lat($ns,next_pid)');
  const lat = array.file(array.event('synthetic', 'lat')!);
  for (const file of [waking, next, lat]) expect(file.enable(true)).toBe(0);
  runFor(m, 10 * MILLISECOND);
  const wokenAt = new Map<number, number>();
  const expected: string[] = [];
  const found: string[] = [];
  for (const { event, data, timeNs } of recordsOf(array.rings)) {
    const view = new DataView(data.buffer, data.byteOffset);
    if (event.name === 'sched_waking') wokenAt.set(view.getInt32(24, true), Math.floor(timeNs));
    if (event.name === 'lat') found.push(`${view.getInt32(16, true)} ${view.getBigUint64(8, true)}`);
    if (event.name !== 'sched_switch') continue;
    const pid = view.getInt32(56, true);
    const before = wokenAt.get(pid);
    wokenAt.delete(pid);
    if (before !== undefined) expected.push(`${pid} ${Math.floor(timeNs) - before}`);
  }
  expect(found.length).toBeGreaterThan(10);
  expect(found.sort()).toEqual(expected.sort());
});

test.each([
  ['next_prio+1', 121n],
  ['next_prio-1-1', 118n],
  ['next_prio*2+1', 241n],
  ['next_prio/8', 15n],
  // The kernel multiplies and shifts instead of dividing by a number it knows, and rounds up.
  ['next_prio/7', 18n],
  ['-(next_prio)', BigInt.asUintN(64, -120n)],
  ['10/3', 4n],
])('%s is what the kernel makes of it', (text, value) => {
  const m = machine();
  const file = fileOf(m, 'sched', 'sched_switch');
  expect(writeTrigger(file, `hist:keys=next_prio:x=${text}:onmax($x).save(next_pid) if next_prio == 120`)).toBe(0);
  runFor(m, 5 * MILLISECOND);
  expect(histsText(file)).toContain(`\tmax: ${String(value).padStart(10)} `);
});
