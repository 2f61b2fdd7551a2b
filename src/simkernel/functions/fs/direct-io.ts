import { createBio } from '../../block/request.ts';
import { REQ_OP_READ, REQ_OP_WRITE, REQ_SYNC, SECTOR } from '../../block/flags.ts';
import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { IovIter, Kiocb } from '../../fs/file.ts';
import type { PageIo } from '../../fs/page-cache.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { EINVAL } from '../../errno.ts';
import { blkFinishPlug, blkStartPlug, submitBio } from '../block/block.ts';
import { wakeUpProcess } from '../kernel/sched.ts';
import { untilDone } from '../block/wait-for-io.ts';
import { diskOf } from '../mm/submit-pages.ts';
import { O_DIRECT } from '../../fs/fcntl.ts';

/** What an asynchronous transfer returns: its end is told to the iocb. */
export const EIOCBQUEUED = 529;
const MAX_BIO_BYTES = 1_048_576;
const SECTOR_MASK = SECTOR - 1;

export function isDirect({ file }: Kiocb): boolean {
  return (file.flags & O_DIRECT) !== 0;
}

/** struct iomap_dio: a direct transfer under way. */
interface Dio extends KernelObject, PageIo {
  left: number;
  readonly iocb: Kiocb;
  readonly bytes: number;
}
const iomapDioBioEndIo = kernelFunction('iomap_dio_bio_end_io', 30, (m, dio: Dio): void => {
  dio.left -= 1;
  if (dio.left > 0) return;
  dio.done = true;
  if (dio.iocb.complete !== null) dio.iocb.complete(m, dio.error !== 0 ? dio.error : dio.bytes);
  for (const task of dio.waiters.splice(0)) wakeUpProcess(m, task);
});
const iomapDioBioIter = kernelFunction('iomap_dio_bio_iter', 70, (m, dio: Dio, write: number): number => {
  const { inode } = dio.iocb.file;
  const flags = write === 0 ? REQ_OP_READ : REQ_OP_WRITE | REQ_SYNC;
  for (let done = 0; done < dio.bytes; done += MAX_BIO_BYTES) {
    const length = Math.min(MAX_BIO_BYTES, dio.bytes - done);
    const sector = inode.sector + (dio.iocb.pos + done) / SECTOR;
    dio.left += 1;
    submitBio(
      m,
      createBio(m, diskOf(inode), flags, sector, length, (_m, { error }) => {
        if (error !== 0) dio.error = error;
        iomapDioBioEndIo(m, dio);
      }),
    );
  }
  return dio.bytes;
});
const waitForDio = sleepingFunction('blk_io_schedule', 20, function* (m, dio: Dio) {
  yield* untilDone(m, dio);
  return dio.error !== 0 ? dio.error : dio.bytes;
});
const innerIomapDioRw = kernelFunction(
  '__iomap_dio_rw',
  90,
  (m, iocb: Kiocb, iter: IovIter, _ops: null, _dops: null, _flags: number, _private: null): Result => {
    const write = iter.source ? 1 : 0;
    const { inode } = iocb.file;
    const bytes = write === 0 ? Math.min(iter.count, inode.size - iocb.pos) : iter.count;
    if (bytes <= 0) return 0;
    if (((iocb.pos | iter.count) & SECTOR_MASK) !== 0) return -EINVAL;
    const rounded = (bytes + SECTOR_MASK) & ~SECTOR_MASK;
    const dio: Dio = { address: m.scratch, iocb, bytes: rounded, left: 0, done: false, error: 0, waiters: [] };
    const plug = blkStartPlug(m);
    iomapDioBioIter(m, dio, write);
    blkFinishPlug(m, plug);
    if (write !== 0 && iocb.pos + bytes > inode.size) {
      inode.setSize(iocb.pos + bytes);
      inode.metadataDirty = true;
    }
    return iocb.complete === null ? waitForDio(m, dio) : -EIOCBQUEUED;
  },
);
/** Between the user's pages and the disk, past the page cache. */
export const iomapDioRw = kernelFunction(
  'iomap_dio_rw',
  20,
  (m, iocb: Kiocb, iter: IovIter, ops: null, dops: null, flags: number, priv: null, _done: number): Result =>
    innerIomapDioRw(m, iocb, iter, ops, dops, flags, priv),
);
