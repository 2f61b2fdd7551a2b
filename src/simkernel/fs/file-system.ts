import { MAXSYMLINKS } from './links.ts';
import type { Disk } from '../block/disk.ts';
import type { Machine } from '../machine.ts';
import { hashText } from '../time/random.ts';
import { BlockDevice } from './block-device.ts';
import { Dentry, Inode, NegativeDentry, createMount, createSuperBlock } from './file.ts';
import type { FileOperations, Mount, Path, SuperBlock } from './file.ts';
import type { FileSystemOperations } from './operations.ts';
import { PageCache } from './page-cache.ts';
import type { FileSystemType } from './types.ts';
import { PAGE_SIZE } from '../memory/sizes.ts';
import { S_IFREG, S_IFDIR, S_IFLNK, S_IFMT } from './file-mode.ts';
import { SECTOR } from '../block/flags.ts';

const NO_OPERATIONS: FileOperations = {};

/** MKDEV of the kernel's internal dev_t. */
function makeDevice(major: number, minor: number): number {
  return (major << 20) | minor;
}

/** The functions of each type of file system. */
export type FileSystemTypes = Readonly<Record<FileSystemType | 'proc' | 'overlay', FileSystemOperations>>;

/** The tree of names: an ext4 root on the NVMe disk and a proc. */
export class FileSystem {
  readonly root: Mount;
  readonly ext4: SuperBlock;
  readonly proc: SuperBlock;
  readonly mounts: Mount[] = [];
  /** All that are mounted. */
  readonly superBlocks: SuperBlock[] = [];
  /** Regular files with a page cache, for writeback and reclaim. */
  readonly cached = new Set<Inode>();
  /** Those with dirty pages, in the order in which they became dirty. */
  readonly dirty = new Set<Inode>();
  private readonly machine: Machine;
  private readonly types: FileSystemTypes;
  private nextIno = FIRST_INO;
  private nextProcIno = PROC_DYNAMIC_FIRST;

