import { LOGROTATE, RUN_PARTS } from './logrotate.ts';
import { syslog } from './syslog.ts';
import type { Image } from '../image.ts';
import { ELF_HEADER, LOADED_FIRST } from '../dynamic-loader.ts';

/** A short-lived command: the loader opens libraries, the program reads some files and prints. */
function command(name: string, files: readonly string[], workNs: number, output: string): Image {
  return {
    path: `/usr/bin/${name}`,
    symbols: ['main', '_dl_start', 'usage'],
    *main(u) {
      const buffer = u.buffer(4096);
      // The loader maps the program; its pages come one by one as they are touched.
      for (let page = 0; page < 40; page += 1) {
        yield u.work(3_000);
        yield page % 3 === 0 ? u.touch(u.page(0), false) : u.touch(buffer);
      }
      for (const path of [...LOADED_FIRST, ...files]) {
        const fd = yield u.openat(path);
        if (fd < 0) continue;
        yield u.read(fd, buffer, ELF_HEADER);
        yield u.close(fd);
      }
      yield u.work(u.random.logNormal(workNs, 0.4));
      yield u.write(1, u.string(output), output.length);
      return 0;
    },
  };
}
export const COMMANDS: readonly Image[] = [
  command('ls', ['/etc/passwd', '/usr/share/locale/locale.alias'], 700_000, 'access.log\nerror.log\n'),
  command('date', ['/etc/localtime'], 200_000, 'Thu Jan  1 00:01:00 UTC 2026\n'),
  RUN_PARTS,
  LOGROTATE,
  command('grep', ['/var/log/syslog'], 1_500_000, '17\n'),
  command('df', ['/proc/self/mountinfo'], 400_000, '/dev/nvme0n1p1 487652 203117 41% /\n'),
];

export const SH: Image = {
  path: '/bin/sh',
  symbols: ['main', 'evaltree', 'evalcommand', 'shellexec'],
  *main(u, argv) {
    yield u.work(300_000);
    u.in('main', 'evaltree', 'evalcommand');
    for (const command of argv.slice(1)) {
      const [path = '', ...words] = command.split(' ');
      const child = yield u.fork(function* (v) {
        // The shell looks along PATH.
        yield v.execve(path.replace('/usr/bin/', '/usr/local/bin/'), [path, ...words]);
        yield v.execve(path, [path, ...words]);
        return 127;
      });
      yield u.wait4(child);
    }
    return 0;
  },
};

const JOBS = [
  '/usr/bin/run-parts',
  '/usr/bin/date',
  '/usr/bin/df',
  '/usr/bin/curl https://updates.example.org/',
  '/usr/bin/curl https://api.example.org/',
] as const;

/** Runs due jobs: fork, then a shell that forks commands. */
export const CRON: Image = {
  path: '/usr/sbin/cron',
  symbols: ['main', 'job_runqueue', 'do_command', 'child_process'],
  *main(u) {
    const buffer = u.buffer(1024);
    for (;;) {
      u.in('main');
      yield u.nanosleep(u.random.exponential(1_100_000_000));
      u.in('main', 'job_runqueue');
      const tab = yield u.openat('/etc/crontab');
      yield u.read(tab, buffer, 1024);
      yield u.close(tab);
      const job = u.random.pick(JOBS);
      u.in('main', 'job_runqueue', 'do_command');
      yield* syslog(u, `<78>CRON[${u.task.pid}]: (root) CMD (${job})`);
      const child = yield u.fork(function* (v) {
        yield v.execve('/bin/sh', ['sh', job]);
        return 127;
      });
      yield u.wait4(child);
    }
  },
};
