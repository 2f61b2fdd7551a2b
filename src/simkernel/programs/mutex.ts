import type { UserCall } from './sockets.ts';
import type { UserContext } from './user.ts';
import { userFunction } from './user-function.ts';
import { EBUSY } from '../errno.ts';

/** nptl/lowlevellock.h: the word of a mutex is free, held, or held while somebody sleeps on it. */
const FREE = 0;
const HELD = 1;
const CONTENDED = 2;
const FUTEX_WAIT_PRIVATE = 128;
const FUTEX_WAKE_PRIVATE = 129;
/** An uncontended compare-and-exchange and what is around it. */
const FAST_PATH_NS = 25;

const word = (u: UserContext, mutex: number): number => u.view(mutex, 4).getInt32(0, true);
const setWord = (u: UserContext, mutex: number, value: number): void => u.view(mutex, 4).setInt32(0, value, true);

const pthreadMutexLock = userFunction('int pthread_mutex_lock(void *mutex)', function* (u, mutex: number) {
  yield u.work(FAST_PATH_NS);
  if (word(u, mutex) === FREE) {
    setWord(u, mutex, HELD);
    return 0;
  }
  while (word(u, mutex) !== FREE) {
    setWord(u, mutex, CONTENDED);
    yield u.call('futex', mutex, FUTEX_WAIT_PRIVATE, CONTENDED, 0);
  }
  // Others may sleep still: only the next unlock finds out.
  setWord(u, mutex, CONTENDED);
  return 0;
});
const pthreadMutexTrylock = userFunction('int pthread_mutex_trylock(void *mutex)', function* (u, mutex: number) {
  yield u.work(FAST_PATH_NS);
  if (word(u, mutex) !== FREE) return EBUSY;
  setWord(u, mutex, HELD);
  return 0;
});
const pthreadMutexUnlock = userFunction('int pthread_mutex_unlock(void *mutex)', function* (u, mutex: number) {
  yield u.work(FAST_PATH_NS);
  const before = word(u, mutex);
  setWord(u, mutex, FREE);
  if (before === CONTENDED) yield u.call('futex', mutex, FUTEX_WAKE_PRIVATE, 1, 0);
  return 0;
});

/** Does something while it holds a mutex. */
export function* withMutex(u: UserContext, mutex: number, body: () => UserCall): UserCall {
  yield* pthreadMutexLock(u, mutex);
  const result = yield* body();
  yield* pthreadMutexUnlock(u, mutex);
  return result;
}
export const MUTEX_FUNCTIONS = [pthreadMutexLock, pthreadMutexTrylock, pthreadMutexUnlock] as const;
