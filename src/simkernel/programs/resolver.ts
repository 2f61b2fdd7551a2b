import { addressOfBytes } from '../net/ip-address.ts';
import { encodeQuestion, parseAnswer, TYPE_A, DNS_PORT } from '../net/dns.ts';
import { socketAddressBytes } from '../net/socket-address.ts';
import { connect, send, receive, socket, socketAddress } from './sockets.ts';
import type { UserCall, UserSocketAddress } from './sockets.ts';
import type { UserStep } from './image.ts';
import type { UserContext } from './user.ts';
import { userFunction } from './user-function.ts';
import { SOCK_DGRAM } from '../net/sock.ts';
import { CLONE_THREAD_FLAGS } from './syscall-numbers.ts';

/** The name server of /etc/resolv.conf. */
export const NAME_SERVER = '10.0.2.3';
const TRIES = 2;
const TIMEOUT_MS = 5_000;
const POLLIN = 1;
const EAI_AGAIN = -3;
const EAI_NONAME = -2;
const IPV4_LENGTH = 4;
const MESSAGE_SIZE = 512;
const SOCKADDR_SIZE = 16;

/** Asks the name server: its address is known, the answer may be late or lost. */
function* lookUp(u: UserContext, name: string): Generator<UserStep, Uint8Array | number, number> {
  const server = socketAddress(u, NAME_SERVER, DNS_PORT);
  const fd = yield socket(u, server, SOCK_DGRAM);
  yield connect(u, fd, server);
  const buffer = u.buffer(MESSAGE_SIZE);
  const pollfd = u.buffer(8);
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const query = encodeQuestion({ id: u.random.between(0, 0xffff), name, type: TYPE_A });
    u.bytes(buffer, query.length).set(query);
    yield send(u, fd, buffer, query.length);
    u.view(pollfd, 8).setInt32(0, fd, true);
    u.view(pollfd, 8).setInt16(4, POLLIN, true);
    if ((yield u.call('poll', pollfd, 1, TIMEOUT_MS)) <= 0) continue;
    const size = yield receive(u, fd, buffer, MESSAGE_SIZE);
    yield u.close(fd);
    return size <= 0 ? EAI_AGAIN : (parseAnswer(u.bytes(buffer, size).slice(), IPV4_LENGTH) ?? EAI_NONAME);
  }
  yield u.close(fd);
  return EAI_AGAIN;
}

/** Stores a sockaddr_in for the name where `res` points; the port is the caller's business. */
const getaddrinfo = userFunction(
  'int getaddrinfo(const char *node, const char *service, const void *hints, void **res)',
  function* (u, node: number, _service: number, _hints: number, res: number) {
    yield u.work(u.random.logNormal(35_000, 0.3));
    const resolv = yield u.openat('/etc/resolv.conf');
    if (resolv >= 0) {
      yield u.read(resolv, res + 8, 64);
      yield u.close(resolv);
    }
    const found = yield* lookUp(u, u.cString(node));
    if (typeof found === 'number') return found;
    u.bytes(res, SOCKADDR_SIZE).set(socketAddressBytes({ family: 2, ip: addressOfBytes(found), port: 0 }));
    return 0;
  },
);
const SCRATCH = 128;
/** Resolves a name as programs do: through the C library. */
export function* resolve(
  u: UserContext,
  name: string,
  port: number,
): Generator<UserStep, UserSocketAddress | number, number> {
  const res = u.buffer(SCRATCH);
  const status = yield* getaddrinfo(u, u.string(name), 0, 0, res);
  if (Number(status) !== 0) return Number(status);
  u.view(res, SOCKADDR_SIZE).setUint16(2, port, false);
  return { at: res, length: SOCKADDR_SIZE, family: 2 };
}

/** clone() with a stack and a start routine; the caller has said what the thread does. */
const pthreadCreate = userFunction(
  'int pthread_create(unsigned long *thread, const void *attr, void *start_routine, void *arg)',
  function* (u, _thread: number, _attr: number, _start: number, _arg: number) {
    yield u.work(6_000);
    const tid = yield u.call('clone', CLONE_THREAD_FLAGS);
    return tid < 0 ? -tid : 0;
  },
);
/** Starts a thread in one of the program's functions. */
export function* createThread(
  u: UserContext,
  routine: string,
  body: (thread: UserContext) => UserCall,
  argument = 0,
): UserCall {
  u.process.childBody = function* (thread) {
    thread.in(routine);
    return yield* body(thread);
  };
  return Number(yield* pthreadCreate(u, u.buffer(8), 0, u.functionAddress(routine), argument));
}

/** Functions of the C library that programs call by name. */
export const LIBC_FUNCTIONS = [getaddrinfo, pthreadCreate] as const;
