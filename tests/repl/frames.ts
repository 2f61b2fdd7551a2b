import type { Frame } from '../../src/repl/protocol.ts';
import type { TimelineCell } from '../../src/pipeline/timeline.ts';
import { initialModel, type InitialOptions, type Model, type ReplEvent } from '../../src/repl/model/model.ts';
import type { EngineEvent } from '../../src/repl/protocol.ts';
import { update } from '../../src/repl/model/update.ts';
import { KeyDecoder } from '../../src/repl/model/keys.ts';
import { INITIAL } from './harness.ts';

/** A model after keys and what an engine said: nothing is compiled and no machine runs. */
export function modelAfter(options: Partial<InitialOptions>, ...happened: readonly (string | EngineEvent)[]): Model {
  const decoder = new KeyDecoder();
  const machine: EngineEvent = { kind: 'machine-made', settings: INITIAL.settings, cpus: 4 };
  return [machine, ...happened]
    .flatMap((one): readonly ReplEvent[] =>
      typeof one === 'string' ? [...decoder.push(one), ...decoder.flush()] : [{ kind: 'engine', event: one }],
    )
    .reduce((model, event) => update(model, event).model, initialModel({ ...INITIAL, ...options }));
}

export const attached = (name: string, text: string): EngineEvent => ({ kind: 'attached', name, text });
export const output = (name: string, text: string, stream: 'stdout' | 'stderr' = 'stdout'): EngineEvent => ({
  kind: 'output',
  name,
  stream,
  text,
});
export const frame = (elapsedNs: number, rest: Partial<Frame>): EngineEvent => ({
  kind: 'frame',
  frame: { elapsedNs, programs: [], ...rest },
});

export const HISTOGRAM: Frame['programs'][number] = {
  name: 'vfs_read',
  probes: [
    { probe: 'kprobe:vfs_read', hits: 12_428 },
    { probe: 'kretprobe:vfs_read', hits: 12_417 },
  ],
  maps: [
    {
      name: '@us',
      size: 2,
      rows: [
        {
          key: 'nginx',
          text: '12345',
          amount: 12_345,
          buckets: [
            { interval: '[1]', count: 3 },
            { interval: '[2, 4)', count: 1_204 },
            { interval: '[4, 8)', count: 9_870 },
            { interval: '[8, 16)', count: 1_200 },
            { interval: '[16, 32)', count: 0 },
            { interval: '[32, 64)', count: 68 },
          ],
        },
        { key: 'mysqld', text: '72', amount: 72, buckets: [{ interval: '[1K, 2K)', count: 72 }] },
      ],
    },
  ],
};

export const TABLES: Frame['programs'][number] = {
  name: 'sched_switch',
  probes: [{ probe: 'tracepoint:sched:sched_switch', hits: 1_000 }],
  maps: [
    { name: '@last', size: 1, rows: [{ key: '', text: '60299670862', amount: 60_299_670_862 }] },
    {
      name: '@switches',
      size: 210,
      rows: [
        { key: 'mysqld, 18644', text: '600', amount: 600 },
        { key: 'nginx, 902', text: '275', amount: 275 },
        { key: 'a-task-with-a-name-that-is-far-too-long-for-any-table-on-this-screen, 1', text: '1', amount: 1 },
      ],
    },
    {
      name: '@stacks',
      size: 1,
      rows: [
        {
          key: '\n        vfs_read+5\n        ksys_read+115\n        do_syscall_64+128\n        entry_SYSCALL_64_after_hwframe+118\n',
          text: '42',
          amount: 42,
        },
      ],
    },
  ],
};

const cell = (use: TimelineCell['use'], busy: number, pid = 0, comm = 'swapper/0'): TimelineCell => ({
  use,
  busy,
  pid,
  comm,
});
const cells = (count: number, one: TimelineCell): readonly TimelineCell[] => new Array<TimelineCell>(count).fill(one);

export const TIMELINE: NonNullable<Frame['timeline']> = {
  columnNs: 100_000,
  endNs: 60_300_000_000,
  cpus: [
    [
      ...cells(10, cell('idle', 0)),
      ...cells(20, cell('user', 1, 902, 'nginx')),
      ...cells(8, cell('kernel', 0.6, 902, 'nginx')),
      ...cells(22, cell('iowait', 0)),
    ],
    [
      ...cells(5, cell('irq', 0.3)),
      ...cells(30, cell('user', 0.9, 18_644, 'mysqld')),
      ...cells(25, cell('softirq', 0.2, 17, 'ksoftirqd/1')),
    ],
  ],
};

export const INTERRUPTS = `            CPU0       CPU1
  16:        394          0  IO-APIC  16-fasteoi  ahci[0000:00:1f.2]
  24:         94        490  PCI-MSIX-0000:00:04.0    1-edge      nvme0q1
 LOC:       2166       3923  Local timer interrupts
`;
