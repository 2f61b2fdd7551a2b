import { sleepingFunction, kernelFunction } from '../../execution/kernel-function.ts';
import type { Folio } from '../../fs/folios.ts';
import type { PageIo } from '../../fs/page-cache.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { untilDone } from '../block/wait-for-io.ts';
import { wakeUpProcess } from '../kernel/sched.ts';

/** Sleeps until a transfer is over; 0, or its error. */
export const folioWaitBit = sleepingFunction('folio_wait_bit', 30, function* (m, _folio: KernelObject, io: PageIo) {
  yield* untilDone(m, io);
  return io.error;
});
/** Blocks of metadata are waited for by their buffer heads. */
export const waitOnBuffer = sleepingFunction('__wait_on_buffer', 25, function* (m, bh: KernelObject, io: PageIo) {
  yield* untilDone(m, io);
  return bh.address === 0 ? 0 : io.error;
});

export const folioEndRead = kernelFunction('folio_end_read', 20, (m, _folio: Folio, io: PageIo): void => {
  io.done = true;
  for (const task of io.waiters.splice(0)) wakeUpProcess(m, task);
});
export const folioEndWriteback = kernelFunction('folio_end_writeback', 20, (m, _folio: Folio, io: PageIo): void => {
  io.done = true;
  for (const task of io.waiters.splice(0)) wakeUpProcess(m, task);
});
