import { inlined, kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { Machine } from '../../machine.ts';
import { PTE_ACCESSED, PTE_DIRTY, PTE_PRESENT } from '../../tasks/address-space.ts';
import { GFP_HIGHUSER_MOVABLE } from './gfp.ts';
import type { Folio } from '../../fs/folios.ts';
import { allocAnonFolio } from '../x86/page-fault.ts';
import type { Vma, VmFault } from '../x86/page-fault.ts';
import { flushTlbMmRange } from '../x86/tlb.ts';
import { PAGE_SIZE, PAGE_SHIFT } from '../../memory/sizes.ts';

const SET_PTE_NS = 14;
/** The page is this process's alone from now on. */
const folioMoveAnonRmap = kernelFunction('folio_move_anon_rmap', 8, (_m, _folio: Folio, _vma: Vma): void => {});
/** No thread may go on reading the old page. */
const ptepClearFlush = kernelFunction('ptep_clear_flush', 14, (m, _vma: Vma, address: number, _ptep: null): Result => {
  const mm = m.cpu.current.process?.mm;
  return mm === undefined ? 0 : flushTlbMmRange(m, mm, address, address + PAGE_SIZE, PAGE_SHIFT, 0);
});
/** Nobody else has the frame any more: it may be written to as it is. */
const wpPageReuse = inlined(30, (m, vmf: VmFault, _folio: null): void => {
  folioMoveAnonRmap(m, m.folios.page(pageOf(vmf)), vmf.vma);
  vmf.vma.mapping.shared.leave(pageOf(vmf));
  setDirty(m, vmf);
});
/** The writer gets a copy of the page; the frame stays with the others. */
const wpPageCopy = inlined(160, (m, vmf: VmFault): Result => {
  const { mapping } = vmf.vma;
  const got = mapping.area === null ? 0 : allocAnonFolio(m, GFP_HIGHUSER_MOVABLE, 0, vmf.vma, vmf.faultAddress);
  const mm = m.cpu.current.process?.mm;
  const copy = (status: number): Result => {
    if (status !== 0) return status;
    m.spend(COPY_PAGE_NS);
    const stays = mapping.shared.leave(pageOf(vmf));
    if (mapping.area !== null && mm !== undefined && stays) {
      m.zone.anonymousPages += 1;
      m.reclaim.add({ mm, mapping, page: pageOf(vmf) });
    }
    setDirty(m, vmf);
    if (mm === undefined) return 0;
    return ptepClearFlush(m, vmf.vma, vmf.faultAddress - (vmf.faultAddress % PAGE_SIZE), null);
  };
  return got instanceof Pending ? got.then(copy) : copy(got);
});
const COPY_PAGE_NS = 320;
/** A write to a page that is there but may not be written to: since a fork it has more than one user, or had. */
export const doWpPage = kernelFunction('do_wp_page', 70, (m, vmf: VmFault): Result => {
  if (vmf.vma.mapping.shared.users(pageOf(vmf)) > 1) return wpPageCopy(m, vmf);
  wpPageReuse(m, vmf, null);
  return 0;
});
function pageOf({ vma, faultAddress }: VmFault): number {
  return Math.floor((faultAddress - vma.mapping.start) / PAGE_SIZE);
}
function setDirty(m: Machine, vmf: VmFault): void {
  m.spend(SET_PTE_NS);
  const { ptes } = vmf.vma.mapping;
  if (ptes !== null) ptes[pageOf(vmf)] = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY;
}
