import type { Disk } from '../block/disk.ts';
import type { Result } from '../execution/pending.ts';
import type { HandOver } from '../execution/hand-over.ts';
import type { WaitQueue } from '../functions/kernel/wait-queue.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber, storeText, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import { hashText } from '../time/random.ts';
import type { BlockDevice } from './block-device.ts';
import type { FileSystemOperations, InodeOperations } from './operations.ts';
import type { PageCache } from './page-cache.ts';
import { S_IFDIR, S_IFMT } from './file-mode.ts';

const INODE = structFields('inode', {
  mode: 'i_mode',
  ino: 'i_ino',
  fileSize: 'i_size',
  sb: 'i_sb',
  mapping: 'i_mapping',
  data: 'i_data',
  nlink: 'i_nlink',
  link: 'i_link',
});
export const DENTRY = structFields('dentry', {
  parent: 'd_parent',
  name: 'd_name.name',
  length: 'd_name.len',
  hash: 'd_name.hash',
  inode: 'd_inode',
  shortName: 'd_shortname.string',
  sb: 'd_sb',
});
const SUPER_BLOCK = structFields('super_block', {
  dev: 's_dev',
  id: 's_id',
  type: 's_type',
  root: 's_root',
  magic: 's_magic',
  blocksize: 's_blocksize',
});
const FS_TYPE = structFields('file_system_type', { name: 'name' });
export const MOUNT = structFields('mount', {
  parent: 'mnt_parent',
  mountpoint: 'mnt_mountpoint',
  root: 'mnt.mnt_root',
  sb: 'mnt.mnt_sb',
  mnt: 'mnt',
});
export const FILE = structFields('file', {
  mode: 'f_mode',
  flags: 'f_flags',
  inode: 'f_inode',
  mapping: 'f_mapping',
  mnt: 'f_path.mnt',
  dentry: 'f_path.dentry',
  pos: 'f_pos',
  path: 'f_path',
  privateData: 'private_data',
});
const ADDRESS_SPACE = structFields('address_space', { host: 'host', nrpages: 'nrpages' });

const SHORT_NAME = 40;
/** What of a link's text fits into an inode's i_data. */
const LONGEST_FAST_LINK = 60;

/** How the files of a kind behave; the functions are kernel functions. */
export interface FileOperations {
  open?(m: Machine, inode: Inode, file: File): Result;
  readIter?(m: Machine, iocb: Kiocb, to: IovIter): Result;
  writeIter?(m: Machine, iocb: Kiocb, from: IovIter): Result;
  release?(m: Machine, inode: Inode, file: File): Result;
  /** What may be done without sleeping (EPOLLIN and the like); with a table the caller also wants to be told of changes. */
  poll?(m: Machine, file: File, table: PollTable | null): number;
  fsync?(m: Machine, file: File, start: number, end: number, dataOnly: number): Result;
  /** Lists a directory: calls `emit` for each entry from the context's position on until it returns false. */
  iterate?(m: Machine, file: File, context: DirectoryContext): Result;
}
/** struct poll_table_struct: what a file's poll calls for every wait queue that tells of it. */
export interface PollTable extends KernelObject {
  readonly wait: (m: Machine, file: File, queue: WaitQueue) => void;
}

/** struct dir_context: who collects the entries of a directory. */
export interface DirectoryContext extends KernelObject {
  position: number;
  readonly emit: (name: string, inode: Inode) => boolean;
}

/** struct super_block: one mounted file system. */
export interface SuperBlock extends KernelObject {
  readonly device: number;
  readonly type: string;
  /** The partition's name. */
  readonly id: string;
  /** Null for those that are not on a disk; set when the disk is found. */
  disk: Disk | null;
  /** s_bdev; null like its disk. */
  bdev: BlockDevice | null;
  /** Where the next file goes, and how far apart files are. */
  nextSector: number;
  gapSectors: number;
  /** What its type does; null for those whose files are made one by one. */
  operations: FileSystemOperations | null;
  /** Parts of its directories' and inodes' blocks that are in memory at the start. */
  warm: number;
}

const FIRST_FILE_SECTOR = 2_048_000;

