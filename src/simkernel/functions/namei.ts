import { kernelFunction } from '../execution/kernel-function.ts';
import { Pending } from '../execution/pending.ts';
import type { Result } from '../execution/pending.ts';
import { Dentry, File, NegativeDentry } from '../fs/file.ts';
import type { Inode, Mount, Path } from '../fs/file.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { loadText, storeText, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import { EBADF, EEXIST, EFAULT, EINVAL, EISDIR, ENOENT, ENOTDIR, EROFS } from '../errno.ts';
import { truncateInodePages } from './filemap.ts';
import { GFP_KERNEL } from './gfp.ts';
import { cacheAlloc, cacheFree } from './slab.ts';

const PATH_MAX = 4096;
export const AT_FDCWD = -100;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_TRUNC = 0o1000;
const O_DIRECTORY = 0o200000;
const O_ACCMODE = 3;
const S_IFREG = 0o100000;

const FILENAME = structFields('filename', { name: 'name' });
const NAMEIDATA = structFields('nameidata', {
  mnt: 'path.mnt',
  dentry: 'path.dentry',
  last: 'last',
  hash: 'last.hash',
  length: 'last.len',
  name: 'last.name',
});

/** struct filename: a path name copied from user space. */
export interface Filename extends KernelObject {
  readonly path: string;
  /** The text, as functions take it that want a `const char *`. */
  readonly name: KernelObject & { readonly path: string };
}

export const getname = kernelFunction('getname_flags', 70, (m, filename: number, _flags: number): Filename | number => {
  const from = m.cpu.current.process?.mm.find(filename, 1) ?? -1;
  if (from < 0) return -EFAULT;
  return makeFilename(m, loadText(m.arena.bytes, from, PATH_MAX));
});
/** A struct filename of a text that the kernel has itself. */
export function makeFilename(m: Machine, path: string): Filename {
  const address = m.arena.allocate(FILENAME.size + path.length + 1);
  const name = { address: address + FILENAME.size, path };
  storeText(m.arena.bytes, name.address, path, path.length + 1);
  storeWord(m.words, address + FILENAME.name, name);
  const filename = { address, path, name };
  cacheAlloc(m, 'names_cache', filename, GFP_KERNEL);
  return filename;
}
export const putname = kernelFunction('putname', 12, (m, name: Filename): void => {
  cacheFree(m, 'names_cache', name);
  m.arena.free(name.address, FILENAME.size + name.path.length + 1);
});

/** struct nameidata: a path walk. Every task has one, since none walks two paths at once. */
export interface Walk extends KernelObject {
  mount: Mount;
  dentry: Dentry;
  /** The component under way, and the qstr that shows it. */
  last: string;
  readonly qstr: KernelObject;
}

function startWalk(m: Machine, dfd: number, name: Filename): Walk | number {
  const task = m.cpu.current;
  const { root } = m.fileSystem;
  const isAbsolute = name.path.startsWith('/');
  let from: { readonly mount: Mount; readonly dentry: Dentry } = { mount: root, dentry: root.root };
  if (!isAbsolute && dfd === AT_FDCWD) from = task.fs ?? from;
  else if (!isAbsolute) {
    const file = task.process?.files.get(dfd) ?? null;
    if (file === null) return -EBADF;
    if (!file.inode.isDirectory) return -ENOTDIR;
    from = file.path;
  }
  let walk = task.nameidata;
  if (walk === null) {
    const address = m.arena.allocate(NAMEIDATA.size);
    walk = { address, ...from, last: '', qstr: { address: address + NAMEIDATA.last } };
    task.nameidata = walk;
  }
  moveTo(m, walk, from.mount, from.dentry);
  return walk;
}
function moveTo(m: Machine, nd: Walk, mount: Mount, dentry: Dentry): void {
  nd.mount = mount;
  nd.dentry = dentry;
  storeWord(m.words, nd.address + NAMEIDATA.mnt, mount);
  storeWord(m.words, nd.address + NAMEIDATA.dentry, dentry);
}
/** Points nd->last at a component: its text is the path from there on, as in the kernel. */
function setLast(
  m: Machine,
  nd: Walk,
  name: KernelObject & { readonly path: string },
  start: number,
  end: number,
): void {
  nd.last = name.path.slice(start, end);
  const { words } = m;
  words[(nd.address + NAMEIDATA.length) >> 2] = end - start;
  storeWord(words, nd.address + NAMEIDATA.name, { address: name.address + start });
}

type Found = Dentry | NegativeDentry | null;
/** What the dentry cache has under a name; a name that is only on the disk is not found. */
function inCache(dir: Dentry, name: string): Found {
  const child = dir.children.get(name);
  if (child !== undefined) return child.hashed ? child : null;
  return dir.absent.get(name) ?? null;
}

