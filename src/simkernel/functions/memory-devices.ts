import { kernelFunction } from '../execution/kernel-function.ts';
import type { Result } from '../execution/pending.ts';
import type { FileOperations, IovIter, Kiocb } from '../fs/file.ts';

/** drivers/char/mem.c */
const readIterNull = kernelFunction('read_iter_null', 8, (_m, _iocb: Kiocb, _to: IovIter): Result => 0);
const writeIterNull = kernelFunction('write_iter_null', 10, (_m, _iocb: Kiocb, from: IovIter): Result => from.count);

export const NULL_FILES: FileOperations = {
  readIter: (m, iocb, to) => readIterNull(m, iocb, to),
  writeIter: (m, iocb, from) => writeIterNull(m, iocb, from),
};