  constructor(m: Machine, types: FileSystemTypes) {
    this.machine = m;
    this.types = types;
    this.ext4 = this.superBlock('ext4', 'nvme0n1p1', makeDevice(259, 1));
    this.superBlocks.push(this.ext4);
    this.proc = this.superBlock('proc', 'proc', makeDevice(0, 21));
    const rootDentry = new Dentry(m, '/', null, this.newInode(S_IFDIR | 0o755, PAGE_SIZE, this.ext4));
    rootDentry.hashed = true;
    this.root = createMount(m, this.ext4, rootDentry, null, null);
    this.mount('/proc', this.proc, 0o555);
  }
  private superBlock(type: keyof FileSystemTypes, id: string, device: number): SuperBlock {
    const sb = createSuperBlock(this.machine, type, id, device);
    sb.operations = this.types[type];
    return sb;
  }
  /** Puts the root of another file system over a directory. */
  mount(path: string, sb: SuperBlock, mode = 0o755): void {
    const point = this.directory(path);
    point.hashed = true;
    const root = new Dentry(this.machine, '/', null, this.newInode(S_IFDIR | mode, 0, sb));
    root.hashed = true;
    point.mounted = createMount(this.machine, sb, root, point, this.root);
    this.mounts.push(point.mounted);
    this.superBlocks.push(sb);
  }
  /** An empty directory of the root file system that was there for a mount all along; it takes no inode number from files. */
  mountPoint(name: string, parent: Dentry): Dentry {
    const inode = new Inode(this.machine, MOUNT_POINT_INO, S_IFDIR | 0o755, PAGE_SIZE, parent.inode.sb, NO_OPERATIONS);
    const dentry = new Dentry(this.machine, name, parent, inode);
    dentry.hashed = true;
    return dentry;
  }
  /** mount(2): a file system that is mounted elsewhere already. */
  mountAgain(path: Path, sb: SuperBlock): void {
    const root = this.mounts.find((mount) => mount.root.inode.sb === sb)?.root ?? this.root.root;
    path.dentry.mounted = createMount(this.machine, sb, root, path.dentry, path.mount);
    this.mounts.push(path.dentry.mounted);
  }
  /** False when the path is no mount's root. */
  unmount(mount: Mount, root: Dentry): boolean {
    if (mount.root !== root || mount.mountpoint === null) return false;
    mount.mountpoint.mounted = null;
    this.mounts.splice(this.mounts.indexOf(mount), 1);
    return true;
  }
  /** An overlay over a directory: what is in it is made of others. */
  mountOverlay(path: string): Mount {
    const sb = this.superBlock('overlay', 'overlay', makeDevice(0, FIRST_OVERLAY + this.overlays));
    this.overlays += 1;
    this.mount(path, sb);
    return this.mounts.at(-1)!;
  }
  private overlays = 0;
  /** A file or directory of an overlay. */
  overlayEntry(parent: Dentry, name: string, real: Inode, layers: unknown): Dentry {
    const inode = this.newInode(real.mode, real.size, parent.inode.sb);
    inode.channel = layers;
    return new Dentry(this.machine, name, parent, inode);
  }
  /** A file system on the first partition of a disk, or on all of it; nothing of it is in memory yet. */
  mountDisk(path: string, disk: Disk, type: FileSystemType, gapSectors: number, isPartition: boolean): SuperBlock {
    const part = isPartition ? 1 : 0;
    const sb = this.superBlock(type, `${disk.name}${part === 0 ? '' : part}`, disk.device + part);
    sb.disk = disk;
    sb.bdev = new BlockDevice(this.machine, sb);
    sb.gapSectors = gapSectors;
    sb.warm = 0;
    this.mount(path, sb);
    return sb;
  }
  /** An inode with the operations of its file system. */
  private newInode(mode: number, size: number, sb: SuperBlock): Inode {
    const isDirectory = (mode & S_IFMT) === S_IFDIR;
    const operations = isDirectory ? sb.operations?.directories : sb.operations?.files;
    return new Inode(this.machine, this.takeIno(sb), mode, size, sb, operations ?? NO_OPERATIONS);
  }
  /** proc counts for itself. */
  private takeIno(sb: SuperBlock): number {
    return sb === this.proc ? this.nextProcIno++ : this.nextIno++;
  }
  /** Makes a directory and those above it. */
  directory(path: string, linksLeft = MAXSYMLINKS): Dentry {
    let at = this.root.root;
    for (const name of names(path)) {
      at = at.mounted?.root ?? at;
      at = at.children.get(name) ?? this.newDirectory(name, at);
      if (at.inode.link !== null && linksLeft > 0)
        at = this.directory(this.target(at, at.inode.link.path), linksLeft - 1);
    }
    return at.mounted?.root ?? at;
  }
  private newDirectory(name: string, parent: Dentry): Dentry {
    const inode = this.newInode(S_IFDIR | 0o755, PAGE_SIZE, parent.inode.sb);
    this.place(inode);
    return new Dentry(this.machine, name, parent, inode);
  }
  /** Finds room on the disk, with some to grow. */
  private place(inode: Inode): void {
    const { sb, size } = inode;
    inode.sector = sb.nextSector;
    sb.nextSector += Math.ceil(size / PAGE_SIZE + GROWTH_PAGES) * (PAGE_SIZE / SECTOR) + sb.gapSectors;
  }
  /** How many there are. */
  get inodes(): number {
    return this.nextIno - FIRST_INO;
  }
  /** A regular file; `warm` is the part of its pages that is cached at the start. */
  file(path: string, size: number, warm = 1, mode = 0o644): Inode {
    const { sb } = this.directory(path.slice(0, path.lastIndexOf('/'))).inode;
    const inode = this.newInode(S_IFREG | mode, size, sb);
    this.place(inode);
    this.cached.add(inode);
    this.link(path, inode);
    this.warmth.set(inode, warm);
    return inode;
  }
  private readonly warmth = new Map<Inode, number>();
  /** A file whose text is made when it is opened. */
  procFile(path: string, contents: (m: Machine) => string, operations?: FileOperations): Inode {
    const inode =
      operations === undefined
        ? this.newInode(S_IFREG | 0o444, 0, this.proc)
        : new Inode(this.machine, this.takeIno(this.proc), S_IFREG | 0o644, 0, this.proc, operations);
    inode.contents = contents;
    this.link(path, inode);
    return inode;
  }
  /** A symbolic link that was there all along; it takes no inode number from files. */
  symlink(path: string, target: string): void {
    const slash = path.lastIndexOf('/');
    const directory = this.directory(path.slice(0, slash));
    const inode = new Inode(this.machine, MOUNT_POINT_INO, S_IFLNK | 0o777, 0, directory.inode.sb, NO_OPERATIONS);
    inode.setLink(this.machine, target);
    new Dentry(this.machine, path.slice(slash + 1), directory, inode);
  }
  /** Any inode under a name. */
  special(path: string, mode: number, operations: FileOperations): Inode {
    const inode = new Inode(this.machine, this.nextIno++, mode, 0, this.ext4, operations);
    this.link(path, inode);
    return inode;
  }
  private link(path: string, inode: Inode): void {
    const slash = path.lastIndexOf('/');
    new Dentry(this.machine, path.slice(slash + 1), this.directory(path.slice(0, slash)), inode);
  }

  // What the functions of file systems do to directories.

