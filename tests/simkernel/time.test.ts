import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BinaryEventQueue } from '../../src/simkernel/time/event-queue.ts';
import { createRandom } from '../../src/simkernel/time/random.ts';

test('events run by time, and those of one time in the order of scheduling', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), (times) => {
      const queue = new BinaryEventQueue();
      const ran: { time: number; order: number }[] = [];
      times.forEach((time, order) => queue.schedule(time, () => ran.push({ time, order })));
      while (queue.size > 0) queue.runNext();
      const expected = times
        .map((time, order) => ({ time, order }))
        .sort((a, b) => a.time - b.time || a.order - b.order);
      expect(ran).toEqual(expected);
      expect(queue.nextTime).toBe(Infinity);
    }),
    { seed: 11 },
  );
});

test('streams depend on seed and name only', () => {
  const draw = (seed: number, name: string): number[] => {
    const random = createRandom(seed).stream(name);
    return Array.from({ length: 5 }, () => random.between(0, 1_000_000));
  };
  expect(draw(1, 'disk')).toEqual(draw(1, 'disk'));
  expect(draw(1, 'disk')).not.toEqual(draw(2, 'disk'));
  expect(draw(1, 'disk')).not.toEqual(draw(1, 'net'));
});

test('distributions have the moments that they are asked for', () => {
  const random = createRandom(3);
  const sample = Array.from({ length: 20_000 }, () => random.exponential(50));
  expect(sample.reduce((a, b) => a + b) / sample.length).toBeCloseTo(50, -0.5);
  const logs = Array.from({ length: 20_001 }, () => random.logNormal(80, 0.4)).sort((a, b) => a - b);
  expect(logs[10_000]).toBeCloseTo(80, -0.5);
});
