import { EPOLL } from '../../functions/fs/poll-events.ts';
import { AF_INET } from '../../net/ip-address.ts';
import { connectTo, receive, sendTo, socketAddress, writeText } from '../sockets.ts';
import type { UserSocketAddress } from '../sockets.ts';
import { createThread, resolve } from '../resolver.ts';
import { LIBCRYPTO, LIBSSL, newSsl, sslDoHandshake, sslRead, sslWrite } from '../openssl.ts';
import type { Image, UserStep } from '../image.ts';
import type { UserContext } from '../user.ts';
import { SOCK_DGRAM } from '../../net/sock.ts';
import { SECOND } from '../../time/units.ts';
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from '../../net/packet.ts';
import { ICMP_ECHO, ICMPV6_ECHO_REQUEST } from '../../net/icmp.ts';

/** Header, time of sending and a pattern. */
const ECHO_BYTES = 64;
const TIMEOUT_MS = 900;
/** Asks a host for an echo every second, or with `-i` more often: `ping -i 0.2 HOST`. */
export const PING: Image = {
  path: '/usr/bin/ping',
  symbols: ['main', 'main_loop', 'pinger', 'ping4_send_probe', 'ping4_parse_reply'],
  *main(u, argv) {
    const every = argv[1] === '-i' ? Number(argv[2]) * SECOND : SECOND;
    const to = socketAddress(u, argv.at(-1) ?? '127.0.0.1');
    const isV6 = to.family !== AF_INET;
    const fd = yield u.call('socket', to.family, SOCK_DGRAM, isV6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    if (fd < 0) return 2;
    const buffer = u.buffer(ECHO_BYTES);
    const pollfd = u.pollfd(fd, EPOLL.IN);
    for (let sequence = 1; ; sequence += 1) {
      u.in('main', 'main_loop', 'pinger', 'ping4_send_probe');
      const view = u.view(buffer, 8);
      view.setUint8(0, isV6 ? ICMPV6_ECHO_REQUEST : ICMP_ECHO);
      view.setUint16(6, sequence & 0xffff, false);
      yield sendTo(u, fd, buffer, ECHO_BYTES, to);
      u.in('main', 'main_loop');
      if ((yield u.call('poll', pollfd, 1, TIMEOUT_MS)) > 0) {
        u.in('main', 'main_loop', 'ping4_parse_reply');
        const size = yield receive(u, fd, buffer, ECHO_BYTES);
        yield u.work(12_000);
        const line = `${size} bytes from ${argv.at(-1)}: icmp_seq=${u.view(buffer, 8).getUint16(6, false)}\n`;
        yield u.write(1, u.string(line), line.length);
      }
      u.in('main', 'main_loop');
      yield u.nanosleep(every);
    }
  },
};

const HTTPS = 443;
const BUFFER = 16_384;
const FAILED = 7;
const COULD_NOT_RESOLVE = 6;

/** Fetches a page over TLS: `curl https://HOST/`. Names are looked up in a thread of their own, as libcurl does. */
export const CURL: Image = {
  path: '/usr/bin/curl',
  symbols: ['main', 'operate', 'Curl_resolv', 'getaddrinfo_thread', 'Curl_ossl_connect', 'Curl_readwrite'],
  libraries: [LIBSSL, LIBCRYPTO],
  *main(u, argv) {
    const host = /^(?:https?:\/\/)?([^/]+)/.exec(argv[1] ?? '')?.[1] ?? '';
    yield u.work(2_200_000);
    u.in('main', 'operate', 'Curl_resolv');
    const answer = yield* resolveInThread(u, host);
    if (typeof answer === 'number') return COULD_NOT_RESOLVE;
    u.in('main', 'operate');
    const fd = yield* connectTo(u, answer);
    if (fd < 0) return FAILED;
    u.in('main', 'operate', 'Curl_ossl_connect');
    const ssl = newSsl(u, fd);
    if (Number(yield* sslDoHandshake(u, ssl)) <= 0) return FAILED;
    u.in('main', 'operate', 'Curl_readwrite');
    const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n`;
    const buffer = u.buffer(BUFFER);
    yield* sslWrite(u, ssl, u.string(request), request.length);
    for (;;) {
      const size = Number(yield* sslRead(u, ssl, buffer, BUFFER));
      if (size <= 0) break;
      yield u.work(3_000);
      if (size < BUFFER / 4) break;
    }
    yield u.close(fd);
    return 0;
  },
};

const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
/** The main thread waits on a word that the other sets when it has the answer. */
function* resolveInThread(u: UserContext, host: string): Generator<UserStep, UserSocketAddress | number, number> {
  const done = u.buffer(16);
  let answer: UserSocketAddress | number = -1;
  yield* createThread(u, 'getaddrinfo_thread', function* (thread) {
    answer = yield* resolve(thread, host, HTTPS);
    thread.view(done, 4).setInt32(0, 1, true);
    yield thread.call('futex', done, FUTEX_WAKE, 1, 0);
    return yield thread.call('exit', 0);
  });
  while (u.view(done, 4).getInt32(0, true) === 0) yield u.call('futex', done, FUTEX_WAIT, 0, 0);
  return answer;
}

const REPORT_NS = 700_000_000;
const REPORT_BYTES = 940;
/** Reports the machine's numbers to a service over one TLS connection that it keeps. */
export const TELEMETRY: Image = {
  path: '/usr/bin/telegraf',
  symbols: ['main', 'run_outputs', 'tls_connect', 'flush_metrics'],
  libraries: [LIBSSL, LIBCRYPTO],
  *main(u) {
    const buffer = u.buffer(BUFFER);
    for (;;) {
      u.in('main', 'run_outputs', 'tls_connect');
      const to = yield* resolve(u, 'api.example.org', HTTPS);
      const fd = typeof to === 'number' ? -1 : yield* connectTo(u, to);
      if (fd >= 0) {
        const ssl = newSsl(u, fd);
        let going = Number(yield* sslDoHandshake(u, ssl)) > 0;
        while (going) {
          u.in('main', 'run_outputs', 'flush_metrics');
          yield u.work(u.random.logNormal(140_000, 0.3));
          writeText(u, buffer, METRICS);
          yield* sslWrite(u, ssl, buffer, REPORT_BYTES);
          going = Number(yield* sslRead(u, ssl, buffer, BUFFER)) > 0;
          yield u.nanosleep(REPORT_NS);
        }
        yield u.close(fd);
      }
      yield u.nanosleep(REPORT_NS);
    }
  },
};
const METRICS =
  'POST /write HTTP/1.1\r\nHost: api.example.org\r\n\r\ncpu,host=shop usage_user=12.5,usage_system=3.1 1767225660\n';
