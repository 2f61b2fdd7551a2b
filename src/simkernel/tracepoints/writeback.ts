import type { Mapping } from '../fs/file.ts';
import type { Folio } from '../fs/folios.ts';
import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

/** struct bdi_writeback: the flusher of one disk. */
export interface Flusher extends KernelObject {
  /** `259:0` */
  readonly bdiName: string;
}
/** struct wb_writeback_work */
export interface WritebackWork extends KernelObject {
  /** Still to be written. */
  pages: number;
  readonly reason: number;
  readonly device: number;
  readonly sync: boolean;
  readonly forKupdate: boolean;
  readonly forBackground: boolean;
}
const WB_SYNC_ALL = 1;

function workRecord(f: RecordFields): (wb: Flusher, work: WritebackWork) => void {
  const name = f.text('name');
  const cgroup = f.number('cgroup_ino');
  const pages = f.number('nr_pages');
  const dev = f.number('sb_dev');
  const sync = f.number('sync_mode');
  const kupdate = f.number('for_kupdate');
  const cyclic = f.number('range_cyclic');
  const background = f.number('for_background');
  const reason = f.number('reason');
  return (wb, work) => {
    name(wb.bdiName);
    cgroup(1);
    pages(work.pages);
    dev(work.device);
    sync(work.sync ? WB_SYNC_ALL : 0);
    kupdate(work.forKupdate ? 1 : 0);
    cyclic(work.sync ? 0 : 1);
    background(work.forBackground ? 1 : 0);
    reason(work.reason);
  };
}
type OfWork = Tracepoint<[wb: Flusher, work: WritebackWork]>;
export const writebackQueue: OfWork = tracepoint('writeback:writeback_queue', 2, workRecord);
export const writebackExec: OfWork = tracepoint('writeback:writeback_exec', 2, workRecord);
export const writebackStart: OfWork = tracepoint('writeback:writeback_start', 2, workRecord);
export const writebackWritten: OfWork = tracepoint('writeback:writeback_written', 2, workRecord);

export const writebackPagesWritten: Tracepoint<[pages: number]> = tracepoint(
  'writeback:writeback_pages_written',
  1,
  (f) => {
    const pages = f.number('pages');
    return (written) => pages(written);
  },
);
export const writebackDirtyFolio: Tracepoint<[folio: Folio, mapping: Mapping]> = tracepoint(
  'writeback:writeback_dirty_folio',
  2,
  (f) => {
    const name = f.text('name');
    const ino = f.number('ino');
    const index = f.number('index');
    return (folio, mapping) => {
      name(bdiName(mapping.inode.sb.disk?.device ?? 0));
      ino(mapping.inode.ino);
      index(folio.index);
    };
  },
);
/** `major:minor` of a disk, by which its backing_dev_info is known. */
export function bdiName(device: number): string {
  return `${device >>> 20}:${device & 0xf_ffff}`;
}
