import { cgroupFolder } from '../fs/cgroup-tree.ts';
import { KERNFS } from '../functions/fs/kernfs.ts';
import { TRACEFS } from '../functions/kernel/tracefs.ts';
import type { Machine } from '../machine.ts';
import type { Dentry } from '../fs/file.ts';
import { tracefsTree } from './files.ts';
import { kprobesTree } from './kprobes-files.ts';
import { traceArray } from './trace-array.ts';
import { addLazily, directory, PseudoFileSystem } from './tree.ts';

/** MKDEV(0, n): file systems without a disk. */
const SYSFS_DEVICE = 22;
const DEBUGFS_DEVICE = 7;
const TRACEFS_DEVICE = 13;
const CGROUP_DEVICE = 26;

/**
 * /sys with cgroup2 at /sys/fs/cgroup, tracefs at /sys/kernel/tracing and debugfs at /sys/kernel/debug, where tracefs is mounted a second time; nothing of it
 * exists before somebody walks there, so that machines without such visitors are laid out as if it were not there.
 */
export function addSysFiles(m: Machine, root: Dentry): void {
  addLazily(root, 'sys', () => mountSys(m, root));
}

function mountSys(m: Machine, root: Dentry): Dentry {
  const empty = directory({});
  const sys = new PseudoFileSystem(
    m,
    'sysfs',
    SYSFS_DEVICE,
    KERNFS,
    directory({ fs: directory({ cgroup: empty }), kernel: directory({ debug: empty, tracing: empty }) }),
  );
  const cgroups = new PseudoFileSystem(m, 'cgroup2', CGROUP_DEVICE, KERNFS, cgroupFolder(m, m.cgroups.root));
  const debug = new PseudoFileSystem(
    m,
    'debugfs',
    DEBUGFS_DEVICE,
    TRACEFS,
    directory({ kprobes: kprobesTree(m), tracing: empty }),
  );
  const tracing = new PseudoFileSystem(m, 'tracefs', TRACEFS_DEVICE, TRACEFS, tracefsTree(traceArray(m)));
  const child = (dentry: Dentry, name: string): Dentry => dentry.children.get(name)!;
  const kernel = child(sys.root, 'kernel');
  cgroups.mountOn(child(child(sys.root, 'fs'), 'cgroup'));
  debug.mountOn(child(kernel, 'debug'));
  tracing.mountOn(child(kernel, 'tracing'));
  tracing.mountOn(child(debug.root, 'tracing'));
  const point = m.fileSystem.mountPoint('sys', root);
  sys.mountOn(point);
  return point;
}
