import { EPERM } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, FileOperations, Inode, IovIter, Kiocb } from '../../fs/file.ts';
import type { Setting } from '../../fs/proc/sysctl.ts';
import { readText, writeText } from './pseudo-files.ts';

/* fs/proc/proc_sysctl.c: the files of /proc/sys. */

const procSysOpen = kernelFunction('proc_sys_open', 40, (_m, _inode: Inode, _file: File): Result => 0);
const procSysCallHandler = kernelFunction(
  'proc_sys_call_handler',
  120,
  (m, iocb: Kiocb, iter: IovIter, write: number): Result => {
    const { inode } = iocb.file;
    const setting = inode.channel as Setting;
    if (write === 0) return readText(m, iocb, iter, () => inode.contents?.(m) ?? '');
    return setting.write === undefined ? -EPERM : writeText(m, iter, (text) => setting.write!(m, text));
  },
);
const procSysRead = kernelFunction('proc_sys_read', 20, (m, iocb: Kiocb, to: IovIter): Result =>
  procSysCallHandler(m, iocb, to, 0),
);
const procSysWrite = kernelFunction('proc_sys_write', 20, (m, iocb: Kiocb, from: IovIter): Result =>
  procSysCallHandler(m, iocb, from, 1),
);
export const SETTING_FILES: FileOperations = {
  open: (m, inode, file) => procSysOpen(m, inode, file),
  readIter: (m, iocb, to) => procSysRead(m, iocb, to),
  writeIter: (m, iocb, from) => procSysWrite(m, iocb, from),
};
