import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { File } from './file.ts';

const FILES = structFields('files_struct', { fdt: 'fdt', fdtab: 'fdtab', nextFd: 'next_fd', fdArray: 'fd_array' });
const FDTABLE = structFields('fdtable', { maxFds: 'max_fds', fd: 'fd' });
const MAX_FDS = 64;

/** struct files_struct: descriptors of a process, readable through fdt->fd[]. */
export class FileTable implements KernelObject {
  readonly address: number;
  readonly files: (File | null)[] = [];
  private readonly machine: Machine;

  constructor(m: Machine) {
    this.machine = m;
    this.address = m.arena.allocate(FILES.size);
    const { words } = m;
    const table = this.address + FILES.fdtab;
    words[(table + FDTABLE.maxFds) >> 2] = MAX_FDS;
    storeWord(words, table + FDTABLE.fd, { address: this.address + FILES.fdArray });
    storeWord(words, this.address + FILES.fdt, { address: table });
  }
  get(fd: number): File | null {
    return this.files[fd] ?? null;
  }
  /** Lowest free descriptor from one on. */
  lowestFree(from = 0): number {
    const { files } = this;
    for (let fd = from; fd < files.length; fd += 1) if (files[fd] === null) return fd;
    return Math.max(from, files.length);
  }
  install(fd: number, file: File | null): void {
    while (this.files.length < fd) this.files.push(null);
    this.files[fd] = file;
    if (fd < MAX_FDS) storeWord(this.machine.words, this.address + FILES.fdArray + 8 * fd, file);
  }
  release(): void {
    this.machine.arena.free(this.address, FILES.size);
  }
}
