import { CRON, COMMANDS, SH } from '../programs/images/shell.ts';
import { defineScenario } from './define.ts';

export const idle = defineScenario({
  name: 'idle',
  summary: 'a machine that does next to nothing: cron wakes up now and then',
  seed: 1,
  cpus: 4,
  lengthNs: 10_000_000_000,
  files: [{ path: '/etc/crontab', size: 1_042 }],
  images: [SH, ...COMMANDS],
  processes: [{ pid: 612, image: CRON }],
});
