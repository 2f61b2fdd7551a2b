import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../tasks/mman.ts';
import { PAGE_SIZE } from '../memory/sizes.ts';
import type { UserBody, UserStep } from './image.ts';
import type { UserContext } from './user.ts';
import { userFunction } from './user-function.ts';

/*
 * malloc and its kin. Their time is part of what programs work anyway; as long as nobody probes the process a call is the heap's
 * work alone.
 */

type Steps<T> = Generator<UserStep, T, number>;

/** Chunks from here on are mappings of their own (M_MMAP_THRESHOLD). */
const MMAP_THRESHOLD = 131_072;
const CHUNK_HEADER = 16;

function* takeChunk(u: UserContext, bytes: number): Steps<number> {
  if (bytes < MMAP_THRESHOLD) return u.process.heap.take(bytes);
  const size = Math.ceil((bytes + CHUNK_HEADER) / PAGE_SIZE) * PAGE_SIZE;
  const at = yield u.mmap(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  if (at < 0) return 0;
  u.process.largeChunks.set(at + CHUNK_HEADER, size);
  return at + CHUNK_HEADER;
}
function* giveChunk(u: UserContext, pointer: number): Steps<number> {
  const size = u.process.largeChunks.get(pointer);
  if (size === undefined) u.process.heap.give(pointer);
  else {
    u.process.largeChunks.delete(pointer);
    yield u.call('munmap', pointer - CHUNK_HEADER, size);
  }
  return 0;
}
function* resizeChunk(u: UserContext, pointer: number, bytes: number): Steps<number> {
  const { heap } = u.process;
  const before = heap.usable(pointer);
  if (pointer !== 0 && bytes <= before) return pointer;
  const fresh = yield* takeChunk(u, bytes);
  if (pointer !== 0 && fresh !== 0 && bytes < MMAP_THRESHOLD) u.bytes(fresh, before).set(u.bytes(pointer, before));
  if (pointer !== 0) yield* giveChunk(u, pointer);
  return fresh;
}

const probedMalloc = userFunction('void *malloc(size_t size)', takeChunk);
const probedCalloc = userFunction('void *calloc(size_t nmemb, size_t size)', (u, count: number, size: number) =>
  takeChunk(u, count * size),
);
const probedRealloc = userFunction('void *realloc(void *ptr, size_t size)', resizeChunk);
const probedFree = userFunction('void free(void *ptr)', giveChunk);
const probedMemalign = userFunction(
  'int posix_memalign(void **memptr, size_t alignment, size_t size)',
  function* (u, memptr: number, _alignment: number, size: number) {
    u.store(memptr, 8, yield* takeChunk(u, size));
    return 0;
  },
);

/** malloc(3) of a program of the machine. */
export function* malloc(u: UserContext, bytes: number): Steps<number> {
  return u.isProbed ? Number(yield* probedMalloc(u, bytes)) : yield* takeChunk(u, bytes);
}
export function* calloc(u: UserContext, count: number, bytes: number): Steps<number> {
  const pointer = u.isProbed ? Number(yield* probedCalloc(u, count, bytes)) : yield* takeChunk(u, count * bytes);
  if (pointer !== 0 && count * bytes < MMAP_THRESHOLD) u.bytes(pointer, count * bytes).fill(0);
  return pointer;
}
export function* realloc(u: UserContext, pointer: number, bytes: number): Steps<number> {
  return u.isProbed ? Number(yield* probedRealloc(u, pointer, bytes)) : yield* resizeChunk(u, pointer, bytes);
}
export function* free(u: UserContext, pointer: number): Steps<void> {
  if (u.isProbed) yield* probedFree(u, pointer);
  else yield* giveChunk(u, pointer);
}
/** posix_memalign(3) with the least alignment, as pools are made; what it has stored. */
export function* memalign(u: UserContext, bytes: number): Steps<number> {
  if (!u.isProbed) return yield* takeChunk(u, bytes);
  const at = u.sharedBuffer('memptr', 8);
  yield* probedMemalign(u, at, POOL_ALIGNMENT, bytes);
  return u.load(at, 6);
}
const POOL_ALIGNMENT = 16;

/** A stream of stdio: fopen() allocates the FILE and its buffer, fclose() gives them back. */
const FILE_BYTES = 472;
const STREAM_BUFFER = 4096;
export function* withStream(u: UserContext, body: () => UserBody): UserBody {
  const file = yield* malloc(u, FILE_BYTES);
  const buffer = yield* malloc(u, STREAM_BUFFER);
  const result = yield* body();
  yield* free(u, buffer);
  yield* free(u, file);
  return result;
}

/** Functions of the heap, by the names that the C library has for them. */
export const HEAP_FUNCTIONS = [probedMalloc, probedCalloc, probedFree, probedRealloc, probedMemalign] as const;
