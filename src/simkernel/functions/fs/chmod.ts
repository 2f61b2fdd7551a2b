import { EPERM } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { Dentry } from '../../fs/file.ts';
import { S_IFMT } from '../../fs/file-mode.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { AT_FDCWD } from '../../fs/fcntl.ts';
import { withPath } from './path-walk.ts';
import { systemCall } from '../x86/syscall-table.ts';

const PERMISSIONS = 0o7777;
/** struct iattr, of which only the mode is ever set here. */
interface NewAttributes extends KernelObject {
  readonly mode: number;
}
const notifyChange = kernelFunction(
  'notify_change',
  140,
  (m, _idmap: null, dentry: Dentry, attr: NewAttributes, _delegated: null): Result => {
    const { inode } = dentry;
    // Files that the kernel makes up keep the modes that it gave them.
    if (inode.sb.type === 'proc') return -EPERM;
    inode.setMode(m, (inode.mode & S_IFMT) | (attr.mode & PERMISSIONS));
    return 0;
  },
);
const chmodCommon = kernelFunction(
  'chmod_common',
  60,
  (m, path: { readonly address: number; readonly dentry: Dentry }, mode: number): Result =>
    notifyChange(m, null, path.dentry, { address: m.scratch, mode }, null),
);
const doFchmodat = kernelFunction(
  'do_fchmodat',
  40,
  (m, dfd: number, filename: number, mode: number, _flags: number): Result =>
    withPath(m, dfd, filename, (path) => chmodCommon(m, { address: m.scratch, dentry: path.dentry }, mode)),
);
systemCall('chmod', 15, (m, filename, mode) => doFchmodat(m, AT_FDCWD, filename, mode, 0));
systemCall('fchmodat', 15, (m, dfd, filename, mode) => doFchmodat(m, dfd, filename, mode, 0));
