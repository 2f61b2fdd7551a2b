import { irqDisable, irqEnable } from '../cpu/local-apic.ts';
import type { EntryPoint } from '../cpu/deliver.ts';
import { PT_REGS } from '../../btf/pt-regs.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { declareText } from '../execution/text.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import type { Mapping } from '../tasks/address-space.ts';
import { PAGE_SIZE } from '../fs/page-cache.ts';
import { die, isUser } from './oops.ts';
import { pageFaultKernel, pageFaultUser } from '../tracepoints/exceptions.ts';
import { printk } from '../printk.ts';
import { leaveToUser } from './irq-entry.ts';
import { forceSig } from './signal.ts';

/** include/linux/mm_types.h: fault flags. */
const FAULT_FLAG_WRITE = 1;
const FAULT_FLAG_USER = 0x40;
const PF_WRITE = 2;
const CLEAR_PAGE_NS = 210;
/** filemap_map_pages maps this many cached pages around the one that was touched. */
const FAULT_AROUND_PAGES = 16;
const SET_PTE_NS = 14;

const doAnonymousPage = kernelFunction('do_anonymous_page', 260, (m, _vmf: KernelObject): number => {
  m.spend(CLEAR_PAGE_NS);
  return 0;
});
const filemapMapPages = kernelFunction(
  'filemap_map_pages',
  150,
  (m, _vmf: KernelObject, _start: number, _end: number): number => {
    m.spend(FAULT_AROUND_PAGES * SET_PTE_NS);
    return 0;
  },
);
const doFault = kernelFunction('do_fault', 60, (m, vmf: KernelObject): number =>
  filemapMapPages(m, vmf, 0, FAULT_AROUND_PAGES),
);
const innerHandleMmFault = kernelFunction(
  '__handle_mm_fault',
  90,
  (m, vma: KernelObject & { readonly mapping: Mapping }, _address: number, _flags: number): number =>
    vma.mapping.image === null ? doAnonymousPage(m, vma) : doFault(m, vma),
);
const handleMmFault = kernelFunction(
  'handle_mm_fault',
  45,
  (m, vma: KernelObject & { readonly mapping: Mapping }, address: number, flags: number, _regs: KernelObject): number =>
    innerHandleMmFault(m, vma, address, flags),
);
const lockVmaUnderRcu = kernelFunction(
  'lock_vma_under_rcu',
  35,
  (m, _mm: KernelObject, address: number): (KernelObject & { readonly mapping: Mapping }) | null => {
    const mm = m.cpu.current.process?.mm;
    const mapping = mm?.mappingAt(address);
    return mm === undefined || mapping === undefined ? null : { address: mm.vmaOf(mapping).address, mapping };
  },
);
/** Nothing is mapped there: SIGSEGV. */
const badArea = kernelFunction(
  '__bad_area_nosemaphore',
  40,
  (m, _regs: KernelObject, code: number, address: number): void => {
    const { comm, pid, user } = m.cpu.current;
    printk(
      m,
      `${comm}[${pid}]: segfault at ${address.toString(16)} ip ${(user?.ip ?? 0).toString(16).padStart(16, '0')} ` +
        `sp ${(user?.sp ?? 0).toString(16).padStart(16, '0')} error ${code.toString(16)}`,
    );
    forceSig(m, SIGSEGV);
  },
);
const SIGSEGV = 11;
const doUserAddrFault = kernelFunction(
  'do_user_addr_fault',
  40,
  (m, regs: KernelObject, code: number, address: number): void => {
    const { process } = m.cpu.current;
    const vma = process === null ? null : lockVmaUnderRcu(m, process.mm, address);
    if (vma === null) {
      badArea(m, regs, code, address);
      return;
    }
    handleMmFault(m, vma, address, FAULT_FLAG_USER | ((code & PF_WRITE) === 0 ? 0 : FAULT_FLAG_WRITE), regs);
  },
  { traceable: false },
);
/** The kernel itself went astray: no handler, no mapping, an oops. */
const badKernelArea = kernelFunction(
  'page_fault_oops',
  80,
  (m, regs: KernelObject, code: number, address: number): void => {
    const kind = address < PAGE_SIZE ? 'kernel NULL pointer dereference' : 'unable to handle page fault for';
    printk(m, `BUG: ${kind}, address: ${address.toString(16).padStart(16, '0')}`);
    printk(m, `#PF: supervisor ${(code & PF_WRITE) === 0 ? 'read' : 'write'} access in kernel mode`);
    printk(m, `#PF: error_code(0x${code.toString(16).padStart(4, '0')}) - not-present page`);
    die(m, { address: m.scratch, text: 'Oops' }, regs, code);
  },
);
const excPageFault = kernelFunction(
  'exc_page_fault',
  30,
  (m, regs: KernelObject, code: number): void => {
    const address = m.cpu.cr2;
    if (!isUser(m, regs)) {
      pageFaultKernel(m, address, regs, code);
      badKernelArea(m, regs, code, address);
      return;
    }
    pageFaultUser(m, address, regs, code);
    irqEnable(m);
    doUserAddrFault(m, regs, code, address);
    irqDisable(m);
  },
  { traceable: false },
);

/** Vector 14. */
export const pageFaultEntry: EntryPoint = {
  symbol: declareText('asm_exc_page_fault', { traceable: false, site: 0x26 }),
  run(m: Machine, address) {
    const regs = { address };
    excPageFault(m, regs, m.words[(address + PT_REGS.orig_ax) >> 2]!);
    return leaveToUser(m, regs);
  },
};
