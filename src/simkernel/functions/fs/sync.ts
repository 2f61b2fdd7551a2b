import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, SuperBlock } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import { EBADF, EINVAL } from '../../errno.ts';
import { advance, fileWriteAndWaitRange } from '../mm/filemap.ts';
import { folioWaitBit } from '../mm/folio-wait.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { WB_REASON_SYNC, wakeupFlusherThreads, writebackInodesSb } from '../mm/writeback.ts';

const vfsFsyncRange = kernelFunction(
  'vfs_fsync_range',
  15,
  (m, file: File, start: number, end: number, datasync: number): Result =>
    file.inode.operations.fsync?.(m, file, start, end, datasync) ?? -EINVAL,
);
const vfsFsync = kernelFunction('vfs_fsync', 8, (m, file: File, datasync: number): Result =>
  vfsFsyncRange(m, file, 0, Number.MAX_SAFE_INTEGER, datasync),
);
for (const [name, datasync] of [
  ['fsync', 0],
  ['fdatasync', 1],
] as const) {
  systemCall(name, 15, (m, fd) => {
    const file = m.cpu.current.process?.files.get(fd) ?? null;
    return file === null ? -EBADF : vfsFsync(m, file, datasync);
  });
}
const ksysSyncFileRange = kernelFunction(
  'ksys_sync_file_range',
  30,
  (m, fd: number, offset: number, bytes: number, _flags: number): Result => {
    const file = m.cpu.current.process?.files.get(fd) ?? null;
    return file === null ? -EBADF : fileWriteAndWaitRange(m, file, offset, offset + bytes);
  },
);
systemCall('sync_file_range', 15, (m, fd, offset, bytes, flags) => ksysSyncFileRange(m, fd, offset, bytes, flags));
systemCall('msync', 40, () => 0);

/** Writes all dirty files of a file system, waits for them, and makes its journal safe. */
const syncSuperBlock = function* (m: Machine, sb: SuperBlock): Generator<Pending, number, unknown> {
  writebackInodesSb(m, sb, WB_REASON_SYNC);
  for (const inode of m.fileSystem.cached) {
    if (inode.sb !== sb || inode.cache === null) continue;
    for (const write of [...inode.cache.writes]) {
      const waited = folioWaitBit(m, m.folios.of(inode, 0), write);
      if (waited instanceof Pending) yield waited;
    }
  }
  const synced = sb.operations?.syncFs(m, sb, 1) ?? 0;
  return synced instanceof Pending ? ((yield synced) as number) : synced;
};
const syncFilesystem = kernelFunction('sync_filesystem', 30, (m, sb: SuperBlock): Result =>
  advance(syncSuperBlock(m, sb)),
);
const syncAll = function* (m: Machine): Generator<Pending, number, unknown> {
  wakeupFlusherThreads(m, WB_REASON_SYNC);
  for (const sb of m.fileSystem.superBlocks) {
    if (sb.disk === null) continue;
    const synced = syncFilesystem(m, sb);
    if (synced instanceof Pending) yield synced;
  }
  return 0;
};
const ksysSync = kernelFunction('ksys_sync', 40, (m): Result => advance(syncAll(m)));
systemCall('sync', 10, (m) => ksysSync(m));
systemCall('syncfs', 20, (m, fd) => {
  const file = m.cpu.current.process?.files.get(fd) ?? null;
  return file === null ? -EBADF : syncFilesystem(m, file.inode.sb);
});
