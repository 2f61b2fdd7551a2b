import { callRcu } from '../functions/kernel/rcu.ts';
import { Dentry, Inode, createMount, createSuperBlock } from '../fs/file.ts';
import { EPERM } from '../errno.ts';
import type { FileOperations, Mount, NegativeDentry, SuperBlock } from '../fs/file.ts';
import type { FileSystemOperations } from '../fs/operations.ts';
import type { Machine } from '../machine.ts';
import { S_IFREG, S_IFDIR } from '../fs/file-mode.ts';

/** A file that is made up when it is read, and does something when it is written to. */
export interface FileNode {
  readonly kind: 'file';
  readonly mode: number;
  /** Its inode's number, where that means something. */
  readonly ino?: number;
  readonly read?: () => string;
  /** 0 or a negative error number. */
  readonly write?: (text: string) => number;
  /** Opened for writing with O_TRUNC: 0 or a negative error number. */
  readonly truncate?: () => number;
  /** What has come since the last read; readers wait while it is empty. */
  readonly stream?: () => string;
}
/** A directory whose entries are looked up when somebody asks. */
export interface DirectoryNode {
  readonly kind: 'directory';
  names(): Iterable<string>;
  find(name: string): Node | undefined;
  readonly ino?: number;
  /** 0 or a negative error number; without them the kernel alone makes and removes folders. */
  mkdir?(name: string, mode: number): number;
  rmdir?(name: string, isOpen: () => boolean): number;
}
export type Node = FileNode | DirectoryNode;

export function directory(entries: Readonly<Record<string, Node | (() => Node)>>): DirectoryNode {
  return {
    kind: 'directory',
    names: () => Object.keys(entries),
    find(name) {
      const found = Object.hasOwn(entries, name) ? entries[name] : undefined;
      return typeof found === 'function' ? found() : found;
    },
  };
}

/** Far from those of files on disks, which must not depend on who looked at what before. */
const FIRST_INO = 0x4000_0000;

/** mkdir() in a folder that takes it. */
export function makeFolder(m: Machine, dir: Inode, dentry: NegativeDentry, mode: number): number {
  const status = (dir.channel as DirectoryNode).mkdir?.(dentry.name, mode) ?? -EPERM;
  if (status !== 0) return status;
  dentry.parent.absent.delete(dentry.name);
  callRcu(m, () => dentry.release(m));
  return 0;
}
export function removeFolder(m: Machine, dir: Inode, dentry: Dentry): number {
  const status = (dir.channel as DirectoryNode).rmdir?.(dentry.name, () => isOpen(dentry)) ?? -EPERM;
  if (status !== 0) return status;
  dentry.unlink();
  callRcu(m, () => release(m, dentry));
  return 0;
}
const madeChildren = ({ children }: Dentry): Iterable<Dentry> =>
  children instanceof DirectoryEntries ? children.made() : children.values();
/** Somebody has one of its files open. */
const isOpen = (dentry: Dentry): boolean =>
  [...madeChildren(dentry)].some(
    (child) => isOpen(child) || (child.inode.users > 0 && (child.inode.channel as Node).kind === 'file'),
  );
/** Frees what nobody has open or stands in. */
function release(m: Machine, dentry: Dentry): void {
  for (const child of madeChildren(dentry)) release(m, child);
  for (const name of dentry.absent.values()) name.release(m);
  const { inode } = dentry;
  if (inode.users > 0 || [...m.tasks.values()].some(({ fs }) => fs?.dentry === dentry)) return;
  inode.release(m);
  dentry.release(m);
}

/** The file systems that are made up: their inodes and dentries appear as they are looked for. */
export class PseudoFileSystem {
  readonly sb: SuperBlock;
  readonly root: Dentry;
  private readonly machine: Machine;
  private readonly files: FileOperations;
  private nextIno = FIRST_INO;

  /** Without a place in a folder it is a file system of its own, to be mounted. */
  constructor(
    m: Machine,
    type: string,
    device: number,
    operations: FileSystemOperations,
    tree: DirectoryNode,
    place: { readonly name: string; readonly parent: Dentry | null } = { name: '/', parent: null },
  ) {
    this.machine = m;
    this.files = operations.files;
    this.sb = createSuperBlock(m, type, type, device);
    this.sb.operations = operations;
    this.root = this.dentry(place.name, place.parent, tree);
  }
  /** Mounts it over a directory that is itself made for that. */
  mountOn(point: Dentry): Mount {
    const { fileSystem } = this.machine;
    const mount = createMount(this.machine, this.sb, this.root, point, fileSystem.root);
    point.mounted = mount;
    fileSystem.mounts.push(mount);
    return mount;
  }
  private dentry(name: string, parent: Dentry | null, node: Node): Dentry {
    const isDirectory = node.kind === 'directory';
    const mode = isDirectory ? S_IFDIR | 0o755 : S_IFREG | node.mode;
    const operations = isDirectory ? this.sb.operations!.directories : this.files;
    const inode = new Inode(this.machine, node.ino ?? this.nextIno++, mode, 0, this.sb, operations);
    inode.channel = node;
    const dentry = new Dentry(this.machine, name, parent, inode);
    dentry.hashed = true;
    if (isDirectory) dentry.children = new DirectoryEntries(node, (child, made) => this.dentry(child, dentry, made));
    else inode.contents = () => node.read?.() ?? '';
    return dentry;
  }
}

/** Children that come into being when they are asked for. */
class DirectoryEntries extends Map<string, Dentry> {
  private readonly node: DirectoryNode;
  private readonly make: (name: string, node: Node) => Dentry;
  constructor(node: DirectoryNode, make: (name: string, node: Node) => Dentry) {
    super();
    this.node = node;
    this.make = make;
  }
  override get(name: string): Dentry | undefined {
    const node = this.node.find(name);
    if (node !== undefined) return super.get(name) ?? this.make(name, node);
    super.delete(name);
    return undefined;
  }
  override has(name: string): boolean {
    return this.get(name) !== undefined;
  }
  /** Those that somebody has asked for. */
  made(): Iterable<Dentry> {
    return super.values();
  }
  override *values(): MapIterator<Dentry> {
    for (const name of this.node.names()) {
      const dentry = this.get(name);
      if (dentry !== undefined) yield dentry;
    }
  }
}

/** Adds a name to a directory that only leads somewhere once it is looked for. */
export function addLazily(parent: Dentry, name: string, make: () => Dentry): void {
  const { children } = parent;
  const find = children.get.bind(children);
  const list = children.values.bind(children);
  children.get = (wanted) => find(wanted) ?? (wanted === name ? make() : undefined);
  children.values = () => {
    children.get(name);
    return list();
  };
}
