import { LOGROTATE, RUN_PARTS } from './logrotate.ts';
import { syslog } from './syslog.ts';
import type { Image } from '../image.ts';
import type { UserBody } from '../image.ts';
import { printText, readText, setLocale } from '../stdio.ts';
import type { UserContext } from '../user.ts';
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY } from '../../fs/fcntl.ts';

/** A short-lived command of the coreutils' kind. */
function command(name: string, main: (u: UserContext, args: readonly string[]) => UserBody): Image {
  return {
    path: `/usr/bin/${name}`,
    symbols: ['main', '_dl_start', 'usage'],
    *main(u, argv) {
      yield* setLocale(u);
      return yield* main(u, argv.slice(1));
    },
  };
}
const STAT_BYTES = 256;
const ENTRIES_BYTES = 32_768;
const TIOCGWINSZ = 0x5413;
const NO_FOLLOW = 0x100;
/** What `ls` of a directory with two logs reads beside it when it is to show whose they are, and since when. */
const LONG_FORMAT = ['/etc/passwd', '/etc/localtime'];

const LS = command('ls', function* (u, args) {
  const isLong = args.some((arg) => /^-\w*l/.test(arg));
  const stat = u.buffer(STAT_BYTES);
  const path = args.find((arg) => !arg.startsWith('-')) ?? '/var/log/nginx';
  yield u.call('ioctl', 1, TIOCGWINSZ, stat);
  yield u.call('statx', AT_FDCWD, u.string(path), 0, 0, stat);
  const fd = yield u.openat(path, O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return 2;
  yield u.call('fstat', fd, stat);
  const entries = u.buffer(ENTRIES_BYTES);
  while ((yield u.call('getdents64', fd, entries, ENTRIES_BYTES)) > 0) yield u.work(4_000);
  yield u.close(fd);
  const names = ['access.log', 'error.log'];
  if (isLong) {
    for (const name of names) yield u.call('statx', AT_FDCWD, u.string(`${path}/${name}`), NO_FOLLOW, 0, stat);
    for (const file of LONG_FORMAT) yield* readText(u, file);
  }
  yield u.work(u.random.logNormal(500_000, 0.4));
  return yield* printText(u, `${names.join('\n')}\n`);
});
const DATE = command('date', function* (u) {
  yield* readText(u, '/etc/localtime');
  yield u.work(u.random.logNormal(150_000, 0.4));
  return yield* printText(u, 'Thu Jan  1 00:01:00 UTC 2026\n');
});
/** Goes through a file or, without one, its standard input; prints at the end. */
function filter(name: string, workNs: number, output: string): Image {
  return command(name, function* (u, args) {
    const path = args.findLast((arg) => arg.startsWith('/'));
    const buffer = u.buffer(ENTRIES_BYTES);
    const fd = path === undefined ? 0 : yield u.openat(path);
    if (fd < 0) return 2;
    yield u.call('fstat', fd, u.buffer(STAT_BYTES));
    for (let size = 1; size > 0;) {
      size = yield u.read(fd, buffer, ENTRIES_BYTES);
      yield u.work(u.random.logNormal(workNs, 0.3));
    }
    if (fd !== 0) yield u.close(fd);
    return yield* printText(u, output);
  });
}
/** Asks each mounted file system how full it is. */
const DF = command('df', function* (u) {
  const stat = u.buffer(STAT_BYTES);
  yield* readText(u, '/proc/self/mountinfo');
  for (const path of ['/', '/proc', '/var/backups', '/dev']) yield u.call('statfs', u.string(path), stat);
  yield u.work(u.random.logNormal(300_000, 0.4));
  return yield* printText(u, '/dev/nvme0n1p1 487652 203117 41% /\n');
});
export const COMMANDS: readonly Image[] = [
  LS,
  DATE,
  RUN_PARTS,
  LOGROTATE,
  filter('grep', 60_000, '17\n'),
  filter('wc', 20_000, '17\n'),
  filter('sort', 90_000, 'access.log\nerror.log\n'),
  DF,
];

/** Runs `a | b | c`: a process for each command, a pipe between neighbours; waits for all of them. */
export function* runPipeline(
  u: UserContext,
  commands: readonly string[],
  execute: (v: UserContext, command: string) => UserBody,
): UserBody {
  const ends = u.sharedBuffer('pipe', 8);
  const children: number[] = [];
  let input = -1;
  for (const [i, command] of commands.entries()) {
    const isLast = i === commands.length - 1;
    if (!isLast) yield u.call('pipe2', ends, 0);
    const [readEnd, writeEnd] = isLast ? [-1, -1] : [u.load(ends, 4), u.load(ends + 4, 4)];
    const from = input;
    children.push(
      yield u.fork(function* (v) {
        for (const [end, standard] of [[from, 0] as const, [writeEnd, 1] as const]) {
          if (end < 0) continue;
          yield v.call('dup2', end, standard);
          yield v.close(end);
        }
        if (readEnd >= 0) yield v.close(readEnd);
        return yield* execute(v, command);
      }),
    );
    if (from >= 0) yield u.close(from);
    if (writeEnd >= 0) yield u.close(writeEnd);
    input = readEnd;
  }
  for (const child of children) yield u.wait4(child);
  return 0;
}
const COMMAND_NOT_FOUND = 127;

export const SH: Image = {
  path: '/bin/sh',
  symbols: ['main', 'evaltree', 'evalpipe', 'evalcommand', 'shellexec'],
  *main(u, argv) {
    yield u.call('getuid');
    yield u.call('getppid');
    yield u.work(300_000);
    for (const line of argv.slice(1)) {
      const commands = line.split(' | ');
      u.in('main', 'evaltree', commands.length > 1 ? 'evalpipe' : 'evalcommand');
      yield* runPipeline(u, commands, function* (v, command) {
        const [path = '', ...words] = command.split(' ');
        // The shell looks along PATH.
        yield v.execve(path.replace('/usr/bin/', '/usr/local/bin/'), [path, ...words]);
        yield v.execve(path, [path, ...words]);
        return COMMAND_NOT_FOUND;
      });
    }
    return 0;
  },
};

const JOBS = [
  '/usr/bin/run-parts',
  '/usr/bin/date',
  '/usr/bin/df | /usr/bin/grep nvme',
  '/usr/bin/grep -c Failed /var/log/syslog | /usr/bin/sort | /usr/bin/wc -l',
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
      yield u.call('newfstatat', AT_FDCWD, u.string('/etc/crontab'), buffer, 0);
      yield* readText(u, '/etc/crontab');
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
