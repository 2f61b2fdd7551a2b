import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { KernelObject } from '../../memory/arena.ts';
import type { AddressSpace } from '../../tasks/address-space.ts';
import { tlbFlush } from '../../tracepoints/tlb.ts';
import { smpCallFunctionMany } from './smp.ts';
import type { CpuMask } from './smp.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';

/** include/linux/mm_types.h: enum tlb_flush_reason. */
const TLB_REMOTE_SHOOTDOWN = 1;
const TLB_LOCAL_SHOOTDOWN = 2;
const TLB_REMOTE_SEND_IPI = 4;
/** tlb_single_page_flush_ceiling: for more pages than that the CPU forgets everything. */
const FLUSH_CEILING = 33;
const TLB_FLUSH_ALL = -1;

/** struct flush_tlb_info */
interface FlushInfo extends KernelObject {
  readonly initiator: number;
  readonly pages: number;
}
/** arch/x86/mm/tlb.c: this CPU forgets what it knows of the pages. */
const flushTlbFunc = kernelFunction('flush_tlb_func', 70, (m, info: KernelObject | null): void => {
  const { initiator, pages } = info as FlushInfo;
  const isLocal = m.cpu.id === initiator;
  if (!isLocal) m.interruptCounts.tlb[m.cpu.id]! += 1;
  tlbFlush(m, isLocal ? TLB_LOCAL_SHOOTDOWN : TLB_REMOTE_SHOOTDOWN, pages);
});
const nativeFlushTlbMulti = kernelFunction(
  'native_flush_tlb_multi',
  20,
  (m, mask: CpuMask, info: FlushInfo): Result => {
    tlbFlush(m, TLB_REMOTE_SEND_IPI, info.pages);
    return smpCallFunctionMany(m, mask, flushTlbFunc, info, true);
  },
);
/** Page table entries have changed: here, and on every CPU that runs another thread of the process, before anybody goes on. */
export const flushTlbMmRange = kernelFunction(
  'flush_tlb_mm_range',
  40,
  (m, mm: AddressSpace, start: number, end: number, _strideShift: number, _freedTables: number): Result => {
    const { id } = m.cpu;
    const pages = Math.floor((end - start) / PAGE_SIZE);
    const info: FlushInfo = { address: m.scratch, initiator: id, pages: pages > FLUSH_CEILING ? TLB_FLUSH_ALL : pages };
    flushTlbFunc(m, info);
    const cpus = m.cpuList.filter((cpu) => cpu.id !== id && cpu.current.process?.mm === mm).map((cpu) => cpu.id);
    return cpus.length === 0 ? 0 : nativeFlushTlbMulti(m, { address: m.scratch, cpus }, info);
  },
);
