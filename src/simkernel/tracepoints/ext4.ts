import type { File, Inode } from '../fs/file.ts';
import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { Tracepoint } from './tracepoint.ts';

export const ext4SyncFileEnter: Tracepoint<[file: File, datasync: number]> = tracepoint(
  'ext4:ext4_sync_file_enter',
  2,
  (f) => {
    const ino = f.number('ino');
    const parent = f.number('parent');
    const dev = f.number('dev');
    const datasyncField = f.number('datasync');
    return (file, datasync) => {
      ino(file.inode.ino);
      parent(file.path.dentry.parent?.inode.ino ?? file.inode.ino);
      dev(file.inode.sb.device);
      datasyncField(datasync);
    };
  },
);
export const ext4SyncFileExit: Tracepoint<[inode: Inode, ret: number]> = tracepoint(
  'ext4:ext4_sync_file_exit',
  2,
  (f) => {
    const ino = f.number('ino');
    const dev = f.number('dev');
    const retField = f.number('ret');
    return (inode, ret) => {
      ino(inode.ino);
      dev(inode.sb.device);
      retField(ret);
    };
  },
);
export const ext4DaWriteBegin: Tracepoint<[inode: Inode, pos: number, len: number]> = tracepoint(
  'ext4:ext4_da_write_begin',
  3,
  (f) => {
    const ino = f.number('ino');
    const posField = f.number('pos');
    const dev = f.number('dev');
    const lenField = f.number('len');
    return (inode, pos, len) => {
      ino(inode.ino);
      posField(pos);
      dev(inode.sb.device);
      lenField(len);
    };
  },
);
/** A transaction of the journal, for its tracepoints. */
export interface Transaction extends KernelObject {
  readonly tid: number;
  readonly device: number;
}
type Commit = Tracepoint<[journal: KernelObject, transaction: Transaction]>;
export const jbd2StartCommit: Commit = tracepoint('jbd2:jbd2_start_commit', 2, (f) => {
  const dev = f.number('dev');
  const sync = f.number('sync_commit');
  const tid = f.number('transaction');
  return (_journal, transaction) => {
    dev(transaction.device);
    sync(1);
    tid(transaction.tid);
  };
});
export const jbd2EndCommit: Commit = tracepoint('jbd2:jbd2_end_commit', 2, (f) => {
  const dev = f.number('dev');
  const sync = f.number('sync_commit');
  const tid = f.number('transaction');
  const head = f.number('head');
  return (_journal, transaction) => {
    dev(transaction.device);
    sync(1);
    tid(transaction.tid);
    head(transaction.tid - 1);
  };
});