const lookupFast = kernelFunction('lookup_fast', 32, (_m, nd: Walk): Found => inCache(nd.dentry, nd.last));

const innerDLookup = kernelFunction(
  '__d_lookup',
  24,
  (_m, parent: Dentry, name: KernelObject & { readonly text: string }): Found => inCache(parent, name.text),
);
const dLookup = kernelFunction(
  'd_lookup',
  12,
  (m, parent: Dentry, name: KernelObject & { readonly text: string }): Found => innerDLookup(m, parent, name),
);
const dAllocParallel = kernelFunction(
  'd_alloc_parallel',
  90,
  (m, parent: Dentry, name: KernelObject & { readonly text: string }): Dentry | NegativeDentry => {
    const dentry = parent.children.get(name.text) ?? new NegativeDentry(m, name.text, parent);
    cacheAlloc(m, 'dentry', dentry, GFP_KERNEL);
    return dentry;
  },
);

/** Asks the file system for a name that the cache does not know; it is cached from then on, even when there is no such file. */
function lookupOnDisk(
  m: Machine,
  dir: Dentry,
  name: string,
  qstr: KernelObject,
): Result<Dentry | NegativeDentry | number> {
  const dentry = dAllocParallel(m, dir, { address: qstr.address, text: name });
  const looked = dir.inode.inodeOperations?.lookup(m, dir.inode, dentry, 0) ?? 0;
  const add = (status: number): Dentry | NegativeDentry | number => {
    if (status !== 0) return status;
    if (dentry instanceof Dentry) dentry.hashed = true;
    return dentry;
  };
  return looked instanceof Pending ? looked.then(add) : add(looked);
}
const lookupSlow = kernelFunction(
  'lookup_slow',
  45,
  (
    m,
    name: KernelObject & { readonly text: string },
    dir: Dentry,
    _flags: number,
  ): Result<Dentry | NegativeDentry | number> => lookupOnDisk(m, dir, name.text, name),
);

function stepInto(m: Machine, nd: Walk, found: Dentry | NegativeDentry | number): number {
  if (typeof found === 'number') return found;
  if (!(found instanceof Dentry)) return -ENOENT;
  if (found.mounted === null) moveTo(m, nd, nd.mount, found);
  else moveTo(m, nd, found.mounted, found.mounted.root);
  return 0;
}
/** `.` and `..` need no lookup. */
function handleDots(m: Machine, nd: Walk): void {
  if (nd.last === '.') return;
  let { mount, dentry } = nd;
  while (dentry === mount.root && mount.parent !== null && mount.mountpoint !== null) {
    dentry = mount.mountpoint;
    mount = mount.parent;
  }
  moveTo(m, nd, mount, dentry.parent ?? dentry);
}
function walkComponent(m: Machine, nd: Walk): Result {
  if (nd.last === '.' || nd.last === '..') {
    handleDots(m, nd);
    return 0;
  }
  const found = lookupFast(m, nd);
  if (found !== null) return stepInto(m, nd, found);
  const slow = lookupSlow(m, { address: nd.qstr.address, text: nd.last }, nd.dentry, 0);
  return slow instanceof Pending
    ? slow.then((dentry: Dentry | NegativeDentry | number) => stepInto(m, nd, dentry))
    : stepInto(m, nd, slow);
}

/** Walks all components but the last, which is left in nd->last. */
const linkPathWalk = kernelFunction(
  'link_path_walk',
  40,
  (m, name: KernelObject & { readonly path: string }, nd: Walk): Result => walkFrom(m, name, nd, 0),
);
function walkFrom(m: Machine, name: KernelObject & { readonly path: string }, nd: Walk, from: number): Result {
  const { path } = name;
  let start = from;
  for (;;) {
    while (path[start] === '/') start += 1;
    if (start >= path.length) {
      nd.last = '.';
      return 0;
    }
    if (!nd.dentry.inode.isDirectory) return -ENOTDIR;
    let end = path.indexOf('/', start);
    if (end < 0) end = path.length;
    setLast(m, nd, name, start, end);
    m.spend(14);
    let next = end;
    while (path[next] === '/') next += 1;
    if (next >= path.length) return 0;
    const status = walkComponent(m, nd);
    if (status instanceof Pending) {
      return status.then((error: number) => (error !== 0 ? error : walkFrom(m, name, nd, next)));
    }
    if (status !== 0) return status;
    start = next;
  }
}

