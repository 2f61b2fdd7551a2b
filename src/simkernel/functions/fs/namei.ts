import { EINVAL, ENOTDIR } from '../../errno.ts';
import { leave, takeUp } from '../../execution/hand-over.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Dentry, NegativeDentry } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import { dLookup, lookupOnDisk } from './dcache.ts';
import type { LookedUp, QStr } from './dcache.ts';
import { getname, putname } from './filename.ts';
import type { Filename } from './filename.ts';
import { linkPathWalk, pathInit, startWalk, terminateWalk } from './path-walk.ts';
import type { Walk } from './path-walk.ts';

/* fs/namei.c: names that are made or removed. The parent is walked to, then the last component is looked up under its lock. */

const filenameParentat = kernelFunction(
  '__filename_parentat',
  30,
  (m, dfd: number, name: Filename, flags: number): Result<Walk | number> => {
    const nd = startWalk(m, dfd, name);
    const done = (status: number): Walk | number => {
      terminateWalk(m, nd);
      return status === 0 ? nd : status;
    };
    const walked = linkPathWalk(m, pathInit(m, nd, flags), nd);
    return walked instanceof Pending ? walked.then(done) : done(walked);
  },
);
const lookupOneQstrExcl = kernelFunction(
  'lookup_one_qstr_excl',
  30,
  (m, name: QStr, base: Dentry, _flags: number): Result<LookedUp> =>
    dLookup(m, base, name) ?? lookupOnDisk(m, base, name.text, name),
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
  const finish = (dir: Dentry, found: LookedUp): Result => {
    const used = typeof found === 'number' ? found : use(dir, found);
    const unlock = (status: number): number => {
      leave(m, dir.inode);
      return done(status);
    };
    return used instanceof Pending ? used.then(unlock) : unlock(used);
  };
  const look = (nd: Walk | number): Result => {
    if (typeof nd === 'number') return done(nd);
    const dir = nd.dentry;
    if (nd.last === '.' || nd.last === '..') return done(-EINVAL);
    if (!dir.inode.isDirectory) return done(-ENOTDIR);
    takeUp(m, dir.inode);
    const found = lookupOneQstrExcl(m, { address: nd.qstr.address, text: nd.last }, dir, 0);
    return found instanceof Pending ? found.then((dentry: LookedUp) => finish(dir, dentry)) : finish(dir, found);
  };
  const parent = filenameParentat(m, dfd, name, 0);
  return parent instanceof Pending ? parent.then(look) : look(parent);
}
