import { expect, test } from 'vitest';
import { EINVAL, ENOENT, EPERM, ESRCH } from '../../../src/simkernel/errno.ts';
import { ARCHITECTURES } from '../../../src/simkernel/arch/architectures.ts';
import { fieldsByName, tracepointEvent } from '../../../src/simkernel/tracefs/event.ts';
import { parsePrintFormat } from '../../../src/simkernel/tracefs/expression.ts';
import { parseFilter } from '../../../src/simkernel/tracefs/filter.ts';
import { glob } from '../../../src/simkernel/tracefs/glob.ts';
import { TraceRing } from '../../../src/simkernel/tracefs/ring-buffer.ts';
import { listTracepoints, tracepointFormat } from '../../../src/simkernel/tracepoint-formats.ts';
import { evaluateArithmetic } from '../../../src/simkernel/shell/arithmetic.ts';
import { parseScript, SyntaxMistake } from '../../../src/simkernel/shell/parse.ts';

test('all but a handful of the print formats of Linux are understood', () => {
  const unread = listTracepoints(ARCHITECTURES.x86_64).filter(
    ({ category, name }) => parsePrintFormat(tracepointFormat(category, name)!.print) === undefined,
  );
  expect(unread.map(({ category, name }) => `${category}:${name}`).length).toBeLessThanOrEqual(UNREADABLE);
});
/** Statement expressions, sizeof and the like. */
const UNREADABLE = 20;

const fields = fieldsByName(tracepointEvent('sched', 'sched_switch')!);
test.each([
  ['common_pid != 0 && prev_comm ~ "ba*"'],
  ['!(next_pid == 1 || prev_prio >= 120)'],
  ['prev_comm == "bash"'],
  ['prev_state & 2'],
  ['comm ~ "[a-c]ash" && cpu < 2'],
  ['prev_state == 0x10 || prev_prio > -1'],
])('takes the filter %s', (text) => {
  expect(parseFilter(text, fields)).toHaveProperty('matches');
});
/** The kernel counts some columns from one behind the start of a predicate, and returns some errors as they are. */
test.each([
  ['nothing == 1', 'Field not found', 8, EINVAL],
  ['prev_pid ~ 1', 'Illegal operation for field type', 12, EINVAL],
  ['prev_pid == "1"', 'Expecting numeric field', 13, EINVAL],
  ['prev_comm == 1', 'Expecting string field', 14, EINVAL],
  ['prev_comm > "a"', 'Illegal operation for field type', 13, EINVAL],
  ['prev_pid = 1', 'Invalid operator', 10, EINVAL],
  ['(prev_pid == 1', "Too many '('", 0, ENOENT],
  ['prev_pid == 1)', "Too few '('", 13, EPERM],
  ['prev_comm == "a', 'Missing matching quote', 13, ESRCH],
  ['prev_pid == bash', 'Invalid value (did you forget quotes)?', 13, EINVAL],
  ['prev_pid == 09', 'Illegal integer value', 13, EINVAL],
  ['prev_pid == 0x10000000000000000', 'Illegal integer value', 13, EINVAL],
  ['common_type == -1', 'Illegal integer value', 16, EINVAL],
  ['prev_pid == 1 next_pid == 2', 'Too many terms in predicate expression', 14, EPERM],
  ['prev_pid.function == vfs_read', 'Illegal operation for field type', 22, EINVAL],
  ['()', 'No filter found', 0, EINVAL],
])('refuses the filter %s', (text, message, position, errno) => {
  expect(parseFilter(text, fields)).toEqual({ message, position, errno });
});

test.each([
  ['a[b-d]*', 'acx', true],
  ['a[!b-d]*', 'acx', false],
  ['*.so.?', 'libc.so.6', true],
  ['*.so.?', 'libcXso.6', false],
  ['\\*', '*', true],
  ['\\*', 'x', false],
  ['a[', 'a[', true],
])('the pattern %s against %s: %s', (pattern, text, expected) => {
  expect(glob(pattern).test(text)).toBe(expected);
});

test('a full ring drops a page of its oldest records and counts them', () => {
  const event = tracepointEvent('sched', 'sched_switch')!;
  const ring = new TraceRing(8);
  for (let i = 0; i < 1000; i += 1) ring.write({ timeNs: i, cpu: 0, pid: 1, event, data: new Uint8Array(36) });
  expect(ring.count + ring.overrun).toBe(1000);
  expect(ring.count).toBeLessThanOrEqual(2 * 102);
  expect(ring.oldest()?.timeNs).toBe(ring.overrun);
  expect(ring.overrun % 102).toBe(0);
});

test('the shell tells what is unfinished from what is wrong', () => {
  const mistake = (text: string): boolean | undefined => {
    try {
      parseScript(text);
      return undefined;
    } catch (error) {
      return error instanceof SyntaxMistake ? error.incomplete : undefined;
    }
  };
  expect(mistake('for i in 1 2; do echo $i')).toBe(true);
  expect(mistake("echo 'open")).toBe(true);
  expect(mistake('echo a | ; b')).toBe(false);
  expect(mistake('if true; then echo $(ls); fi > /tmp/x')).toBeUndefined();
  expect(mistake('a && b || c; d &')).toBeUndefined();
});

test('a ring that may not overwrite drops what comes, and counts it', () => {
  const event = tracepointEvent('sched', 'sched_switch')!;
  const ring = new TraceRing(8, false);
  for (let i = 0; i < 1000; i += 1) ring.write({ timeNs: i, cpu: 0, pid: 1, event, data: new Uint8Array(36) });
  expect(ring.count + ring.dropped).toBe(1000);
  expect(ring.oldest()?.timeNs).toBe(0);
  expect(ring.overrun).toBe(0);
});

test('arithmetic is that of 64-bit integers', () => {
  const none = (): string => '';
  expect(evaluateArithmetic('1 + 2 * 3 - (4 << 1)', none)).toBe(-1n);
  expect(evaluateArithmetic('0x10 % 3 == 1 && x > 4', () => '5')).toBe(1n);
});
