import { EFAULT, EPERM } from '../../errno.ts';
import type { Result } from '../../execution/pending.ts';
import type { IovIter, Kiocb } from '../../fs/file.ts';
import type { FileSystemOperations, InodeOperations } from '../../fs/operations.ts';
import type { Machine } from '../../machine.ts';
import { loadText } from '../../memory/arena.ts';
import { bug } from '../../../source/bug.ts';

/* What the file systems without a disk have in common: proc, sysfs, cgroup2, tracefs, tmpfs. */

/** Producing text costs per character; copying it is cheap beside that. */
export const FORMAT_NS_PER_CHARACTER = 4;

/** Puts text into the current process's memory, where its reads want it. */
export function writeUserText(m: Machine, address: number, text: string): void {
  const at = m.cpu.current.process?.mm.find(address, text.length) ?? -1;
  if (at < 0) return;
  for (let i = 0; i < text.length; i += 1) m.arena.bytes[at + i] = text.charCodeAt(i);
}

/** A part of a file's text, which is made when it is first read. */
export function readText(m: Machine, { file, pos }: Kiocb, to: IovIter, make: () => string): number {
  if (file.text === null) {
    file.text = make();
    m.spend(file.text.length * FORMAT_NS_PER_CHARACTER);
  }
  const part = file.text.slice(pos, pos + to.count);
  writeUserText(m, to.buffer, part);
  return part.length;
}
/** What a process writes goes to the function that the file is; how much it took, or a negative error number. */
export function writeText(m: Machine, from: IovIter, write: (text: string) => number): number {
  const at = m.cpu.current.process?.mm.find(from.buffer, from.count) ?? -1;
  if (at < 0) return -EFAULT;
  const error = write(loadText(m.arena.bytes, at, from.count));
  return error < 0 ? error : from.count;
}

const refused = (): Result => -EPERM;
/** Directories that nobody changes. */
export const UNCHANGEABLE: Omit<InodeOperations, 'lookup'> = {
  create: refused,
  link: refused,
  unlink: refused,
  mkdir: refused,
  rmdir: refused,
  rename: refused,
  symlink: refused,
  getLink: () => undefined,
  getattr: () => 0,
};
const noPages = (): never => bug('a file system without pages');
/** Files that are no pages: nothing is read ahead or written back. */
export const WITHOUT_PAGES: Pick<
  FileSystemOperations,
  'readahead' | 'writeBegin' | 'writeEnd' | 'writepages' | 'syncFs'
> = {
  readahead: noPages,
  writeBegin: () => undefined,
  writeEnd: () => undefined,
  writepages: noPages,
  syncFs: () => 0,
};