export function createSuperBlock(m: Machine, type: string, id: string, device: number): SuperBlock {
  const { arena, words } = m;
  const address = arena.allocate(SUPER_BLOCK.size, 64);
  words[(address + SUPER_BLOCK.dev) >> 2] = device;
  storeText(arena.bytes, address + SUPER_BLOCK.id, id, 32);
  const fsType = arena.allocate(FS_TYPE.size);
  const name = arena.allocate(type.length + 1);
  storeText(arena.bytes, name, type, type.length + 1);
  storeWord(words, fsType + FS_TYPE.name, { address: name });
  storeWord(words, address + SUPER_BLOCK.type, { address: fsType });
  storeNumber(words, address + SUPER_BLOCK.blocksize, 4096);
  return {
    address,
    device,
    type,
    id,
    disk: null,
    bdev: null,
    nextSector: FIRST_FILE_SECTOR,
    gapSectors: 0,
    operations: null,
    warm: 1,
  };
}

/** struct mount; `address` is that of its embedded vfsmount, which is what paths hold. */
export interface Mount extends KernelObject {
  readonly root: Dentry;
  readonly mountpoint: Dentry | null;
  readonly parent: Mount | null;
}

export function createMount(
  m: Machine,
  sb: SuperBlock,
  root: Dentry,
  mountpoint: Dentry | null,
  parent: Mount | null,
): Mount {
  const { arena, words } = m;
  const base = arena.allocate(MOUNT.size, 64);
  const mount: Mount = { address: base + MOUNT.mnt, root, mountpoint, parent };
  storeWord(words, base + MOUNT.root, root);
  storeWord(words, base + MOUNT.sb, sb);
  storeWord(words, base + MOUNT.mountpoint, mountpoint ?? root);
  storeWord(words, base + MOUNT.parent, { address: parent === null ? base : parent.address - MOUNT.mnt });
  return mount;
}

/** struct address_space of a file. */
export interface Mapping extends KernelObject {
  readonly inode: Inode;
}

export class Inode implements KernelObject, HandOver {
  readonly address: number;
  readonly mapping: Mapping;
  readonly ino: number;
  mode: number;
  readonly sb: SuperBlock;
  readonly operations: FileOperations;
  /** What can be done with it in its directory tree; null outside of file systems. */
  get inodeOperations(): InodeOperations | null {
    return this.sb.operations?.inodes ?? null;
  }
  size: number;
  links = 1;
  /** Open files, mappings and the like that keep it in memory. */
  users = 0;
  /** When its size or, of a directory, its names last changed. */
  leftAt = 0;
  /** Whether it is in the inode cache, or still only on the disk. */
  inMemory = false;
  /** Of a directory: its block was read before. */
  blockCached = false;
  isBlockCached(): boolean {
    return this.blockCached || this.sb.warm === 1;
  }
  /** i_size and the like changed since the journal last had them. */
  metadataDirty = false;
  /** First sector on the disk. */
  sector = 0;
  cache: PageCache | null = null;
  /** What reading the file gives, for files that are made up when read. */
  contents: ((m: Machine) => string) | null = null;
  /** State of pipes, sockets and terminals; of files of an overlay what they are made of. */
  channel: unknown = null;
  /** Of a symbolic link: the path that it stands for. */
  link: (KernelObject & { readonly path: string }) | null = null;
  private readonly words: Int32Array;

  constructor(m: Machine, ino: number, mode: number, size: number, sb: SuperBlock, operations: FileOperations) {
    this.address = m.arena.allocate(INODE.size, 64);
    this.words = m.words;
    this.ino = ino;
    this.mode = mode;
    this.sb = sb;
    this.operations = operations;
    this.size = size;
    this.mapping = { address: this.address + INODE.data, inode: this };
    m.arena.view.setUint16(this.address + INODE.mode, mode, true);
    storeNumber(this.words, this.address + INODE.ino, ino);
    storeWord(this.words, this.address + INODE.sb, sb);
    storeWord(this.words, this.address + INODE.mapping, this.mapping);
    storeWord(this.words, this.address + INODE.data + ADDRESS_SPACE.host, this);
    this.words[(this.address + INODE.nlink) >> 2] = 1;
    this.setSize(size);
  }
  /** Frees its memory; nobody may look at it any more. */
  release(m: Machine): void {
    if (this.link !== null) m.arena.free(this.link.address, this.link.path.length + 1);
    m.arena.free(this.address, INODE.size);
  }
  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }
  setMode(m: Machine, mode: number): void {
    this.mode = mode;
    m.arena.view.setUint16(this.address + INODE.mode, mode, true);
  }
  setLinks(links: number): void {
    this.links = links;
    this.words[(this.address + INODE.nlink) >> 2] = links;
  }
  /** Makes it a symbolic link; short texts lie in the inode (i_link), others in a block. */
  setLink(m: Machine, path: string): void {
    const address = m.arena.allocate(path.length + 1);
    storeText(m.arena.bytes, address, path, path.length + 1);
    this.link = { address, path };
    if (this.hasFastLink) storeWord(this.words, this.address + INODE.link, this.link);
    this.setSize(path.length);
  }
  get hasFastLink(): boolean {
    return this.link !== null && this.link.path.length < LONGEST_FAST_LINK;
  }
  setSize(size: number): void {
    this.size = size;
    storeNumber(this.words, this.address + INODE.fileSize, size);
  }
}