const pathLookupat = kernelFunction('path_lookupat', 45, (m, nd: Walk, _flags: number, name: Filename): Result => {
  const finish = (status: number): Result => (status !== 0 ? status : walkComponent(m, nd));
  const walked = linkPathWalk(m, name.name, nd);
  return walked instanceof Pending ? walked.then(finish) : finish(walked);
});
const filenameLookup = kernelFunction(
  'filename_lookup',
  30,
  (m, dfd: number, name: Filename, flags: number, path: LookedUp, _root: null): Result => {
    const nd = startWalk(m, dfd, name);
    if (typeof nd === 'number') return nd;
    const keep = (status: number): number => {
      if (status === 0) {
        path.mount = nd.mount;
        path.dentry = nd.dentry;
      }
      return status;
    };
    const found = pathLookupat(m, nd, flags, name);
    return found instanceof Pending ? found.then(keep) : keep(found);
  },
);
/** Where a lookup leads, once it is done. */
type LookedUp = { -readonly [K in keyof Path]: Path[K] };

/** user_path_at(): the path of a name in user memory, handed on; the name is given back afterwards. */
export function withPath(m: Machine, dfd: number, filename: number, use: (path: Path) => Result): Result {
  const name = getname(m, filename, 0);
  if (typeof name === 'number') return name;
  const { root } = m.fileSystem;
  const path: LookedUp = { address: m.scratch, mount: root, dentry: root.root };
  const done = (status: number): number => {
    putname(m, name);
    return status;
  };
  const go = (status: number): Result => {
    if (status !== 0) return done(status);
    const used = use(path);
    return used instanceof Pending ? used.then(done) : done(used);
  };
  const found = filenameLookup(m, dfd, name, 0, path, null);
  return found instanceof Pending ? found.then(go) : go(found);
}

// Opening.

const securityFileOpen = kernelFunction('security_file_open', 35, (_m, _file: File): number => 0);
const doDentryOpen = kernelFunction('do_dentry_open', 60, (m, file: File, _open: number): Result => {
  const refused = securityFileOpen(m, file);
  if (refused !== 0) return refused;
  return file.inode.operations.open?.(m, file.inode, file) ?? 0;
});
/** Opens what `path` names; kprobe:vfs_open sees the path of every opened file. */
const vfsOpen = kernelFunction('vfs_open', 25, (m, _path: Path, file: File): Result => doDentryOpen(m, file, 0));
const allocEmptyFile = kernelFunction('alloc_empty_file', 70, (m, flags: number, _cred: KernelObject | null): File => {
  const walk = m.cpu.current.nameidata;
  if (walk === null) throw new Error('a file is opened without a path walk');
  const file = new File(m, walk.mount, walk.dentry, flags);
  cacheAlloc(m, 'filp', file, GFP_KERNEL);
  return file;
});

