import type { Image } from '../image.ts';

const CHECK_NS = 900_000_000;
const SIGNAL_NONE = 0;
/** What its pid files name: two that run, one that has gone long ago. */
const WATCHED = [
  ['/run/sshd.pid', 688],
  ['/run/snmpd.pid', 701],
  ['/run/stunnel.pid', 4_021],
] as const;

/** Looks now and then whether services still run: a signal that is none tells. */
export const MONIT: Image = {
  path: '/usr/bin/monit',
  symbols: ['main', 'validate', 'check_process', 'Process_running'],
  *main(u) {
    const buffer = u.buffer(64);
    const pause = u.buffer(16);
    for (;;) {
      u.in('main', 'validate', 'check_process');
      for (const [path, pid] of WATCHED) {
        const fd = yield u.openat(path);
        if (fd >= 0) {
          yield u.read(fd, buffer, 64);
          yield u.close(fd);
        }
        u.in('main', 'validate', 'check_process', 'Process_running');
        yield u.call('kill', pid, SIGNAL_NONE);
      }
      u.in('main', 'validate');
      // Linked statically years ago: nanosleep(2) itself, where glibc calls clock_nanosleep().
      u.view(pause, 16).setBigUint64(8, BigInt(CHECK_NS), true);
      yield u.call('nanosleep', pause, 0);
    }
  },
};
