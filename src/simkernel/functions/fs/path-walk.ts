import { MAXSYMLINKS } from '../../fs/links.ts';
import { EBADF, ELOOP, ENOENT, ENOTDIR } from '../../errno.ts';
import { takeUp } from '../../execution/hand-over.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import { Dentry } from '../../fs/file.ts';
import type { Inode, Mount, Path } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeWord } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { inCache, lookupOnDisk } from './dcache.ts';
import type { Found, LookedUp, QStr } from './dcache.ts';
import { getname, putname } from './filename.ts';
import type { CString, Filename } from './filename.ts';
import { AT_FDCWD } from '../../fs/fcntl.ts';

/* fs/namei.c: from a name to a dentry. */

/** A symbolic link at the end of the path is followed. */
export const LOOKUP_FOLLOW = 1;
/** How many links one walk may follow. */
const WALK_TRAILING = 1;

const NAMEIDATA = structFields('nameidata', {
  mnt: 'path.mnt',
  dentry: 'path.dentry',
  last: 'last',
  hash: 'last.hash',
  length: 'last.len',
  name: 'last.name',
  dfd: 'dfd',
  flags: 'flags',
  filename: 'name',
  links: 'total_link_count',
});

/** struct nameidata: a path walk. Every task has one, since none walks two paths at once. */
export interface Walk extends KernelObject {
  mount: Mount;
  dentry: Dentry;
  /** The component under way, and the qstr that shows it. */
  last: string;
  readonly qstr: KernelObject;
  dfd: number;
  filename: Filename;
  flags: number;
  /** Links followed so far, and paths that go on behind the one that is being followed. */
  links: number;
  readonly stack: { readonly name: CString; readonly position: number }[];
}
/** What a step of the walk comes to: an error, 0, or the text of the link that goes on. */
export type Step = number | CString;

/** set_nameidata() */
export function startWalk(m: Machine, dfd: number, filename: Filename): Walk {
  const task = m.cpu.current;
  let walk = task.nameidata;
  if (walk === null) {
    const address = task.allocate(m, NAMEIDATA.size);
    const { root } = m.fileSystem;
    const qstr = { address: address + NAMEIDATA.last };
    const start = { dfd, filename, flags: 0, links: 0, stack: [] };
    walk = { address, mount: root, dentry: root.root, last: '', qstr, ...start };
    task.nameidata = walk;
  }
  walk.dfd = dfd;
  walk.filename = filename;
  walk.links = 0;
  walk.stack.length = 0;
  const { words } = m;
  words[(walk.address + NAMEIDATA.dfd) >> 2] = dfd;
  words[(walk.address + NAMEIDATA.links) >> 2] = 0;
  storeWord(words, walk.address + NAMEIDATA.filename, filename);
  return walk;
}

/** Puts the walk where its path begins, and gives the path. */
export const pathInit = kernelFunction('path_init', 20, (m, nd: Walk, flags: number): Step => {
  const { name, path } = nd.filename;
  nd.flags = flags;
  m.words[(nd.address + NAMEIDATA.flags) >> 2] = flags;
  if (path === '') return -ENOENT;
  if (path.startsWith('/')) moveToRoot(m, nd);
  else if (nd.dfd === AT_FDCWD) {
    const { root } = m.fileSystem;
    const { fs } = m.cpu.current;
    moveTo(m, nd, fs?.mount ?? root, fs?.dentry ?? root.root);
  } else {
    const file = m.cpu.current.process?.files.get(nd.dfd) ?? null;
    if (file === null) return -EBADF;
    if (!file.inode.isDirectory) return -ENOTDIR;
    moveTo(m, nd, file.path.mount, file.path.dentry);
  }
  return name;
});
export const terminateWalk = kernelFunction('terminate_walk', 12, (_m, nd: Walk): void => {
  nd.stack.length = 0;
});

