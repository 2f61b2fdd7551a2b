import { stepsImage } from '../steps.ts';
import { MS } from '../../time/units.ts';
import { O_WRONLY, O_CREAT, O_APPEND } from '../../fs/fcntl.ts';

const about = (median: number) => ({ kind: 'about', median }) as const;
const mean = (value: number) => ({ kind: 'mean', mean: value }) as const;
const exactly = (value: number) => ({ kind: 'exactly', value }) as const;

/** Keeps values in memory and writes each change to a log that is made safe now and then. */
export const REDIS = stepsImage('/usr/bin/redis-server', [
  { do: 'open', path: '/data/appendonly.aof', as: 'log', flags: O_WRONLY | O_CREAT | O_APPEND },
  {
    do: 'repeat',
    times: Infinity,
    steps: [
      {
        do: 'function',
        name: 'processCommand',
        steps: [{ do: 'work', ns: about(0.35 * MS) }],
      },
      {
        do: 'function',
        name: 'flushAppendOnlyFile',
        steps: [
          { do: 'write', file: 'log', bytes: about(420), at: 'next' },
          { do: 'sometimes', chance: 0.02, steps: [{ do: 'fsync', file: 'log', dataOnly: true }] },
        ],
      },
      { do: 'sleep', ns: mean(1.5 * MS) },
    ],
  },
]);

/** Renders pages from templates of its image, and says so in a log. */
export const RENDERER = stepsImage('/usr/bin/gunicorn', [
  { do: 'open', path: '/srv/app/templates.db', as: 'templates', flags: 0 },
  { do: 'open', path: '/var/log/app.log', as: 'log', flags: O_WRONLY | O_CREAT | O_APPEND },
  {
    do: 'repeat',
    times: Infinity,
    steps: [
      {
        do: 'function',
        name: 'render_template',
        steps: [
          { do: 'read', file: 'templates', bytes: { kind: 'between', low: 2_000, high: 24_000 }, at: 'random' },
          { do: 'work', ns: about(2.2 * MS) },
        ],
      },
      { do: 'write', file: 'log', bytes: about(160), at: 'next' },
      {
        do: 'sometimes',
        chance: 0.05,
        steps: [
          { do: 'open', path: '/tmp/session', as: 'session', flags: 0o1101 },
          { do: 'write', file: 'session', bytes: exactly(900), at: 'next' },
          { do: 'close', file: 'session' },
          { do: 'paths', call: 'unlink', paths: ['/tmp/session'] },
        ],
      },
      { do: 'sleep', ns: mean(2.4 * MS) },
    ],
  },
]);

/** Looks at what the containers do, from outside of them. */
export const CADVISOR = stepsImage('/usr/bin/cadvisor', [
  {
    do: 'repeat',
    times: Infinity,
    steps: [
      { do: 'open', path: '/sys/fs/cgroup/system.slice/cgroup.procs', as: 'group', flags: 0 },
      { do: 'read', file: 'group', bytes: exactly(4096), at: 'next' },
      { do: 'close', file: 'group' },
      { do: 'work', ns: about(3 * MS) },
      { do: 'sleep', ns: about(60 * MS) },
    ],
  },
]);
