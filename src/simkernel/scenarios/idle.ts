import { CRON, COMMANDS, SH } from '../programs/images/shell.ts';
import { STICK_MODULES, UDEV_WORKER } from '../programs/images/udev.ts';
import { defineScenario } from './define.ts';

export const idle = defineScenario({
  name: 'idle',
  summary: 'a machine that does next to nothing: cron wakes up now and then, and somebody plugs a memory stick in',
  seed: 1,
  cpus: 4,
  lengthNs: 10_000_000_000,
  files: [{ path: '/etc/crontab', size: 1_042 }],
  images: [SH, ...COMMANDS],
  modules: STICK_MODULES,
  processes: [
    { pid: 612, image: CRON },
    { pid: 388, image: UDEV_WORKER, comm: '(udev-worker)', cgroup: '/system.slice/systemd-udevd.service' },
  ],
});
