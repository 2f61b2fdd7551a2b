import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { Dentry, Mount } from './file.ts';

const FS = structFields('fs_struct', {
  users: 'users',
  umask: 'umask',
  rootMount: 'root.mnt',
  rootDentry: 'root.dentry',
  mount: 'pwd.mnt',
  dentry: 'pwd.dentry',
});
/** The mask of every process: there is no umask() here. */
export const DEFAULT_UMASK = 0o22;

/** struct fs_struct: where a process is in the tree of files. */
export class FsStruct implements KernelObject {
  readonly address: number;
  mount: Mount;
  dentry: Dentry;
  /** Where paths begin: the root of the machine's tree, or that of a container's. */
  root: { readonly mount: Mount; readonly dentry: Dentry };
  private readonly machine: Machine;

  constructor(m: Machine, mount: Mount, dentry: Dentry) {
    this.machine = m;
    this.address = m.arena.allocate(FS.size);
    this.mount = mount;
    this.dentry = dentry;
    const { words } = m;
    const { root } = m.fileSystem;
    this.root = { mount: root, dentry: root.root };
    words[(this.address + FS.users) >> 2] = 1;
    words[(this.address + FS.umask) >> 2] = DEFAULT_UMASK;
    this.setRoot(root, root.root);
    this.setDirectory(mount, dentry);
  }
  /** Its struct path of the working directory. */
  get pwd(): number {
    return this.address + FS.mount;
  }
  setRoot(mount: Mount, dentry: Dentry): void {
    this.root = { mount, dentry };
    storeWord(this.machine.words, this.address + FS.rootMount, mount);
    storeWord(this.machine.words, this.address + FS.rootDentry, dentry);
  }
  setDirectory(mount: Mount, dentry: Dentry): void {
    this.mount = mount;
    this.dentry = dentry;
    storeWord(this.machine.words, this.address + FS.mount, mount);
    storeWord(this.machine.words, this.address + FS.dentry, dentry);
  }
  release(): void {
    this.machine.arena.free(this.address, FS.size);
  }
}
