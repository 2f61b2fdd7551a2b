import type { Image } from '../image.ts';

const O_WRONLY_APPEND = 0o2001;
const GAP_NS = 2_600_000;
const PAGES = [
  [50, '/var/www/html/index.html'],
  [22, '/var/www/html/style.css'],
  [14, '/var/www/html/app.js'],
  [8, '/var/www/html/img/logo.png'],
  [3, '/var/www/html/favicon.ico'],
  [3, '/var/www/html/img/catalogue.pdf'],
] as const;

/** A worker of a web server: opens what is asked for, sends it, writes a line to the log. */
export const NGINX: Image = {
  path: '/usr/sbin/nginx',
  symbols: [
    'main',
    'ngx_worker_process_cycle',
    'ngx_process_events_and_timers',
    'ngx_http_process_request',
    'ngx_http_static_handler',
    'ngx_http_log_handler',
    'ngx_open_cached_file',
  ],
  *main(u) {
    const { random } = u;
    const buffer = u.buffer(65_536);
    const log = yield u.openat('/var/log/nginx/access.log', O_WRONLY_APPEND);
    const base = ['main', 'ngx_worker_process_cycle', 'ngx_process_events_and_timers'];
    for (;;) {
      u.in(...base);
      yield u.nanosleep(random.exponential(GAP_NS));
      u.in(...base, 'ngx_http_process_request');
      yield u.work(random.logNormal(30_000, 0.5));
      u.in(...base, 'ngx_http_process_request', 'ngx_http_static_handler', 'ngx_open_cached_file');
      const fd = yield u.openat(random.weighted(PAGES));
      if (fd >= 0) {
        u.in(...base, 'ngx_http_process_request', 'ngx_http_static_handler');
        while ((yield u.read(fd, buffer, 65_536)) > 0) yield u.work(random.logNormal(8_000, 0.4));
        yield u.close(fd);
      }
      u.in(...base, 'ngx_http_process_request', 'ngx_http_log_handler');
      yield u.write(log, buffer, random.between(90, 240));
    }
  },
};
