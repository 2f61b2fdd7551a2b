import { expect, test } from 'vitest';
import { createAccessChecker } from '../../../src/runtime/interpreter/access-checker.ts';
import { interpretProgram } from '../../../src/runtime/interpreter/interpreter.ts';
import { programOf } from '../../jit/programs.ts';
import { MAP_DEFINITIONS, PLACES, testEnvironment } from '../../jit/test-environment.ts';

function runChecked(text: string, lenientStack = false): number {
  const environment = testEnvironment();
  const image = { programs: [], maps: MAP_DEFINITIONS };
  const checker = createAccessChecker({ image, environment, context: { size: 16, writable: false }, lenientStack });
  return interpretProgram(programOf(text), environment, { checker, maxSteps: 1000 })(PLACES.context);
}

const LOOKUP = `
    *(u32 *)(r10 -4) = 1
    r1 = map[0]
    r2 = r10
    r2 += -4
    call map_lookup_elem`;

test.each<[string, string]>([
  ['context', 'r0 = *(u64 *)(r1 +8)\nexit'],
  ['written stack', '*(u64 *)(r10 -512) = 1\nr0 = *(u64 *)(r10 -512)\nexit'],
  ['a map value', `${LOOKUP}\n*(u64 *)(r0 +16) = 1\nr0 = 0\nexit`],
  [
    'a record before it is submitted',
    'r1 = map[2]\nr2 = 8\nr3 = 0\ncall ringbuf_reserve\n*(u64 *)(r0 +0) = 1\nr1 = r0\nr2 = 0\ncall ringbuf_submit\nr0 = 0\nexit',
  ],
  [
    'elements that a callback is given',
    'r1 = map[0]\nr2 = func[visit]\nr3 = 0\nr4 = 0\ncall for_each_map_elem\nr0 = 0\nexit\nvisit:\nr0 = *(u32 *)(r2 +0)\n*(u64 *)(r3 +0) = r0\nr0 = 0\nexit',
  ],
  [
    'stack of a caller',
    'r1 = r10\nr1 += -8\ncall fill\nr0 = *(u64 *)(r10 -8)\nexit\nfill:\n*(u64 *)(r1 +0) = 3\nr0 = 0\nexit',
  ],
])('%s may be accessed', (_, text) => {
  expect(() => runChecked(text)).not.toThrow();
});

test.each<[string, string, RegExp]>([
  ['beyond the context', 'r0 = *(u64 *)(r1 +9)\nexit', /slot 0 reads 8 bytes at 265: memory it does not own at 272/],
  ['a write to the context', '*(u8 *)(r1 +0) = 1\nexit', /slot 0 writes 1 bytes/],
  ['unwritten stack', 'r0 = *(u64 *)(r10 -8)\nexit', /unwritten stack/],
  ['stack below the frame', '*(u64 *)(r10 -520) = 1\nexit', /does not own/],
  ['stack above the frame', '*(u64 *)(r10 +0) = 1\nexit', /does not own/],
  ['beyond a map value', `${LOOKUP}\n*(u64 *)(r0 +17) = 1\nexit`, /does not own/],
  ['a map value that was never looked up', 'r1 = map[0]\nr0 = *(u64 *)(r1 +3584)\nexit', /does not own/],
  [
    'a submitted record',
    'r1 = map[2]\nr2 = 8\nr3 = 0\ncall ringbuf_reserve\nr6 = r0\nr1 = r0\nr2 = 0\ncall ringbuf_submit\n*(u64 *)(r6 +0) = 1\nexit',
    /does not own/,
  ],
  [
    'a record submitted twice',
    'r1 = map[2]\nr2 = 8\nr3 = 0\ncall ringbuf_reserve\nr6 = r0\nr1 = r0\nr2 = 0\ncall ringbuf_submit\nr1 = r6\ncall ringbuf_submit\nexit',
    /no live record/,
  ],
  [
    'the frame of a function that has returned',
    'call leak\nr0 = *(u64 *)(r0 +0)\nexit\nleak:\n*(u64 *)(r10 -8) = 1\nr0 = r10\nr0 += -8\nexit',
    /does not own/,
  ],
  ['a key on unwritten stack', LOOKUP.replace('*(u32 *)(r10 -4) = 1', 'r0 = 0') + '\nexit', /unwritten stack/],
  [
    'a buffer that is longer than the frame',
    'r1 = r10\nr1 += -8\nr2 = 16\ncall get_current_comm\nr0 = 0\nexit',
    /slot 3 writes 16 bytes/,
  ],
])('%s may not be accessed', (_, text, message) => {
  expect(() => runChecked(text)).toThrow(message);
});

test('privileged programs may read unwritten stack where the caller allows it', () => {
  expect(() => runChecked('r0 = *(u64 *)(r10 -8)\nexit', true)).not.toThrow();
});

test('a run is given up after the number of steps that the caller sets', () => {
  expect(() => runChecked('again:\ngoto again')).toThrow('gave up after 1000 instructions');
});