function moveTo(m: Machine, nd: Walk, mount: Mount, dentry: Dentry): void {
  nd.mount = mount;
  nd.dentry = dentry;
  storeWord(m.words, nd.address + NAMEIDATA.mnt, mount);
  storeWord(m.words, nd.address + NAMEIDATA.dentry, dentry);
}
/** nd_jump_root(): to where the task's paths begin. */
function moveToRoot(m: Machine, nd: Walk): void {
  const { root } = m.fileSystem;
  const { mount, dentry } = m.cpu.current.fs?.root ?? { mount: root, dentry: root.root };
  moveTo(m, nd, mount, dentry);
}
/** Points nd->last at a component: its text is the path from there on, as in the kernel. */
function setLast(m: Machine, nd: Walk, name: CString, start: number, end: number): void {
  nd.last = name.path.slice(start, end);
  const { words } = m;
  words[(nd.address + NAMEIDATA.length) >> 2] = end - start;
  storeWord(words, nd.address + NAMEIDATA.name, { address: name.address + start });
}

// Looking up one name.

export const lookupFast = kernelFunction('lookup_fast', 32, (m, nd: Walk): Found => {
  takeUp(m, nd.dentry.inode);
  return inCache(nd.dentry, nd.last);
});
const lookupSlow = kernelFunction('lookup_slow', 45, (m, name: QStr, dir: Dentry, _flags: number): Result<LookedUp> =>
  lookupOnDisk(m, dir, name.text, name),
);

// Stepping to what was found.

/** The link's text: in the inode, or read by the file system where it is too long for that. */
const pickLink = kernelFunction('pick_link', 40, (m, nd: Walk, _link: Path, inode: Inode, _flags: number): Step => {
  nd.links += 1;
  m.words[(nd.address + NAMEIDATA.links) >> 2] = nd.links;
  const { link } = inode;
  if (nd.links > MAXSYMLINKS || link === null) return -ELOOP;
  if (!inode.hasFastLink) inode.inodeOperations?.getLink(m, nd.dentry, inode, null);
  if (link.path.startsWith('/')) moveToRoot(m, nd);
  return link;
});
const stepIntoSlowpath = kernelFunction('step_into_slowpath', 22, (m, nd: Walk, flags: number, found: Dentry): Step => {
  if (found.mounted !== null) {
    moveTo(m, nd, found.mounted, found.mounted.root);
    return 0;
  }
  const { inode } = found;
  if (inode.link !== null && ((flags & WALK_TRAILING) === 0 || (nd.flags & LOOKUP_FOLLOW) !== 0)) {
    return pickLink(m, nd, { address: m.scratch, mount: nd.mount, dentry: found }, inode, flags);
  }
  moveTo(m, nd, nd.mount, found);
  return 0;
});
/** What the cache had, and neither leads elsewhere nor is missing, needs no function of its own. */
function stepInto(m: Machine, nd: Walk, found: LookedUp, flags: number, isCached: boolean): Step {
  if (typeof found === 'number') return found;
  if (!(found instanceof Dentry)) return -ENOENT;
  if (!isCached || found.mounted !== null || found.inode.link !== null) return stepIntoSlowpath(m, nd, flags, found);
  moveTo(m, nd, nd.mount, found);
  return 0;
}
/** Goes to the end of the path: what lookup_open() came to. */
export function stepToLast(m: Machine, nd: Walk, found: LookedUp, isCached: boolean): Step {
  return stepInto(m, nd, found, WALK_TRAILING, isCached);
}
/** `.` and `..` need no lookup. */
export function handleDots(m: Machine, nd: Walk): void {
  if (nd.last === '.') return;
  let { mount, dentry } = nd;
  if (dentry === m.cpu.current.fs?.root.dentry) return;
  while (dentry === mount.root && mount.parent !== null && mount.mountpoint !== null) {
    dentry = mount.mountpoint;
    mount = mount.parent;
  }
  moveTo(m, nd, mount, dentry.parent ?? dentry);
}
function walkComponent(m: Machine, nd: Walk, flags: number): Result<Step> {
  if (nd.last === '.' || nd.last === '..') {
    handleDots(m, nd);
    return 0;
  }
  const found = lookupFast(m, nd);
  if (found !== null) return stepInto(m, nd, found, flags, true);
  const slow = lookupSlow(m, { address: nd.qstr.address, text: nd.last }, nd.dentry, 0);
  return slow instanceof Pending
    ? slow.then((dentry: LookedUp) => stepInto(m, nd, dentry, flags, false))
    : stepInto(m, nd, slow, flags, false);
}

