import type { Disk } from '../block/request.ts';
import type { Machine } from '../machine.ts';
import { hashText } from '../time/random.ts';
import { Dentry, Inode, createMount, createSuperBlock } from './file.ts';
import type { FileOperations, Mount, SuperBlock } from './file.ts';
import { PAGE_SIZE, PageCache } from './page-cache.ts';
import type { FileSystemType } from './types.ts';

const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const SECTOR = 512;
const NO_OPERATIONS: FileOperations = {};

/** MKDEV of the kernel's internal dev_t. */
function makeDevice(major: number, minor: number): number {
  return (major << 20) | minor;
}

/** The tree of names: an ext4 root on the NVMe disk and a proc. */
export class FileSystem {
  readonly root: Mount;
  readonly ext4: SuperBlock;
  readonly proc: SuperBlock;
  /** All that are mounted. */
  readonly superBlocks: SuperBlock[] = [];
  /** Regular files with a page cache, for writeback. */
  readonly cached: Inode[] = [];
  private readonly machine: Machine;
  private readonly ext4Files: FileOperations;
  private readonly procFiles: FileOperations;
  private nextIno = 131_073;

  constructor(m: Machine, ext4Files: FileOperations, procFiles: FileOperations) {
    this.machine = m;
    this.ext4Files = ext4Files;
    this.procFiles = procFiles;
    this.ext4 = createSuperBlock(m, 'ext4', 'nvme0n1p1', makeDevice(259, 1));
    this.superBlocks.push(this.ext4);
    this.proc = createSuperBlock(m, 'proc', 'proc', makeDevice(0, 21));
    const rootDentry = new Dentry(m, '/', null, this.inode(S_IFDIR | 0o755, PAGE_SIZE, this.ext4, NO_OPERATIONS));
    this.root = createMount(m, this.ext4, rootDentry, null, null);
    this.mount('/proc', this.proc, 0o555);
  }
  /** Puts the root of another file system over a directory. */
  mount(path: string, sb: SuperBlock, mode = 0o755): void {
    const point = this.directory(path);
    const root = new Dentry(this.machine, '/', null, this.inode(S_IFDIR | mode, 0, sb, NO_OPERATIONS));
    point.mounted = createMount(this.machine, sb, root, point, this.root);
    this.superBlocks.push(sb);
  }
  /** A file system on the first partition of a disk. */
  mountDisk(path: string, disk: Disk, type: FileSystemType, gapSectors: number): void {
    const sb = createSuperBlock(this.machine, type, `${disk.name}1`, disk.device + 1);
    sb.disk = disk;
    sb.gapSectors = gapSectors;
    this.mount(path, sb);
  }
  private inode(mode: number, size: number, sb: SuperBlock, operations: FileOperations): Inode {
    return new Inode(this.machine, this.nextIno++, mode, size, sb, operations);
  }
  /** Makes a directory and those above it. */
  directory(path: string): Dentry {
    let at = this.root.root;
    for (const name of names(path)) {
      at = at.mounted?.root ?? at;
      at =
        at.children.get(name) ??
        new Dentry(this.machine, name, at, this.inode(S_IFDIR | 0o755, PAGE_SIZE, at.inode.sb, NO_OPERATIONS));
    }
    return at.mounted?.root ?? at;
  }
  /** A regular file; `warm` is the part of its pages that is cached at the start. */
  file(path: string, size: number, warm = 1, mode = 0o644): Inode {
    const { sb } = this.directory(path.slice(0, path.lastIndexOf('/'))).inode;
    const inode = this.inode(S_IFREG | mode, size, sb, this.ext4Files);
    inode.sector = sb.nextSector;
    sb.nextSector += Math.ceil(size / PAGE_SIZE + 256) * (PAGE_SIZE / SECTOR) + sb.gapSectors;
    this.cached.push(inode);
    this.link(path, inode);
    this.warmth.set(inode, warm);
    return inode;
  }
  private readonly warmth = new Map<Inode, number>();
  /** A file whose text is made when it is opened. */
  procFile(path: string, contents: (m: Machine) => string): Inode {
    const inode = this.inode(S_IFREG | 0o444, 0, this.proc, this.procFiles);
    inode.contents = contents;
    this.link(path, inode);
    return inode;
  }
  /** Any inode under a name. */
  special(path: string, mode: number, operations: FileOperations): Inode {
    const inode = this.inode(mode, 0, this.ext4, operations);
    this.link(path, inode);
    return inode;
  }
  private link(path: string, inode: Inode): void {
    const slash = path.lastIndexOf('/');
    new Dentry(this.machine, path.slice(slash + 1), this.directory(path.slice(0, slash)), inode);
  }
  /** The page cache of a file; large ones are made when first used. */
  cacheOf(inode: Inode): PageCache {
    if (inode.cache === null) {
      const warm = this.warmth.get(inode) ?? 1;
      const pages = Math.ceil(inode.size / PAGE_SIZE);
      inode.cache = new PageCache(
        pages,
        (stretch) => (Math.imul(hashText('page cache', inode.ino) ^ stretch, 0x9e3779b1) >>> 8) / 0x1000000 < warm,
      );
    }
    return inode.cache;
  }
  /** Finds a path without the kernel's help (for the tracer). */
  find(path: string): Dentry | undefined {
    let at: Dentry | undefined = this.root.root;
    for (const name of names(path)) at = (at?.mounted?.root ?? at)?.children.get(name);
    return at?.mounted?.root ?? at;
  }
  contents(m: Machine, path: string): Uint8Array | undefined {
    const inode = this.find(path)?.inode;
    if (inode === undefined || inode.contents === null) return undefined;
    return Uint8Array.from(inode.contents(m), (c) => c.charCodeAt(0));
  }
}

export function names(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}
