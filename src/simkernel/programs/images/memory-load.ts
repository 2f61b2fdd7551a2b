import type { Step } from '../steps.ts';
import { stepsImage } from '../steps.ts';
import { MIB } from '../../memory/sizes.ts';
import { MS } from '../../time/units.ts';

const about = (median: number) => ({ kind: 'about', median }) as const;
const exactly = (value: number) => ({ kind: 'exactly', value }) as const;

/** Keeps what it gets and always wants more. */
export const LEAKY = stepsImage('/usr/bin/report-gen', [
  { do: 'sleep', ns: exactly(300 * MS) },
  { do: 'map', as: 'rows', bytes: 1536 * MIB },
  {
    do: 'repeat',
    times: Infinity,
    steps: [
      {
        do: 'function',
        name: 'append_rows',
        steps: [
          { do: 'touch', map: 'rows', pages: about(56), at: 'next' },
          { do: 'work', ns: about(0.2 * MS) },
        ],
      },
      { do: 'sleep', ns: about(1.2 * MS) },
    ],
  },
]);

/** A cache server: most of its pages are not used for a while, and then they are. */
export const CACHE = stepsImage('/usr/bin/redis-server', [
  { do: 'map', as: 'heap', bytes: 96 * MIB },
  { do: 'touch', map: 'heap', pages: exactly(24_000), at: 'next' },
  {
    do: 'repeat',
    times: Infinity,
    steps: [
      { do: 'function', name: 'lookupKey', steps: [{ do: 'touch', map: 'heap', pages: about(6), at: 'random' }] },
      { do: 'work', ns: about(0.1 * MS) },
      { do: 'sleep', ns: { kind: 'mean', mean: 4 * MS } },
    ],
  },
]);

/** Reads large files, which fills the page cache. */
export const INDEXER: ReturnType<typeof stepsImage> = stepsImage('/usr/bin/indexer', [
  {
    do: 'repeat',
    times: Infinity,
    steps: [0, 1].flatMap((part): Step[] => [
      { do: 'open', path: `/srv/corpus/${part}`, as: 'in', flags: 0 },
      {
        do: 'repeat',
        times: 400,
        steps: [
          { do: 'read', file: 'in', bytes: exactly(131_072), at: 'next' },
          { do: 'work', ns: about(0.9 * MS) },
          { do: 'sleep', ns: about(2 * MS) },
        ],
      },
      { do: 'close', file: 'in' },
    ]),
  },
]);

/** Small jobs that map memory, use it and give it back. */
export const WORKER = stepsImage('/usr/bin/thumbnailer', [
  {
    do: 'repeat',
    times: Infinity,
    steps: [
      { do: 'map', as: 'image', bytes: 4 * MIB },
      {
        do: 'function',
        name: 'decode',
        steps: [
          { do: 'touch', map: 'image', pages: { kind: 'between', low: 100, high: 900 }, at: 'next' },
          { do: 'work', ns: about(3 * MS) },
        ],
      },
      { do: 'unmap', map: 'image' },
      { do: 'sleep', ns: about(60 * MS) },
    ],
  },
]);
