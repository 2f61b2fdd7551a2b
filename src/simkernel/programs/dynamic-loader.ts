import { O_CLOEXEC, O_RDONLY } from '../fs/fcntl.ts';
import { PAGE_SIZE } from '../memory/sizes.ts';
import {
  MAP_ANONYMOUS,
  MAP_DENYWRITE,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
} from '../tasks/mman.ts';
import { imageSize } from './image.ts';
import type { Image, UserStep } from './image.ts';
import { LIBC } from './libc.ts';
import type { UserContext } from './user.ts';

type Steps = Generator<UserStep, void, number>;

/** The headers of a library; struct stat fits, too. */
const HEADER_BYTES = 832;
/** sizeof(Elf64_Phdr) * 15: what open_verify() reads again where the headers are elsewhere. */
const PROGRAM_HEADER_BYTES = 840;
const PROGRAM_HEADERS_AT = 64;
const R_OK = 4;
const RLIMIT_STACK = 3;
const GRND_NONBLOCK = 1;
const ARCH_SET_FS = 0x1002;
const ROBUST_LIST_BYTES = 24;
const RSEQ_BYTES = 32;
const RSEQ_SIGNATURE = 0x5305_3053;
/** Of every library behind its text: initialised data, and zeroes. */
const DATA_PAGES = 6;
const ZERO_PAGES = 5;
/** Of the data, what is constant once relocated (RELRO). */
const RELRO_PAGES = 4;
/** malloc's first piece of the heap. */
const HEAP_BYTES = 0x21000;
/** Text is mapped around each fault, so much at once. */
const FAULT_AROUND = 16 * PAGE_SIZE;
const RELOCATE_NS = 4_500;

/** What the dynamic loader and the C library's start do between execve() and main, in the order of glibc 2.41. */
export function* load(u: UserContext): Steps {
  const buffer = u.buffer(HEADER_BYTES + 8);
  u.in();
  yield u.call('brk', 0);
  // The loader relocates itself.
  yield* run(u, u.page(0), 3);
  yield u.mmap(2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  yield u.call('access', u.string('/etc/ld.so.preload'), R_OK);
  const cache = yield* readCache(u, buffer);
  const libraries = [...(u.executable.libraries ?? []), LIBC];
  for (const library of libraries) yield* mapLibrary(u, library, buffer);
  yield* startThread(u);
  for (const library of libraries) {
    yield* run(u, u.process.mm.imageBase(library), 4);
    yield u.call('mprotect', dataOf(u, library), RELRO_PAGES * PAGE_SIZE, PROT_READ);
  }
  yield u.call('prlimit64', 0, RLIMIT_STACK, 0, buffer);
  if (cache !== undefined) yield u.call('munmap', cache.start, cache.size);
  yield u.call('getrandom', buffer, 8, GRND_NONBLOCK);
  const heap = yield u.call('brk', 0);
  yield u.call('brk', heap + HEAP_BYTES);
  for (let page = 0; page < 3; page += 1) yield* u.access(heap + PAGE_SIZE * page);
  yield* run(u, u.page(0), 2);
}

/** Runs through some of a text for the first time. */
function* run(u: UserContext, text: number, places: number): Steps {
  for (let place = 0; place < places; place += 1) {
    yield u.work(u.random.logNormal(RELOCATE_NS, 0.3));
    yield u.touch(text + ((FAULT_AROUND * place) % PAGE_SIZE), false);
  }
}
/** Where libraries are: the file that ldconfig makes. */
function* readCache(
  u: UserContext,
  buffer: number,
): Generator<UserStep, { readonly start: number; readonly size: number } | undefined, number> {
  const fd = yield u.openat('/etc/ld.so.cache', O_RDONLY | O_CLOEXEC);
  if (fd < 0) return undefined;
  const size = yield* fileSize(u, fd, buffer);
  const start = yield u.mmap(size, PROT_READ, MAP_PRIVATE, fd);
  yield u.close(fd);
  for (let page = 0; page < 2; page += 1) yield* u.access(start + page * PAGE_SIZE, false);
  return { start, size };
}
function* fileSize(u: UserContext, fd: number, buffer: number): Generator<UserStep, number, number> {
  yield u.call('fstat', fd, buffer);
  return u.load(buffer + SIZE_IN_STAT, 6);
}
/** Offset of st_size. */
const SIZE_IN_STAT = 48;

/** Text where exec has laid it out, then the parts of it that are not text. */
function* mapLibrary(u: UserContext, library: Image, buffer: number): Steps {
  const fd = yield u.openat(library.path.replace(/^\/usr/, ''), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  yield u.read(fd, buffer, HEADER_BYTES);
  yield u.pread(fd, buffer, PROGRAM_HEADER_BYTES, PROGRAM_HEADERS_AT);
  yield* fileSize(u, fd, buffer);
  yield u.pread(fd, buffer, PROGRAM_HEADER_BYTES, PROGRAM_HEADERS_AT);
  const text = imageSize(library);
  const flags = MAP_PRIVATE | MAP_DENYWRITE;
  const base = yield u.mmap(text, PROT_READ, flags, fd);
  const fixed = flags | MAP_FIXED;
  const data = dataOf(u, library);
  yield u.mmapAt(base + PAGE_SIZE, text - PAGE_SIZE, PROT_READ | PROT_EXEC, fixed, fd, PAGE_SIZE);
  yield u.mmapAt(data, DATA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, fixed, fd, data - base);
  const zeroes = data + DATA_PAGES * PAGE_SIZE;
  yield u.mmapAt(zeroes, ZERO_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, fixed | MAP_ANONYMOUS, -1, 0);
  yield u.close(fd);
  yield* run(u, base, 3);
  for (let page = 0; page < DATA_PAGES; page += 1) yield* u.access(data + page * PAGE_SIZE);
  for (let page = 0; page < ZERO_PAGES; page += 2) yield* u.access(zeroes + page * PAGE_SIZE);
}
/** Behind a library's text. */
function dataOf(u: UserContext, library: Image): number {
  return u.process.mm.imageBase(library) + Math.ceil(imageSize(library) / PAGE_SIZE) * PAGE_SIZE;
}
/** The control block of the first thread, and what the kernel is told of it. */
function* startThread(u: UserContext): Steps {
  const block = yield u.mmap(3 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
  yield* u.access(block);
  if (u.has('arch_prctl')) yield u.call('arch_prctl', ARCH_SET_FS, block);
  yield u.call('set_tid_address', block);
  yield u.call('set_robust_list', block, ROBUST_LIST_BYTES);
  yield u.call('rseq', block, RSEQ_BYTES, 0, RSEQ_SIGNATURE);
}
