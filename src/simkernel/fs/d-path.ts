import type { Machine } from '../machine.ts';
import { structFields } from '../memory/layout.ts';
import { DENTRY, MOUNT } from './file.ts';
import type { File } from './file.ts';

const PATH = structFields('path', { mnt: 'mnt', dentry: 'dentry' });
/** More components than any path has: memory that is no struct path leads nowhere. */
const MOST_COMPONENTS = 256;

/** d_path(): the name of what the struct path at an arena offset leads to, out of the dentries and mounts in memory. */
export function pathName(m: Machine, path: number): string | undefined {
  const { words } = m;
  const pointer = (at: number): number => words[at >> 2]!;
  const names: string[] = [];
  let dentry = pointer(path + PATH.dentry);
  let mount = pointer(path + PATH.mnt) - MOUNT.mnt;
  for (let steps = 0; steps < MOST_COMPONENTS; steps += 1) {
    if (dentry === 0 || mount < 0) return undefined;
    const parent = pointer(dentry + DENTRY.parent);
    if (dentry === pointer(mount + MOUNT.root) || parent === dentry || parent === 0) {
      const above = pointer(mount + MOUNT.parent);
      if (above === mount || above === 0) return `/${names.reverse().join('/')}`;
      dentry = pointer(mount + MOUNT.mountpoint);
      mount = above;
      continue;
    }
    const name = pointer(dentry + DENTRY.name);
    names.push(new TextDecoder().decode(m.arena.bytes.slice(name, name + pointer(dentry + DENTRY.length))));
    dentry = parent;
  }
  return undefined;
}

/** Where a descriptor leads, as the links of /proc/PID/fd say: a path, or what a file without one is called. */
export function fileName(m: Machine, { path, inode }: File): string {
  const { type } = inode.sb;
  if (type === 'sockfs') return `socket:[${inode.ino}]`;
  return UNMOUNTED.has(type) ? path.dentry.name : (pathName(m, path.address) ?? path.dentry.name);
}
const UNMOUNTED: ReadonlySet<string> = new Set(['pipefs', 'anon_inodefs']);