/** A negative dentry: a name that is known not to exist. */
export class NegativeDentry implements KernelObject {
  readonly address: number;
  readonly name: string;
  readonly parent: Dentry;

  constructor(m: Machine, name: string, parent: Dentry) {
    this.address = m.arena.allocate(DENTRY.size, 64);
    this.name = name;
    this.parent = parent;
    parent.absent.set(name, this);
    storeName(m, this.address, name);
    storeWord(m.words, this.address + DENTRY.parent, parent);
    storeWord(m.words, this.address + DENTRY.sb, parent.inode.sb);
  }
  release(m: Machine): void {
    releaseDentry(m, this.address, this.name);
  }
}

/** Frees a dentry and its name. */
function releaseDentry({ arena, words }: Machine, address: number, name: string): void {
  if (name.length >= SHORT_NAME) arena.free(words[(address + DENTRY.name) >> 2]!, name.length + 1);
  arena.free(address, DENTRY.size);
}
/** Writes d_name; long names lie outside of the dentry. */
function storeName({ arena, words }: Machine, dentry: number, name: string): void {
  let at = dentry + DENTRY.shortName;
  if (name.length >= SHORT_NAME) at = arena.allocate(name.length + 1);
  storeText(arena.bytes, at, name, Math.max(name.length + 1, name.length >= SHORT_NAME ? 0 : SHORT_NAME));
  storeWord(words, dentry + DENTRY.name, { address: at });
  words[(dentry + DENTRY.length) >> 2] = name.length;
  words[(dentry + DENTRY.hash) >> 2] = hashText(name);
}

export class Dentry implements KernelObject {
  readonly address: number;
  name: string;
  parent: Dentry | null;
  readonly inode: Inode;
  /** By name; of directories that are made up, made as they are asked for. */
  children = new Map<string, Dentry>();
  /** Names that were looked for in vain. */
  readonly absent = new Map<string, NegativeDentry>();
  /** In the dentry cache; before the first lookup a name is only on the disk. */
  hashed = false;
  /** Mounted here. */
  mounted: Mount | null = null;

  /** With an address the dentry takes the place of the negative one that was there (d_instantiate). */
  constructor(m: Machine, name: string, parent: Dentry | null, inode: Inode, address?: number) {
    const { arena, words } = m;
    this.address = address ?? arena.allocate(DENTRY.size, 64);
    this.name = name;
    this.parent = parent;
    this.inode = inode;
    this.words = words;
    parent?.children.set(name, this);
    if (address === undefined) storeName(m, this.address, name);
    storeWord(words, this.address + DENTRY.parent, parent ?? this);
    storeWord(words, this.address + DENTRY.inode, inode);
    storeWord(words, this.address + DENTRY.sb, inode.sb);
  }
  private readonly words: Int32Array;
  /** d_move(): another name, perhaps in another directory. */
  move(m: Machine, parent: Dentry, name: string): void {
    this.parent?.children.delete(this.name);
    this.name = name;
    this.parent = parent;
    parent.children.set(name, this);
    storeName(m, this.address, name);
    storeWord(this.words, this.address + DENTRY.parent, parent);
  }
  /** The name no longer leads to an inode; who still holds the dentry sees it unhashed. */
  unlink(): void {
    this.parent?.children.delete(this.name);
    this.hashed = false;
  }
  release(m: Machine): void {
    releaseDentry(m, this.address, this.name);
  }
}

/** struct path, as an object of its own (embedded in struct file, or on a stack). */
export interface Path extends KernelObject {
  mount: Mount;
  dentry: Dentry;
}

export class File implements KernelObject {
  readonly address: number;
  /** What it leads to: from vfs_open() and do_dentry_open() on. Nobody but path_openat() has it before. */
  readonly path: Path;
  inode!: Inode;
  private isOpen = false;
  flags: number;
  references = 1;
  pos = 0;
  /** Epoll instances that watch it (f_ep). */
  readonly watchers = new Set<{ forget(m: Machine): void }>();
  /** Text of a made-up file, produced when it was opened. */
  text: string | null = null;
  /** Where sequential readers were last: decides about readahead. */
  readonly readahead = { start: 0, size: 0, asyncSize: 0, previous: -1 };
  private readonly words: Int32Array;

