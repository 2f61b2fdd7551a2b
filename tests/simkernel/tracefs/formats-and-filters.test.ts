import { expect, test } from 'vitest';
import { ARCHITECTURES } from '../../../src/simkernel/arch/architectures.ts';
import { fieldsByName, tracepointEvent } from '../../../src/simkernel/tracefs/event.ts';
import { parsePrintFormat } from '../../../src/simkernel/tracefs/expression.ts';
import { parseFilter } from '../../../src/simkernel/tracefs/filter.ts';
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
])('takes the filter %s', (text) => {
  expect(parseFilter(text, fields)).toHaveProperty('matches');
});
test.each([
  ['nothing == 1', 'Field not found', 0],
  ['prev_pid ~ 1', 'Operator does not support string fields', 11],
  ['prev_comm > "a"', 'Operator does not support string fields', 12],
  ['(prev_pid == 1', 'Too many opening parens', 14],
  ['prev_pid == bash', 'Invalid value (did you forget quotes)?', 12],
])('refuses the filter %s', (text, message, position) => {
  expect(parseFilter(text, fields)).toEqual({ message, position });
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

test('arithmetic is that of 64-bit integers', () => {
  const none = (): string => '';
  expect(evaluateArithmetic('1 + 2 * 3 - (4 << 1)', none)).toBe(-1n);
  expect(evaluateArithmetic('0x10 % 3 == 1 && x > 4', () => '5')).toBe(1n);
});
