import { EBADF, EINVAL, ENOTTY } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { O_APPEND, O_CLOEXEC, O_DIRECT, O_NONBLOCK } from '../../fs/fcntl.ts';
import type { File } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import { isTerminal } from '../drivers/tty.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { currentFile, fdInstall, getUnusedFd } from './vfs.ts';

/* ioctl(2) and fcntl(2): what programs ask of a descriptor before they use it. */

/** include/uapi/asm-generic/ioctls.h */
const TCGETS = 0x5401;
const TIOCSPGRP = 0x5410;
const TIOCGPGRP = 0x540f;
const TIOCGWINSZ = 0x5413;
const TERMINAL_COMMANDS: ReadonlySet<number> = new Set([TCGETS, TIOCGPGRP, TIOCSPGRP, TIOCGWINSZ]);

/** None of the commands that every file knows: the file's own are asked. */
const ENOIOCTLCMD = 515;

const securityFileIoctl = kernelFunction(
  'security_file_ioctl',
  16,
  (_m, _file: File, _cmd: number, _arg: number): number => 0,
);
const doVfsIoctl = kernelFunction(
  'do_vfs_ioctl',
  20,
  (_m, _filp: File, _fd: number, _cmd: number, _arg: number): number => -ENOIOCTLCMD,
);
const ttyIoctl = kernelFunction('tty_ioctl', 60, (_m, _file: File, cmd: number, _arg: number): number =>
  TERMINAL_COMMANDS.has(cmd) ? 0 : -EINVAL,
);
systemCall('ioctl', 20, (m, fd, cmd, arg) => {
  const file = currentFile(m, fd);
  if (file === null) return -EBADF;
  const refused = securityFileIoctl(m, file, cmd, arg);
  if (refused !== 0) return refused;
  if (doVfsIoctl(m, file, fd, cmd, arg) !== -ENOIOCTLCMD) return 0;
  return isTerminal(file.inode) ? ttyIoctl(m, file, cmd, arg) : -ENOTTY;
});

/** include/uapi/linux/fcntl.h */
const F_DUPFD = 0;
const F_GETFD = 1;
const F_SETFD = 2;
const F_GETFL = 3;
const F_SETFL = 4;
const F_DUPFD_CLOEXEC = 1030;
/** What F_SETFL may change. */
const SETFL_MASK = O_APPEND | O_NONBLOCK | O_DIRECT;

function duplicate(m: Machine, file: File, from: number): number {
  const copy = getUnusedFd(m, from, 1024, O_CLOEXEC);
  file.references += 1;
  fdInstall(m, copy, file);
  return copy;
}
const securityFileFcntl = kernelFunction(
  'security_file_fcntl',
  14,
  (_m, _file: File, _cmd: number, _arg: number): number => 0,
);
const doFcntl = kernelFunction(
  'do_fcntl',
  16,
  (m, _fd: number, cmd: number, arg: number, filp: File): number => FCNTL[cmd]?.(m, filp, arg) ?? -EINVAL,
);
const FCNTL: { readonly [cmd: number]: (m: Machine, file: File, arg: number) => number } = {
  [F_DUPFD]: duplicate,
  [F_DUPFD_CLOEXEC]: duplicate,
  [F_GETFD]: () => 0,
  [F_SETFD]: () => 0,
  [F_GETFL]: (_m, { flags }) => flags,
  [F_SETFL](m, file, arg) {
    file.setFlags(m, (file.flags & ~SETFL_MASK) | (arg & SETFL_MASK));
    return 0;
  },
};
systemCall('fcntl', 18, (m, fd, cmd, arg) => {
  const file = currentFile(m, fd);
  if (file === null) return -EBADF;
  const refused = securityFileFcntl(m, file, cmd, arg);
  return refused !== 0 ? refused : doFcntl(m, fd, cmd, arg, file);
});
