import { rwbs, sectorsOf } from '../block/flags.ts';
import type { Bio, Request } from '../block/request.ts';
import type { KernelObject } from '../memory/arena.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

/** block_rq: issue, insert, io_start, io_done. */
function requestRecord(f: RecordFields): (rq: Request) => void {
  const dev = f.number('dev');
  const sector = f.number('sector');
  const nrSector = f.number('nr_sector');
  const bytes = f.number('bytes');
  const ioprio = f.number('ioprio');
  const rwbsField = f.text('rwbs');
  const comm = f.text('comm');
  const cmd = f.text('cmd');
  return (rq) => {
    dev(rq.disk.device);
    sector(rq.sector);
    nrSector(sectorsOf(rq.bytes));
    bytes(rq.bytes);
    ioprio(0);
    rwbsField(rwbs(rq.flags));
    comm(rq.comm);
    cmd('');
  };
}
type OfRequest = Tracepoint<[rq: Request]>;
export const blockRqInsert: OfRequest = tracepoint('block:block_rq_insert', 1, requestRecord);
export const blockRqIssue: OfRequest = tracepoint('block:block_rq_issue', 1, requestRecord);
export const blockIoStart: OfRequest = tracepoint('block:block_io_start', 1, requestRecord);
export const blockIoDone: OfRequest = tracepoint('block:block_io_done', 1, requestRecord);

function completionRecord(f: RecordFields): (rq: Request, error: number, bytes: number) => void {
  const dev = f.number('dev');
  const sector = f.number('sector');
  const nrSector = f.number('nr_sector');
  const error = f.number('error');
  const ioprio = f.number('ioprio');
  const rwbsField = f.text('rwbs');
  const cmd = f.text('cmd');
  return (rq, status, bytes) => {
    dev(rq.disk.device);
    sector(rq.sector);
    nrSector(sectorsOf(bytes));
    error(status);
    ioprio(0);
    rwbsField(rwbs(rq.flags));
    cmd('');
  };
}
type OfCompletion = Tracepoint<[rq: Request, error: number, bytes: number]>;
export const blockRqComplete: OfCompletion = tracepoint('block:block_rq_complete', 3, completionRecord);
export const blockRqError: OfCompletion = tracepoint('block:block_rq_error', 3, completionRecord);

function bioRecord(
  f: RecordFields,
  m: { readonly cpu: { readonly current: { readonly comm: string } } },
): (bio: Bio) => void {
  const dev = f.number('dev');
  const sector = f.number('sector');
  const nrSector = f.number('nr_sector');
  const rwbsField = f.text('rwbs');
  const comm = f.text('comm');
  return (bio) => {
    dev(bio.disk.device);
    sector(bio.sector);
    nrSector(sectorsOf(bio.bytes));
    rwbsField(rwbs(bio.flags));
    comm(m.cpu.current.comm);
  };
}
export const blockBioQueue: Tracepoint<[bio: Bio]> = tracepoint('block:block_bio_queue', 1, bioRecord);
export const blockGetRq: Tracepoint<[bio: Bio]> = tracepoint('block:block_getrq', 1, bioRecord);
export const blockBioBackmerge: Tracepoint<[bio: Bio]> = tracepoint('block:block_bio_backmerge', 1, bioRecord);

export const blockPlug: Tracepoint<[q: KernelObject]> = tracepoint('block:block_plug', 1, (f, m) => {
  const comm = f.text('comm');
  return (_q) => comm(m.cpu.current.comm);
});
export const blockUnplug: Tracepoint<[q: KernelObject, depth: number, explicit: number]> = tracepoint(
  'block:block_unplug',
  3,
  (f, m) => {
    const requests = f.number('nr_rq');
    const comm = f.text('comm');
    return (_q, depth, _explicit) => {
      requests(depth);
      comm(m.cpu.current.comm);
    };
  },
);

export const blockBioRemap: Tracepoint<[bio: Bio, dev: number, from: number]> = tracepoint(
  'block:block_bio_remap',
  3,
  (f) => {
    const dev = f.number('dev');
    const sector = f.number('sector');
    const nrSector = f.number('nr_sector');
    const oldDev = f.number('old_dev');
    const oldSector = f.number('old_sector');
    const rwbsField = f.text('rwbs');
    return (bio, device, from) => {
      dev(bio.disk.device);
      sector(bio.sector);
      nrSector(sectorsOf(bio.bytes));
      oldDev(device);
      oldSector(from);
      rwbsField(rwbs(bio.flags));
    };
  },
);
/** Only where no request does the accounting. */
export const blockBioComplete: Tracepoint<[q: KernelObject, bio: Bio]> = tracepoint(
  'block:block_bio_complete',
  2,
  (f) => {
    const dev = f.number('dev');
    const sector = f.number('sector');
    const nrSector = f.number('nr_sector');
    const error = f.number('error');
    const rwbsField = f.text('rwbs');
    return (_q, bio) => {
      dev(bio.disk.device);
      sector(bio.sector);
      nrSector(sectorsOf(bio.bytes));
      error(bio.error);
      rwbsField(rwbs(bio.flags));
    };
  },
);
