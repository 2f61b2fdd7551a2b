import { CACHE, INDEXER, LEAKY, WORKER } from '../programs/images/memory-load.ts';
import { CRON, COMMANDS, SH } from '../programs/images/shell.ts';
import { defineScenario } from './define.ts';
import { MIB } from '../memory/sizes.ts';

const USER = 1000;

export const memory = defineScenario({
  name: 'memory',
  summary:
    'too little memory: a page cache that shrinks, kswapd, direct reclaim, swapping, and in the end the OOM killer',
  seed: 1,
  cpus: 4,
  lengthNs: 10_000_000_000,
  memoryBytes: 512 * MIB,
  swapBytes: 160 * MIB,
  files: [
    { path: '/srv/corpus/0', size: 200 * MIB, warm: 0.2 },
    { path: '/srv/corpus/1', size: 200 * MIB, warm: 0 },
    { path: '/etc/crontab', size: 1_042 },
  ],
  images: [SH, ...COMMANDS],
  processes: [
    { pid: 612, image: CRON },
    { pid: 1_402, image: CACHE, uid: USER },
    { pid: 1_455, image: INDEXER, uid: USER },
    { pid: 1_477, image: WORKER, uid: USER },
    { pid: 1_513, image: LEAKY, uid: USER },
  ],
});