const securityInodeCreate = kernelFunction(
  'security_inode_create',
  20,
  (_m, _dir: Inode, _dentry: NegativeDentry, _mode: number): number => 0,
);
/** The last component is not in the cache, or is to be created. */
const lookupOpen = kernelFunction(
  'lookup_open',
  60,
  (m, nd: Walk, _file: null, op: OpenFlags, _gotWrite: number): Result<Dentry | NegativeDentry | number> => {
    const known = dLookup(m, nd.dentry, { address: nd.qstr.address, text: nd.last });
    const create = (found: Dentry | NegativeDentry | number): Result<Dentry | NegativeDentry | number> => {
      if (typeof found === 'number' || found instanceof Dentry || (op.flags & O_CREAT) === 0) return found;
      const dir = nd.dentry.inode;
      const operations = dir.inodeOperations;
      const refused = securityInodeCreate(m, dir, found, op.mode);
      if (operations === null || refused !== 0) return refused === 0 ? -EROFS : refused;
      const made = operations.create(m, null, dir, found, S_IFREG | (op.mode & 0o7777 & ~0o022), 0);
      const created = (status: number): Dentry | NegativeDentry | number =>
        status === 0 ? (nd.dentry.children.get(nd.last) ?? -ENOENT) : status;
      return made instanceof Pending ? made.then(created) : created(made);
    };
    const looked = known ?? lookupOnDisk(m, nd.dentry, nd.last, nd.qstr);
    return looked instanceof Pending ? looked.then(create) : create(looked);
  },
);
const openLastLookups = kernelFunction('open_last_lookups', 30, (m, nd: Walk, _file: null, op: OpenFlags): Result => {
  if (nd.last === '.' || nd.last === '..') {
    handleDots(m, nd);
    return 0;
  }
  if (!nd.dentry.inode.isDirectory) return -ENOTDIR;
  const fast = lookupFast(m, nd);
  const wantsFile = (op.flags & O_CREAT) !== 0 && !(fast instanceof Dentry);
  if (fast !== null && !wantsFile) {
    return (op.flags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL) ? -EEXIST : stepInto(m, nd, fast);
  }
  const opened = lookupOpen(m, nd, null, op, 0);
  return opened instanceof Pending
    ? opened.then((found: Dentry | NegativeDentry | number) => stepInto(m, nd, found))
    : stepInto(m, nd, opened);
});
const doTruncate = kernelFunction(
  'do_truncate',
  120,
  (m, _idmap: null, dentry: Dentry, length: number, _times: number, _file: File | null): number => {
    const { inode } = dentry;
    if (inode.size > length) truncateInodePages(m, inode.mapping, length, Number.MAX_SAFE_INTEGER);
    if (inode.size !== length) {
      inode.setSize(length);
      inode.metadataDirty = true;
    }
    return 0;
  },
);
const doOpen = kernelFunction('do_open', 30, (m, nd: Walk, op: OpenFlags): Result<File | number> => {
  const { inode } = nd.dentry;
  if ((op.flags & O_DIRECTORY) !== 0 && !inode.isDirectory) return -ENOTDIR;
  if (inode.isDirectory && (op.flags & O_ACCMODE) !== 0) return -EISDIR;
  const file = allocEmptyFile(m, op.flags, m.cpu.current.cred);
  const after = (status: number): File | number => {
    if (status < 0) {
      file.release(m);
      return status;
    }
    if ((op.flags & O_TRUNC) !== 0 && inode.cache !== null) doTruncate(m, null, nd.dentry, 0, 0, file);
    return file;
  };
  const opened = vfsOpen(m, file.path, file);
  return opened instanceof Pending ? opened.then(after) : after(opened);
});
const pathOpenat = kernelFunction(
  'path_openat',
  70,
  (m, nd: Walk, op: OpenFlags, _flags: number): Result<File | number> => {
    const last = (status: number): Result<File | number> => {
      if (status !== 0) return status;
      const looked = openLastLookups(m, nd, null, op);
      const open = (error: number): Result<File | number> => (error !== 0 ? error : doOpen(m, nd, op));
      return looked instanceof Pending ? looked.then(open) : open(looked);
    };
    const walked = linkPathWalk(m, op.filename.name, nd);
    return walked instanceof Pending ? walked.then(last) : last(walked);
  },
);
/** struct open_flags. */
export interface OpenFlags extends KernelObject {
  readonly filename: Filename;
  readonly flags: number;
  readonly mode: number;
}
export const doFilpOpen = kernelFunction(
  'do_filp_open',
  30,
  (m, dfd: number, pathname: Filename, op: OpenFlags): Result<File | number> => {
    const nd = startWalk(m, dfd, pathname);
    return typeof nd === 'number' ? nd : pathOpenat(m, nd, op, 0);
  },
);
export const vfsTruncate = kernelFunction('vfs_truncate', 40, (m, path: Path, length: number): number =>
  length < 0 ? -EINVAL : doTruncate(m, null, path.dentry, length, 0, null),
);

// Names: the parent is walked to, then the last component is looked up under the directory's lock.

const filenameParentat = kernelFunction(
  'filename_parentat',
  30,
  (m, dfd: number, name: Filename): Result<Walk | number> => {
    const nd = startWalk(m, dfd, name);
    if (typeof nd === 'number') return nd;
    const walked = linkPathWalk(m, name.name, nd);
    const done = (status: number): Walk | number => (status === 0 ? nd : status);
    return walked instanceof Pending ? walked.then(done) : done(walked);
  },
);
const lookupOneQstrExcl = kernelFunction(
  'lookup_one_qstr_excl',
  30,
  (
    m,
    name: KernelObject & { readonly text: string },
    base: Dentry,
    _flags: number,
  ): Result<Dentry | NegativeDentry | number> => dLookup(m, base, name) ?? lookupOnDisk(m, base, name.text, name),
);

/** Finds directory and dentry of a name that is to be made or removed, and goes on with them. */
export function withParent(
  m: Machine,
  dfd: number,
  filename: number,
  use: (dir: Dentry, dentry: Dentry | NegativeDentry) => Result,
): Result {
  const name = getname(m, filename, 0);
  if (typeof name === 'number') return name;
  const done = (status: number): number => {
    putname(m, name);
    return status;
  };
  const finish = (dir: Dentry, found: Dentry | NegativeDentry | number): Result => {
    const used = typeof found === 'number' ? found : use(dir, found);
    return used instanceof Pending ? used.then(done) : done(used);
  };
  const look = (nd: Walk | number): Result => {
    if (typeof nd === 'number') return done(nd);
    const dir = nd.dentry;
    if (nd.last === '.' || nd.last === '..') return done(-EINVAL);
    if (!dir.inode.isDirectory) return done(-ENOTDIR);
    const found = lookupOneQstrExcl(m, { address: nd.qstr.address, text: nd.last }, dir, 0);
    return found instanceof Pending
      ? found.then((dentry: Dentry | NegativeDentry | number) => finish(dir, dentry))
      : finish(dir, found);
  };
  const parent = filenameParentat(m, dfd, name);
  return parent instanceof Pending ? parent.then(look) : look(parent);
}