  /** A new file or directory takes the place of a name that was not there. */
  instantiate(negative: NegativeDentry, mode: number): Dentry {
    const inode = this.newInode(mode, inodeSize(mode), negative.parent.inode.sb);
    inode.inMemory = true;
    inode.metadataDirty = true;
    inode.blockCached = true;
    this.place(inode);
    if (!inode.isDirectory) {
      this.cached.add(inode);
      this.warmth.set(inode, 0);
    }
    return this.fill(negative, inode);
  }
  instantiateLink(negative: NegativeDentry, target: string): Dentry {
    const inode = this.newInode(S_IFLNK | 0o777, 0, negative.parent.inode.sb);
    inode.setLink(this.machine, target);
    inode.inMemory = true;
    inode.metadataDirty = true;
    return this.fill(negative, inode);
  }
  addLink(negative: NegativeDentry, inode: Inode): void {
    inode.setLinks(inode.links + 1);
    this.fill(negative, inode);
  }
  private fill(negative: NegativeDentry, inode: Inode): Dentry {
    const { parent, name, address } = negative;
    parent.absent.delete(name);
    const dentry = new Dentry(this.machine, name, parent, inode, address);
    dentry.hashed = true;
    return dentry;
  }
  /** The name is gone; the inode goes with its last link and its last user. */
  dropLink(dentry: Dentry): void {
    dentry.unlink();
    dentry.inode.setLinks(dentry.inode.links - 1);
  }
  move(dentry: Dentry, directory: Dentry, target: Dentry | NegativeDentry): void {
    directory.absent.delete(target.name);
    dentry.move(this.machine, directory, target.name);
  }
  /** An inode without links and users. */
  forget(inode: Inode): void {
    this.cached.delete(inode);
    this.dirty.delete(inode);
    this.warmth.delete(inode);
  }
  /** The page cache of a file; large ones are made when first used. */
  cacheOf(inode: Inode): PageCache {
    if (inode.cache === null) {
      const warm = this.warmth.get(inode) ?? 1;
      const pages = Math.ceil(inode.size / PAGE_SIZE);
      inode.cache = new PageCache(
        this.machine.zone,
        pages,
        (stretch) => (Math.imul(hashText('page cache', inode.ino) ^ stretch, 0x9e3779b1) >>> 8) / 0x1000000 < warm,
      );
    }
    return inode.cache;
  }
  /** Finds a path without the kernel's help (for the tracer). */
  find(path: string, linksLeft = MAXSYMLINKS): Dentry | undefined {
    let at: Dentry | undefined = this.root.root;
    for (const name of names(path)) {
      at = (at?.mounted?.root ?? at)?.children.get(name);
      const link = at?.inode.link ?? null;
      if (at === undefined || link === null) continue;
      at = linksLeft > 0 ? this.find(this.target(at, link.path), linksLeft - 1) : undefined;
    }
    return at?.mounted?.root ?? at;
  }
  /** Where a link leads, from the root. */
  private target(link: Dentry, text: string): string {
    const parts: string[] = [];
    if (!text.startsWith('/'))
      for (let at = link.parent; at !== null && at.parent !== null; at = at.parent) parts.unshift(at.name);
    for (const name of names(text)) {
      if (name === '..') parts.pop();
      else if (name !== '.') parts.push(name);
    }
    return `/${parts.join('/')}`;
  }
  /** The mount that a directory lies on. */
  mountOf(dentry: Dentry): Mount {
    let top = dentry;
    while (top.parent !== null) top = top.parent;
    return this.mounts.find(({ root }) => root === top) ?? this.root;
  }
  /** A file with these contents, made if there is none: for the tracer, without the kernel's help. */
  store(path: string, contents: Uint8Array): void {
    const inode = this.find(path)?.inode ?? this.file(path, contents.length);
    const text = Array.from(contents, (byte) => String.fromCharCode(byte)).join('');
    inode.contents = () => text;
  }
  contents(m: Machine, path: string): Uint8Array | undefined {
    const inode = this.find(path)?.inode;
    if (inode === undefined || inode.contents === null) return undefined;
    return Uint8Array.from(inode.contents(m), (c) => c.charCodeAt(0));
  }
}
/** Minor numbers of unnamed devices: those before it went to the file systems of the boot. */
const FIRST_OVERLAY = 52;
const FIRST_INO = 131_073;
/** fs/proc/generic.c */
const PROC_DYNAMIC_FIRST = 0xf000_0000;
const MOUNT_POINT_INO = 12;
/** Left free behind every file on the disk. */
const GROWTH_PAGES = 256;
function inodeSize(mode: number): number {
  return (mode & S_IFMT) === S_IFDIR ? PAGE_SIZE : 0;
}

export function names(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}
