import { EINVAL } from '../errno.ts';
import { ioMaxText, writeIoMax } from '../functions/block/blk-throttle-files.ts';
import { cgroupMkdir, cgroupRmdir, writeProcs } from '../functions/kernel/cgroup.ts';
import type { Machine } from '../machine.ts';
import { CGROUP_FILES, ROOT_FILES } from '../tasks/cgroups.ts';
import type { Cgroup } from '../tasks/cgroups.ts';
import type { DirectoryNode, FileNode } from '../tracefs/tree.ts';

type FileName = (typeof CGROUP_FILES)[number];
/** What each file of a group says, and what writing to it does. */
type GroupFile = {
  readonly mode: number;
  readonly read: (cgroup: Cgroup, m: Machine) => string;
  readonly write?: (m: Machine, cgroup: Cgroup, text: string) => number;
};
const lines = (values: readonly (string | number)[]): string => values.map((value) => `${value}\n`).join('');
const sorted = (numbers: Iterable<number>): number[] => [...new Set(numbers)].sort((a, b) => a - b);

/** The controller of disks is on in every group, and no other can be. */
const FILES: Readonly<Record<FileName, GroupFile>> = {
  'cgroup.controllers': { mode: 0o444, read: () => 'io\n' },
  'cgroup.events': { mode: 0o444, read: ({ isPopulated }) => lines([`populated ${isPopulated ? 1 : 0}`, 'frozen 0']) },
  'cgroup.max.depth': { mode: 0o644, read: () => 'max\n' },
  'cgroup.max.descendants': { mode: 0o644, read: () => 'max\n' },
  'cgroup.procs': {
    mode: 0o644,
    read: ({ tasks }) => lines(sorted([...tasks].map(({ tgid }) => tgid))),
    write: (m, cgroup, text) => writeProcs(m, cgroup, text, false),
  },
  'cgroup.stat': {
    mode: 0o444,
    read: ({ descendants }) => lines([`nr_descendants ${descendants}`, 'nr_dying_descendants 0']),
  },
  'cgroup.subtree_control': {
    mode: 0o644,
    read: () => 'io\n',
    write: (_m, _cgroup, text) => (/^\s*(\+io\s*)*$/.test(text) ? 0 : -EINVAL),
  },
  'cgroup.threads': {
    mode: 0o644,
    read: ({ tasks }) => lines(sorted([...tasks].map(({ pid }) => pid))),
    write: (m, cgroup, text) => writeProcs(m, cgroup, text, true),
  },
  'cgroup.type': { mode: 0o644, read: () => 'domain\n', write: () => -EINVAL },
  'io.max': { mode: 0o644, read: (cgroup, m) => ioMaxText(m, cgroup), write: writeIoMax },
};

/** /sys/fs/cgroup: the folder of a group with its files and the groups below it. */
export function cgroupFolder(m: Machine, cgroup: Cgroup): DirectoryNode {
  const names = cgroup.parent === null ? ROOT_FILES : CGROUP_FILES;
  const files = new Map<string, FileNode>(
    names.map((name, i) => {
      const { mode, read, write } = FILES[name];
      const file = { kind: 'file' as const, mode, ino: cgroup.id + 1 + i, read: () => read(cgroup, m) };
      return [name, write === undefined ? file : { ...file, write: (text: string) => write(m, cgroup, text) }];
    }),
  );
  const folders = new Map<Cgroup, DirectoryNode>();
  const folderOf = (child: Cgroup): DirectoryNode => {
    let folder = folders.get(child);
    if (folder === undefined) folders.set(child, (folder = cgroupFolder(m, child)));
    return folder;
  };
  return {
    kind: 'directory',
    ino: cgroup.id,
    names: () => [...files.keys(), ...cgroup.children.keys()],
    find(name) {
      const child = cgroup.children.get(name);
      return child === undefined ? files.get(name) : folderOf(child);
    },
    mkdir: (name, mode) => cgroupMkdir(m, cgroup, name, mode),
    rmdir(name) {
      const child = cgroup.children.get(name);
      if (child === undefined) return -EINVAL;
      const status = cgroupRmdir(m, child);
      if (status === 0) folders.delete(child);
      return status;
    },
  };
}