/** Walks all components but the last, which is left in nd->last, and those of all links on the way. */
export const linkPathWalk = kernelFunction('link_path_walk', 40, (m, name: Step, nd: Walk): Result =>
  typeof name === 'number' ? name : walkFrom(m, name, nd, 0),
);
interface Place {
  readonly name: CString;
  readonly position: number;
}
function walkFrom(m: Machine, name: CString, nd: Walk, position: number): Result {
  let at: Place = { name, position };
  for (;;) {
    const behind = startOfNext(m, nd, at);
    if (typeof behind === 'number') return behind;
    const step = walkComponent(m, nd, 0);
    if (step instanceof Pending) {
      return step.then((taken: Step) => {
        const next = placeBehind(nd, taken, behind);
        return typeof next === 'number' ? next : walkFrom(m, next.name, nd, next.position);
      });
    }
    const next = placeBehind(nd, step, behind);
    if (typeof next === 'number') return next;
    at = next;
  }
}
/** Sets nd->last to the component at a place; the place behind it, or a status when it is the last one. */
function startOfNext(m: Machine, nd: Walk, { name, position }: Place): Place | number {
  const { path } = name;
  let start = position;
  while (path[start] === '/') start += 1;
  if (start >= path.length) {
    nd.last = '.';
    return nd.stack.pop() ?? 0;
  }
  if (!nd.dentry.inode.isDirectory) return -ENOTDIR;
  let end = path.indexOf('/', start);
  if (end < 0) end = path.length;
  setLast(m, nd, name, start, end);
  m.spend(14);
  let next = end;
  while (path[next] === '/') next += 1;
  return next < path.length ? { name, position: next } : (nd.stack.pop() ?? 0);
}
/** A link comes before what is left of the path that it stands in. */
function placeBehind(nd: Walk, step: Step, behind: Place): Place | number {
  if (step === 0) return behind;
  if (typeof step === 'number') return step;
  nd.stack.push(behind);
  return { name: step, position: 0 };
}

/** The last component, and the links that it leads to. */
function lookupLast(m: Machine, nd: Walk): Result {
  const step = walkComponent(m, nd, WALK_TRAILING);
  const follow = (taken: Step): Result => (typeof taken === 'number' ? taken : walkWhole(m, nd, taken));
  return step instanceof Pending ? step.then(follow) : follow(step);
}
function walkWhole(m: Machine, nd: Walk, path: Step): Result {
  const last = (status: number): Result => (status !== 0 ? status : lookupLast(m, nd));
  const walked = linkPathWalk(m, path, nd);
  return walked instanceof Pending ? walked.then(last) : last(walked);
}
const pathLookupat = kernelFunction('path_lookupat', 45, (m, nd: Walk, flags: number, path: FoundPath): Result => {
  const keep = (status: number): number => {
    if (status === 0) {
      path.mount = nd.mount;
      path.dentry = nd.dentry;
    }
    terminateWalk(m, nd);
    return status;
  };
  const found = walkWhole(m, nd, pathInit(m, nd, flags));
  return found instanceof Pending ? found.then(keep) : keep(found);
});
const filenameLookup = kernelFunction(
  'filename_lookup',
  30,
  (m, dfd: number, name: Filename, flags: number, path: FoundPath, _root: null): Result =>
    pathLookupat(m, startWalk(m, dfd, name), flags, path),
);
/** Where a lookup leads, once it is done. */
type FoundPath = { -readonly [K in keyof Path]: Path[K] };

/** user_path_at(): the path of a name in user memory, handed on; the name is given back afterwards. */
export function withPath(
  m: Machine,
  dfd: number,
  filename: number,
  use: (path: Path) => Result,
  flags = LOOKUP_FOLLOW,
): Result {
  const name = getname(m, filename, 0);
  if (typeof name === 'number') return name;
  const { root } = m.fileSystem;
  const path: FoundPath = { address: m.scratch, mount: root, dentry: root.root };
  const done = (status: number): number => {
    putname(m, name);
    return status;
  };
  const go = (status: number): Result => {
    if (status !== 0) return done(status);
    const used = use(path);
    return used instanceof Pending ? used.then(done) : done(used);
  };
  const found = filenameLookup(m, dfd, name, flags, path, null);
  return found instanceof Pending ? found.then(go) : go(found);
}
