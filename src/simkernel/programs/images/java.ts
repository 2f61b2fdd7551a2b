import { createThread } from '../resolver.ts';
import type { UserCall } from '../sockets.ts';
import { writeText } from '../sockets.ts';
import type { Image } from '../image.ts';
import type { UserContext } from '../user.ts';
import { userFunction } from '../user-function.ts';
import { MS } from '../../time/units.ts';

const HOME = '/usr/lib/jvm/java-21-openjdk-amd64';
/** What the service's jobs run: class and method, outermost first. */
const CALLS = [
  ['shop/OrderQueue', 'poll'],
  ['shop/Invoice', 'render'],
  ['java/lang/StringBuilder', 'append'],
  ['java/util/HashMap', 'get'],
  ['java/lang/Math', 'multiplyHigh'],
] as const;
const OBJECT_BYTES = 64;
const POOL_THREADS = 3;
const JOBS_PER_THREAD = 12;

/** JNI: an object of a class, for the native code that renders PDFs. */
const newObject = (name: string) =>
  userFunction(
    `void *${name}(void *env, void *clazz, void *method)`,
    function* (u, _env: number, _clazz: number, _method: number) {
      yield u.work(u.random.logNormal(1_400, 0.4));
      return u.sharedBuffer('heap object', OBJECT_BYTES);
    },
  );
const jniNewObject = newObject('jni_NewObject');
const jniNewObjectV = newObject('jni_NewObjectV');

/** The virtual machine. Its probes are those of -XX:+DTraceMethodProbes. */
const LIBJVM: Image = {
  path: `${HOME}/lib/server/libjvm.so`,
  symbols: [
    'JNI_CreateJavaVM',
    'thread_native_entry',
    'JavaThread::run',
    'JavaThread::exit',
    'JavaCalls::call_helper',
    'SharedRuntime::dtrace_method_entry',
    jniNewObject,
    'jni_NewObjectA',
    jniNewObjectV,
    'jni_CallVoidMethod',
  ],
  main: null,
  usdt: [
    {
      provider: 'hotspot',
      name: 'thread__start',
      operands: '8@%rdi -4@%esi 8@%rdx 8@%rcx 1@%r8b',
      in: 'JavaThread::run',
    },
    {
      provider: 'hotspot',
      name: 'thread__stop',
      operands: '8@%rdi -4@%esi 8@%rdx 8@%rcx 1@%r8b',
      in: 'JavaThread::exit',
    },
    {
      provider: 'hotspot',
      name: 'method__entry',
      operands: '8@%rdi 8@%rsi -4@%edx 8@%rcx -4@%r8d 8@%r9',
      in: 'SharedRuntime::dtrace_method_entry',
    },
  ],
};

/** A text in the virtual machine's memory: symbols live as long as it does. */
function symbol(u: UserContext, text: string): number {
  const at = u.sharedBuffer(`symbol ${text}`, text.length + 1);
  writeText(u, at, text);
  return at;
}
function* enter(u: UserContext, [type, method]: readonly [string, string]): UserCall {
  const signature = '()V';
  yield* u.usdt(
    'hotspot',
    'method__entry',
    u.task.pid,
    symbol(u, type),
    type.length,
    symbol(u, method),
    method.length,
    symbol(u, signature),
    signature.length,
  );
  return 0;
}
/** One thread of the pool: some jobs, then it ends and another takes its place. */
function* work(u: UserContext, name: string): UserCall {
  const announce = (event: string): UserCall =>
    (function* () {
      yield* u.usdt('hotspot', event, symbol(u, name), name.length, u.task.pid, u.task.pid, 0);
      return 0;
    })();
  yield* announce('thread__start');
  for (let job = 0; job < JOBS_PER_THREAD; job += 1) {
    u.in('thread_main', 'interpreter', 'Lshop/Invoice;::render');
    for (const call of CALLS) {
      yield* enter(u, call);
      yield u.work(u.random.logNormal(30_000, 0.5));
    }
    yield* u.random.chance(0.3) ? jniNewObjectV(u, 0, 0, 0) : jniNewObject(u, 0, 0, 0);
    u.in('thread_main', 'interpreter');
    yield u.nanosleep(u.random.exponential(60 * MS));
  }
  yield* announce('thread__stop');
  return yield u.call('exit', 0);
}

/** A service in Java: a pool of threads renders invoices. */
export const JAVA: Image = {
  path: `${HOME}/bin/java`,
  symbols: ['main', 'JavaMain', 'thread_main', 'interpreter', 'Lshop/Invoice;::render'],
  libraries: [LIBJVM],
  *main(u) {
    u.in('main', 'JavaMain');
    yield u.work(20 * MS);
    for (let started = 0; ; started += 1) {
      const name = `pool-1-thread-${started + 1}`;
      yield* createThread(u, 'thread_main', (thread) => work(thread, name));
      yield u.nanosleep(started < POOL_THREADS ? 15 * MS : u.random.logNormal(250 * MS, 0.3));
    }
  },
};
