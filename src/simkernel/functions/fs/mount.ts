import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { Path } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { loadText } from '../../memory/arena.ts';
import { EBUSY, EFAULT, EINVAL, ENODEV, ENOTDIR } from '../../errno.ts';
import { withPath } from './path-walk.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { AT_FDCWD } from '../../fs/fcntl.ts';

const NAME_MAX = 256;

function userText(m: Machine, address: number): string | undefined {
  const at = address === 0 ? -1 : (m.cpu.current.process?.mm.find(address, 1) ?? -1);
  return at < 0 ? undefined : loadText(m.arena.bytes, at, NAME_MAX);
}
function optional<K extends string>(key: K, value: string | undefined): { readonly [k in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [k in K]?: string });
}
/** A file system that exists is mounted once more: /dev/NAME by its partition, proc by its type. */
const doNewMount = inlined(
  1_800,
  (m, path: Path, what: KernelObject & { readonly type?: string; readonly device?: string }): number => {
    const { type, device } = what;
    const { superBlocks } = m.fileSystem;
    const partition = device?.replace(/^\/dev\//, '');
    const sb = superBlocks.find((each) => (type === 'proc' ? each.type === 'proc' : each.id === partition));
    if (sb === undefined) return -ENODEV;
    if (!path.dentry.inode.isDirectory) return -ENOTDIR;
    if (path.dentry === path.mount.root) return -EBUSY;
    m.fileSystem.mountAgain(path, sb);
    return 0;
  },
);
const pathMount = kernelFunction(
  'path_mount',
  200,
  (m, device: number, path: Path, type: number, _flags: number, _data: null): number =>
    doNewMount(m, path, {
      address: m.scratch,
      ...optional('type', userText(m, type)),
      ...optional('device', userText(m, device)),
    }),
);
systemCall('mount', 60, (m, device, directory, type, flags): Result =>
  userText(m, directory) === undefined
    ? -EFAULT
    : withPath(m, AT_FDCWD, directory, (path) => pathMount(m, device, path, type, flags, null)),
);
const pathUmount = kernelFunction('path_umount', 900, (m, path: Path, _flags: number): number =>
  m.fileSystem.unmount(path.mount, path.dentry) ? 0 : -EINVAL,
);
systemCall('umount2', 60, (m, directory, flags): Result =>
  withPath(m, AT_FDCWD, directory, (path) => pathUmount(m, path, flags)),
);
