import type { UserStep } from '../programs/image.ts';
import type { UserContext } from '../programs/user.ts';

const CHUNK = 4096;
const READ_CHUNK = 65_536;
export const STDIN = 0;
export const STDOUT = 1;
export const STDERR = 2;

/** One buffer a process is enough for all that it writes. */
const buffers = new WeakMap<UserContext, Map<number, number>>();
function bufferOf(u: UserContext, size: number): number {
  const known = buffers.get(u) ?? new Map<number, number>();
  buffers.set(u, known);
  const at = known.get(size) ?? u.buffer(size);
  known.set(size, at);
  return at;
}

/** Writes a text with write(2); 0 or the negative error number. */
export function* writeText(u: UserContext, fd: number, text: string): Generator<UserStep, number, number> {
  const buffer = bufferOf(u, CHUNK);
  for (let from = 0; from < text.length; from += CHUNK) {
    const part = text.slice(from, from + CHUNK);
    const bytes = u.bytes(buffer, CHUNK);
    for (let i = 0; i < part.length; i += 1) bytes[i] = part.charCodeAt(i);
    const written = yield u.write(fd, buffer, part.length);
    if (written < 0) return written;
  }
  return 0;
}
/** Some of what a file has to give, at most once round read(2); '' at its end. */
export function* readSome(u: UserContext, fd: number): Generator<UserStep, string | number, number> {
  const buffer = bufferOf(u, READ_CHUNK);
  const count = yield u.read(fd, buffer, READ_CHUNK);
  if (count < 0) return count;
  const bytes = u.bytes(buffer, READ_CHUNK).subarray(0, count);
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
/** All of it; a negative error number when it cannot be read. */
export function* readWhole(u: UserContext, fd: number): Generator<UserStep, string | number, number> {
  let text = '';
  for (;;) {
    const part = yield* readSome(u, fd);
    if (typeof part === 'number') return part;
    if (part === '') return text;
    text += part;
  }
}
/** All of a file by name. */
export function* readPath(u: UserContext, path: string): Generator<UserStep, string | number, number> {
  const fd = yield u.openat(path);
  if (fd < 0) return fd;
  const text = yield* readWhole(u, fd);
  yield u.close(fd);
  return text;
}
