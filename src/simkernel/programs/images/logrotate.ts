import type { Image } from '../image.ts';
import { O_WRONLY, O_CREAT } from '../../fs/fcntl.ts';
import { SIGHUP, SIGUSR1 } from '../../tasks/signals.ts';

/** Logs with who writes them, and the signal by which those are told to open them anew. */
const LOGS = [
  { path: '/var/log/syslog', writers: [512], signal: SIGHUP },
  { path: '/var/log/nginx/access.log', writers: [902, 903, 904], signal: SIGUSR1 },
] as const;
const LOGROTATE_PATH = '/usr/sbin/logrotate';

/** Moves logs that have grown out of the way, and has their writers begin new ones. */
export const LOGROTATE: Image = {
  path: LOGROTATE_PATH,
  symbols: ['main', 'rotateLogSet', 'rotateSingleLog', 'runScript'],
  *main(u) {
    const stat = u.buffer(256);
    yield u.work(u.random.logNormal(600_000, 0.3));
    for (const { path, writers, signal } of LOGS) {
      u.in('main', 'rotateLogSet', 'rotateSingleLog');
      if ((yield u.call('stat', u.string(path), stat)) < 0) continue;
      yield u.paths('rename', [path, `${path}.1`]);
      yield u.close(yield u.openat(path, O_WRONLY | O_CREAT, 0o640));
      u.in('main', 'rotateLogSet', 'runScript');
      for (const pid of writers) yield u.call('kill', pid, signal);
    }
    return 0;
  },
};

/** Runs what is in a directory: here, the rotation of logs. */
export const RUN_PARTS: Image = {
  path: '/usr/bin/run-parts',
  symbols: ['main', 'run_parts', 'run_part'],
  *main(u, argv) {
    yield u.work(u.random.logNormal(500_000, 0.4));
    u.in('main', 'run_parts');
    const buffer = u.buffer(4096);
    const script = yield u.openat('/etc/cron.hourly/logrotate');
    if (script < 0) return 1;
    yield u.read(script, buffer, 4096);
    yield u.close(script);
    u.in('main', 'run_parts', 'run_part');
    const child = yield u.fork(function* (v) {
      yield v.execve(LOGROTATE_PATH, ['logrotate', '/etc/logrotate.conf', ...argv.slice(2)]);
      return 127;
    });
    yield u.wait4(child);
    return 0;
  },
};
