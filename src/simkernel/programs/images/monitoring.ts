import type { Image } from '../image.ts';
import { withStream } from '../malloc.ts';

const POLL_NS = 90_000_000;
const POLLED = ['/proc/cpuinfo', '/proc/stat', '/proc/meminfo', '/proc/loadavg', '/proc/uptime'];
const NETWORK = ['/proc/net/dev', '/proc/net/if_inet6'];

/** An SNMP extension script: looks at the machine's numbers again and again. */
export const SNMP_PASS: Image = {
  path: '/usr/sbin/snmp-pass',
  symbols: ['main', 'poll_loop', 'read_proc_file', 'parse_numbers'],
  *main(u) {
    const buffer = u.buffer(4096);
    for (;;) {
      for (const path of POLLED) {
        u.in('main', 'poll_loop', 'read_proc_file');
        const fd = yield u.openat(path);
        if (fd < 0) continue;
        yield* withStream(u, function* () {
          while ((yield u.read(fd, buffer, 1024)) > 0);
          return yield u.close(fd);
        });
        u.in('main', 'poll_loop', 'parse_numbers');
        yield u.work(u.random.logNormal(25_000, 0.4));
      }
      u.in('main', 'poll_loop');
      yield u.nanosleep(u.random.exponential(POLL_NS));
    }
  },
};

export const SNMPD: Image = {
  path: '/usr/sbin/snmpd',
  symbols: ['main', 'receive', 'netsnmp_access_interface_container_load', 'table_helper_handler'],
  *main(u) {
    const buffer = u.buffer(4096);
    for (;;) {
      yield u.nanosleep(u.random.exponential(2.5 * POLL_NS));
      for (const path of NETWORK) {
        u.in('main', 'receive', 'netsnmp_access_interface_container_load');
        const fd = yield u.openat(path);
        if (fd < 0) continue;
        yield* withStream(u, function* () {
          while ((yield u.read(fd, buffer, 1024)) > 0);
          return yield u.close(fd);
        });
      }
      u.in('main', 'receive', 'table_helper_handler');
      yield u.work(u.random.logNormal(60_000, 0.5));
    }
  },
};