  constructor(m: Machine, flags: number) {
    const { arena, words } = m;
    this.words = words;
    this.address = arena.allocate(FILE.size, 64);
    this.flags = flags;
    this.path = { address: this.address + FILE.path, mount: m.fileSystem.root, dentry: m.fileSystem.root.root };
    words[(this.address + FILE.flags) >> 2] = flags;
    words[(this.address + FILE.mode) >> 2] = fileMode(flags);
    storeNumber(words, this.address + FILE.pos, 0);
  }
  setFlags(m: Machine, flags: number): void {
    this.flags = flags;
    m.words[(this.address + FILE.flags) >> 2] = flags;
  }
  setPath(m: Machine, mount: Mount, dentry: Dentry): void {
    this.path.mount = mount;
    this.path.dentry = dentry;
    storeWord(m.words, this.address + FILE.mnt, mount);
    storeWord(m.words, this.address + FILE.dentry, dentry);
  }
  /** The inode of its dentry, which it keeps in memory from now on. */
  setInode(m: Machine): void {
    this.inode = this.path.dentry.inode;
    this.inode.users += 1;
    this.isOpen = true;
    storeWord(m.words, this.address + FILE.inode, this.inode);
    storeWord(m.words, this.address + FILE.mapping, this.inode.mapping);
  }
  setPosition(pos: number): void {
    this.pos = pos;
    storeNumber(this.words, this.address + FILE.pos, pos);
  }
  release(m: Machine): void {
    m.arena.free(this.address, FILE.size);
    if (this.isOpen) this.inode.users -= 1;
  }
}
/** A file that is open already, without anybody's having opened it. */
export function openedFile(m: Machine, mount: Mount, dentry: Dentry, flags: number): File {
  const file = new File(m, flags);
  file.setPath(m, mount, dentry);
  file.setInode(m);
  return file;
}
/** FMODE_READ, FMODE_WRITE from the access mode. */
function fileMode(flags: number): number {
  return ((flags & 3) + 1) & 3;
}

const KIOCB = structFields('kiocb', { file: 'ki_filp', pos: 'ki_pos' });
const IOV_ITER = structFields('iov_iter', { ubuf: 'ubuf', count: 'count' });

/** struct kiocb: one read or write under way. */
export interface Kiocb extends KernelObject {
  file: File;
  pos: number;
  /** ki_complete of asynchronous transfers; null when somebody waits. */
  complete: ((m: Machine, result: number) => void) | null;
}
/** The same transfer on another file: the one behind a file of an overlay. */
export function redirect(m: Machine, iocb: Kiocb, file: File): void {
  iocb.file = file;
  storeWord(m.words, iocb.address + KIOCB.file, file);
}
/** struct iov_iter over one user buffer. */
export interface IovIter extends KernelObject {
  buffer: number;
  count: number;
  /** data_source: the buffer is read, for a write. */
  source: boolean;
}
/** A loff_t on the stack. */
export interface Position extends KernelObject {
  value: number;
}

/** The stack objects of a task's read or write; a task has one under way at most. */
export interface TransferScratch {
  readonly position: Position;
  readonly iocb: Kiocb;
  readonly iter: IovIter;
}

export function transferScratch(m: Machine, file: File): TransferScratch {
  const task = m.cpu.current;
  if (task.transfer === null) {
    const at = task.allocate(m, 16 + KIOCB.size + IOV_ITER.size);
    task.transfer = {
      position: { address: at, value: 0 },
      iocb: { address: at + 16, file, pos: 0, complete: null },
      iter: { address: at + 16 + KIOCB.size, buffer: 0, count: 0, source: false },
    };
  }
  return task.transfer;
}
export function startTransfer(
  m: Machine,
  t: TransferScratch,
  file: File,
  buffer: number,
  count: number,
  pos: number,
  source = false,
): void {
  const { words } = m;
  t.iter.source = source;
  t.iocb.file = file;
  t.iocb.pos = pos;
  t.iter.buffer = buffer;
  t.iter.count = count;
  storeWord(words, t.iocb.address + KIOCB.file, file);
  storeNumber(words, t.iocb.address + KIOCB.pos, pos);
  storeNumber(words, t.iter.address + IOV_ITER.ubuf, buffer);
  storeNumber(words, t.iter.address + IOV_ITER.count, count);
}
