import type { Machine } from '../../machine.ts';
import type { Dentry, Mount } from '../file.ts';

/** Types of file systems without a disk, by what mounts call their source. */
const SOURCES: Readonly<Record<string, string>> = { overlay: 'overlay', cgroup2: 'cgroup2' };

/** Where a mount is, by the names of its mount points. */
function mountPath({ mountpoint, parent }: Mount): string {
  if (mountpoint === null) return '/';
  const above = parent === null ? '/' : mountPath(parent);
  const names: string[] = [];
  for (let at: Dentry | null = mountpoint; at !== null && at !== parent?.root; at = at.parent)
    if (at.parent !== null) names.unshift(at.name);
  return `${above === '/' ? '' : above}/${names.join('/')}`;
}

/** File systems of the kernel that were there before anybody mounted something: their folders hang in the tree as they are. */
const FROM_THE_START = [
  '/sys',
  '/sys/kernel/debug',
  '/sys/kernel/tracing',
  '/sys/kernel/debug/tracing',
  '/sys/fs/cgroup',
];
function grafted(m: Machine): readonly (readonly [source: string, path: string, type: string])[] {
  const own = new Set([m.fileSystem.root, ...m.fileSystem.mounts].map(({ root }) => root.inode.sb));
  return FROM_THE_START.flatMap((path) => {
    const sb = m.fileSystem.find(path)?.inode.sb;
    const above = m.fileSystem.find(path.slice(0, path.lastIndexOf('/')) || '/')?.inode.sb;
    return sb === undefined || sb === above || own.has(sb)
      ? []
      : [[SOURCES[sb.type] ?? sb.type, path, sb.type] as const];
  });
}

/** Each mount as /proc/mounts has it: what, where, which type. */
export function mountRows(m: Machine): readonly (readonly [source: string, path: string, type: string])[] {
  const { root, mounts } = m.fileSystem;
  const rows = [root, ...mounts].map((mount) => {
    const { sb } = mount.root.inode;
    const source = sb.disk !== null || sb === root.root.inode.sb ? `/dev/${sb.id}` : (SOURCES[sb.type] ?? sb.type);
    return [source, mountPath(mount), sb.type] as const;
  });
  return [...rows, ...grafted(m)];
}
export const mountsText = (m: Machine): string =>
  mountRows(m)
    .map(([source, path, type]) => `${source} ${path} ${type} rw,relatime 0 0\n`)
    .join('');

/** /proc/filesystems: the types of what is mounted, those without a disk marked. */
export function fileSystemsText(m: Machine): string {
  const types = new Map(
    [m.fileSystem.root, ...m.fileSystem.mounts].map(({ root }) => [root.inode.sb.type, root.inode.sb] as const),
  );
  return [...types]
    .map(([type, sb]) => `${sb.disk !== null || sb === m.fileSystem.ext4 ? '' : 'nodev'}\t${type}\n`)
    .join('');
}
