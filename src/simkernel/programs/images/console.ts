import { VECTORS } from '../../cpu/descriptor-tables.ts';
import { FLAGS } from '../../cpu/registers.ts';
import type { Image } from '../image.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';
import { PROT_READ, PROT_WRITE, MAP_PRIVATE, MAP_ANONYMOUS } from '../../tasks/mman.ts';

/** Copies what arrives at a device, line by line, into a file. */
function logger(path: string, device: string, file: string): Image {
  return {
    path,
    symbols: ['main', 'copy_line'],
    *main(u) {
      const buffer = u.buffer(512);
      const port = yield u.openat(device);
      const log = yield u.openat(file, 1);
      u.in('main', 'copy_line');
      for (;;) {
        const count = yield u.read(port, buffer, 512);
        if (count <= 0) return 1;
        yield u.write(log, buffer, count);
      }
    },
  };
}
export const SERIAL_LOGGER = logger('/usr/sbin/seriallogd', '/dev/ttyS0', '/var/log/serial.log');
export const UPS_LOGGER = logger('/usr/sbin/upsd', '/dev/ttyS1', '/var/log/ups.log');
export const KERNEL_LOGGER = logger('/usr/sbin/klogd', '/dev/kmsg', '/var/log/kern.log');

/** Gives a line to the CPUs in turn, as if their load had changed. */
export const IRQ_BALANCER: Image = {
  path: '/usr/sbin/irqbalance',
  symbols: ['main', 'activate_mapping'],
  *main(u) {
    for (let turn = 0; ; turn += 1) {
      u.in('main');
      yield u.nanosleep(600_000_000);
      u.in('main', 'activate_mapping');
      const file = yield u.openat('/proc/irq/16/smp_affinity', 1);
      yield u.write(file, u.string((1 << (turn & 3)).toString(16)), 1);
      yield u.close(file);
    }
  },
};

function sampler(name: string, device: string): Image {
  return {
    path: `/usr/bin/${name}`,
    symbols: ['main', 'take_sample'],
    *main(u) {
      const buffer = u.buffer(64);
      const fd = yield u.openat(device);
      for (;;) {
        u.in('main', 'take_sample');
        yield u.read(fd, buffer, 2);
        yield u.nanosleep(2_000_000);
      }
    },
  };
}
/** The same program for a converter that interrupts and for one that must be polled. */
export const ADC_INTERRUPT = sampler('adc-interrupt', '/dev/adc0');
export const ADC_POLLED = sampler('adc-polled', '/dev/adc1');

/** Reads a file on the hard disk here and there. */
export const DISK_READER: Image = {
  path: '/usr/bin/updatedb',
  symbols: ['main', 'scan'],
  *main(u) {
    const buffer = u.buffer(PAGE_SIZE);
    const fd = yield u.openat('/srv/archive');
    for (;;) {
      u.in('main', 'scan');
      yield u.pread(fd, buffer, PAGE_SIZE, Math.floor(u.random.uniform() * 90_000) * PAGE_SIZE);
      yield u.nanosleep(30_000_000);
    }
  },
};

/** Keeps a table in memory and, now and then, has a child write a copy of it while it goes on changing the table itself. */
export const TABLE_KEEPER: Image = {
  path: '/usr/bin/tabled',
  symbols: ['main', 'change_entries', 'save_snapshot'],
  *main(u) {
    const pages = 128;
    const table = yield u.mmap(pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    for (let page = 0; page < pages; page += 1) yield* u.access(table + page * PAGE_SIZE);
    for (;;) {
      yield u.nanosleep(300_000_000);
      u.in('main', 'save_snapshot');
      const child = yield u.fork(function* (v) {
        for (let page = 0; page < pages; page += 1) {
          yield* v.access(table + page * PAGE_SIZE, false);
          yield v.work(20_000);
        }
        return 0;
      });
      u.in('main', 'change_entries');
      for (let change = 0; change < 40; change += 1) {
        yield* u.access(table + u.random.between(0, pages - 1) * PAGE_SIZE);
        yield u.work(100_000);
      }
      yield u.wait4(child);
    }
  },
};

/** Children that die of what their processor thinks of them, one kind after the other. */
export const CRASHER: Image = {
  path: '/usr/bin/crasher',
  symbols: ['main', 'divide', 'undefined', 'null_pointer', 'privileged_gate', 'single_step', 'legacy_call'],
  *main(u) {
    for (;;) {
      yield u.nanosleep(250_000_000);
      const deaths = [
        function* (v: typeof u) {
          v.in('main', 'divide');
          yield v.raise(VECTORS.divideError);
        },
        function* (v: typeof u) {
          v.in('main', 'undefined');
          yield v.raise(VECTORS.invalidOpcode);
        },
        function* (v: typeof u) {
          v.in('main', 'null_pointer');
          yield v.touch(8);
        },
        function* (v: typeof u) {
          v.in('main', 'privileged_gate');
          yield v.interrupt(VECTORS.pageFault);
        },
        function* (v: typeof u) {
          v.in('main', 'single_step');
          yield v.popf(FLAGS.trap);
          yield v.work(1_000);
        },
        function* (v: typeof u) {
          v.in('main', 'legacy_call');
          yield v.interrupt(VECTORS.legacySyscall, 20);
        },
      ];
      for (const death of deaths) yield u.wait4(yield u.fork(death));
    }
  },
};
