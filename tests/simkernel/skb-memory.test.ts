import { expect, test } from 'vitest';
import { createMachine } from '../../src/simkernel/machine.ts';
import { SCENARIOS } from '../../src/simkernel/scenarios/index.ts';
import { fieldOffset, kernelFunctions, MILLISECOND, runFor, textAt, u64At } from './support.ts';

/** Caches of network buffers; heads that are too large for theirs come from kmalloc. */
const CACHES = ['skbuff_head_cache', 'skbuff_fclone_cache', 'skbuff_small_head'];

test('every buffer that is freed was allocated, none twice, and few stay', () => {
  const m = createMachine({ scenario: SCENARIOS.network, seed: 3 });
  const live = new Map<number, string>();
  const counts = new Map<string, number>();
  const mistakes: string[] = [];
  const names = new Map<string, (record: number) => string | undefined>([
    [
      'kmem_cache_alloc',
      (record) => textAt(m, record + (m.words[(record + fieldOffset('kmem:kmem_cache_alloc', 'name')) >> 2]! & 0xffff)),
    ],
    [
      'kmem_cache_free',
      (record) => textAt(m, record + (m.words[(record + fieldOffset('kmem:kmem_cache_free', 'name')) >> 2]! & 0xffff)),
    ],
    ['kmalloc', () => 'kmalloc'],
    ['kfree', () => 'kmalloc'],
  ]);
  for (const [name, nameIn] of names) {
    m.attach({ kind: 'tracepoint', category: 'kmem', name }, (record) => {
      const cache = nameIn(record)!;
      if (cache !== 'kmalloc' && !CACHES.includes(cache)) return;
      const object = u64At(m, record + fieldOffset(`kmem:${name}`, 'ptr'));
      counts.set(`${name} ${cache}`, (counts.get(`${name} ${cache}`) ?? 0) + 1);
      const isAllocation = name.endsWith('alloc');
      if (live.has(object) === isAllocation) mistakes.push(`${name} ${cache} ${live.get(object)}`);
      if (!isAllocation && live.get(object) !== cache) mistakes.push(`${cache} is no ${live.get(object)}`);
      if (isAllocation) live.set(object, cache);
      else live.delete(object);
    });
  }
  const stacks = new Set<string>();
  m.attach({ kind: 'kprobe', function: '__alloc_skb', offset: 0 }, () =>
    stacks.add(kernelFunctions(m).slice(0, 2).join(' < ')),
  );
  runFor(m, 400 * MILLISECOND);
  expect(mistakes).toEqual([]);
  for (const cache of CACHES) {
    expect(counts.get(`kmem_cache_alloc ${cache}`)).toBeGreaterThan(50);
    expect(counts.get(`kmem_cache_free ${cache}`)).toBeGreaterThan(0.6 * counts.get(`kmem_cache_alloc ${cache}`)!);
  }
  expect(stacks).toContain('__alloc_skb < tcp_stream_alloc_skb');
  expect(stacks).toContain('__alloc_skb < __netdev_alloc_skb');
  expect(stacks).toContain('__alloc_skb < ip_make_skb');
});
