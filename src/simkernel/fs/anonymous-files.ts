import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeWord } from '../memory/arena.ts';
import { Dentry, FILE, Inode, createMount, createSuperBlock, openedFile } from './file.ts';
import type { File, FileOperations, Mount } from './file.ts';

/** The file systems that are mounted nowhere: their files have inodes and no names. */
const DEVICES = { bdev: 3, sockfs: 8, pipefs: 13, anon_inodefs: 14 } as const;
export type AnonymousFileSystem = keyof typeof DEVICES;

/** pipefs, sockfs and anon_inodefs of a machine; each is made with its first file. */
export class AnonymousFiles {
  private readonly machine: Machine;
  private readonly mounts = new Map<AnonymousFileSystem, Mount>();
  /** get_next_ino(): one series for all of them. */
  private nextIno = 24_000;

  constructor(m: Machine) {
    this.machine = m;
  }
  private mountOf(type: AnonymousFileSystem): Mount {
    let mount = this.mounts.get(type);
    if (mount === undefined) {
      const m = this.machine;
      const sb = createSuperBlock(m, type, type, DEVICES[type]);
      mount = createMount(m, sb, new Dentry(m, '', null, new Inode(m, 1, 0o040555, 0, sb, {})), null, null);
      this.mounts.set(type, mount);
    }
    return mount;
  }
  /** A new inode of one of them, with the next number if it has none of its own. */
  inode(type: AnonymousFileSystem, mode: number, operations: FileOperations, ino: number = (this.nextIno += 1)): Inode {
    return new Inode(this.machine, ino, mode, 0, this.mountOf(type).root.inode.sb, operations);
  }
  /** An open file for an inode without a name; d_path() shows `name`. */
  open(type: AnonymousFileSystem, inode: Inode, name: string, flags: number, data: KernelObject): File {
    const m = this.machine;
    const mount = this.mountOf(type);
    const file = openedFile(m, mount, new Dentry(m, name, mount.root, inode), flags);
    mount.root.children.delete(name);
    storeWord(m.words, file.address + FILE.privateData, data);
    return file;
  }
}
