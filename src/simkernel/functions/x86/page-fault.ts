import { irqDisable, irqEnable } from '../../cpu/local-apic.ts';
import type { EntryPoint } from '../../cpu/deliver.ts';
import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File } from '../../fs/file.ts';
import { declareText } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeNumber, storeWord } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { PTE_ACCESSED, PTE_DIRTY, PTE_PRESENT, PTE_SWAPPED } from '../../tasks/address-space.ts';
import type { AddressSpace, Mapping } from '../../tasks/address-space.ts';
import { TASK } from '../../tasks/task.ts';
import { folioWaitBit } from '../mm/folio-wait.ts';
import { GFP_HIGHUSER_MOVABLE } from '../mm/gfp.ts';
import { invokeOomKiller } from '../mm/oom.ts';
import { allocPage } from '../mm/page-alloc.ts';
import { pageCacheSyncRa } from '../mm/readahead.ts';
import { msleep } from '../kernel/sleep.ts';
import { swapinReadahead } from '../mm/swap.ts';
import { doWpPage } from '../mm/wp-page.ts';
import { reclaimThrottle, tryToFreePages } from '../mm/vmscan.ts';
import { die, isUser } from './oops.ts';
import { pageFaultKernel, pageFaultUser } from '../../tracepoints/exceptions.ts';
import { printk } from '../../printk.ts';
import { countSoftware } from '../../probes/perf-event.ts';
import { leaveToUser } from './irq-entry.ts';
import { forceSig } from '../kernel/signal.ts';
import { PAGE_SIZE } from '../../memory/sizes.ts';
import { X86_PF_WRITE } from '../../cpu/page-fault-code.ts';
import { SIGSEGV } from '../../tasks/signals.ts';
import { PROT_READ, PROT_WRITE } from '../../tasks/mman.ts';

/** include/linux/mm_types.h: fault flags. */
const FAULT_FLAG_WRITE = 1;
const FAULT_FLAG_USER = 0x40;
const CLEAR_PAGE_NS = 210;
const COPY_PAGE_NS = 320;
/** filemap_map_pages maps this many cached pages around the one that was touched. */
const FAULT_AROUND_PAGES = 16;
const SET_PTE_NS = 14;

/** struct vm_fault: one on the stack of each fault; here one for all, filled in before it is passed. */
export interface VmFault extends KernelObject {
  readonly vma: Vma;
  readonly faultAddress: number;
  readonly write: boolean;
}
export interface Vma extends KernelObject {
  readonly mapping: Mapping;
}

/** What the process sees of the page from now on. */
function present(m: Machine, { vma, faultAddress, write }: VmFault): { mm: AddressSpace; page: number } | null {
  const mm = m.cpu.current.process?.mm;
  const { mapping } = vma;
  if (mm === undefined) return null;
  const page = Math.floor((faultAddress - mapping.start) / PAGE_SIZE);
  mm.ptesOf(mapping)[page] = PTE_PRESENT | PTE_ACCESSED | (write ? PTE_DIRTY : 0);
  return { mm, page };
}
function countAnonymous(m: Machine, vmf: VmFault): void {
  const now = present(m, vmf);
  if (now === null) return;
  now.mm.residentAnonymous += 1;
  m.zone.anonymousPages += 1;
  m.reclaim.add({ mm: now.mm, mapping: vmf.vma.mapping, page: now.page });
}

const VM_FAULT_OOM = 1;
const VM_FAULT_MAJOR = 4;
const VM_FAULT_NOPAGE = 0x100;

/** A frame for a page of a process. When there is none left even after reclaim, it waits for the disk, or somebody is killed. */
export const allocAnonFolio = sleepingFunction(
  'vma_alloc_folio_noprof',
  40,
  function* (m, gfp: number, _order: number, _vma: Vma, _addr: number) {
    const { zone, reclaim } = m;
    allocPage(m, gfp);
    for (let tries = 0; zone.free <= zone.watermarks.min >> 1 && tries < MOST_TRIES; tries += 1) {
      if (m.cpu.current.pendingSignal !== 0) return VM_FAULT_OOM;
      if (reclaim.swapWrites > 0) {
        const waited = reclaimThrottle(m, zone, 0);
        if (waited instanceof Pending) yield waited;
        continue;
      }
      if (tryToFreePages(m, zone, 0, gfp, null) > 0) continue;
      invokeOomKiller(m, gfp);
      if (reclaim.victim === m.cpu.current) return VM_FAULT_OOM;
      // The victim needs a moment to go.
      const slept = msleep(m, OOM_WAIT_MS);
      if (slept instanceof Pending) yield slept;
    }
    return 0;
  },
);
const MOST_TRIES = 256;
const OOM_WAIT_MS = 20;

const doAnonymousPage = kernelFunction('do_anonymous_page', 260, (m, vmf: VmFault): Result => {
  if (vmf.vma.mapping.area === null) {
    m.spend(CLEAR_PAGE_NS);
    return 0;
  }
  const got = allocAnonFolio(m, GFP_HIGHUSER_MOVABLE, 0, vmf.vma, vmf.faultAddress);
  const map = (status: number): number => {
    if (status !== 0) return status;
    m.spend(CLEAR_PAGE_NS);
    countAnonymous(m, vmf);
    return 0;
  };
  return got instanceof Pending ? got.then(map) : map(got);
});
/** The page was swapped out: it comes back from the disk. */
const doSwapPage = kernelFunction('do_swap_page', 180, (m, vmf: VmFault): Result => {
  const mm = m.cpu.current.process?.mm;
  const read = (status: number): Result => {
    if (status !== 0) return status;
    const done = (error: number): number => {
      if (error !== 0) return error;
      m.zone.swapUsed -= 1;
      if (mm !== undefined) mm.swapped -= 1;
      countAnonymous(m, vmf);
      return VM_FAULT_MAJOR;
    };
    const back = swapinReadahead(m, m.folios.page(Math.floor(vmf.faultAddress / PAGE_SIZE)));
    return back instanceof Pending ? back.then(done) : done(back);
  };
  const got = allocAnonFolio(m, GFP_HIGHUSER_MOVABLE, 0, vmf.vma, vmf.faultAddress);
  return got instanceof Pending ? got.then(read) : read(got);
});
const filemapMapPages = kernelFunction(
  'filemap_map_pages',
  150,
  (m, vmf: VmFault, start: number, end: number): number => {
    const { area } = vmf.vma.mapping;
    m.spend((end - start + 1) * SET_PTE_NS);
    return area?.file ? mapCachedPages(m, vmf, area.file, start, end) : VM_FAULT_NOPAGE;
  },
);
/** Those of a file's pages that are in memory; 0: the one that was asked for is not. */
function mapCachedPages(m: Machine, { vma, faultAddress }: VmFault, file: File, start: number, end: number): number {
  const mm = m.cpu.current.process?.mm;
  const { mapping } = vma;
  if (mm === undefined || mapping.area === null) return 0;
  const cache = m.fileSystem.cacheOf(file.inode);
  const ptes = mm.ptesOf(mapping);
  for (let index = start; index <= end; index += 1) {
    if (cache.isAbsent(index) || cache.reads.has(index)) continue;
    const page = index - mapping.area.pgoff;
    if ((ptes[page]! & PTE_PRESENT) === 0) mm.residentFile += 1;
    ptes[page] = PTE_PRESENT | PTE_ACCESSED;
  }
  return (ptes[Math.floor((faultAddress - mapping.start) / PAGE_SIZE)]! & PTE_PRESENT) === 0 ? 0 : VM_FAULT_NOPAGE;
}
/** do_fault_around(): the stretch of the file, aligned as its pages are in the page table, that the mapping shows. */
function faultAround(m: Machine, vmf: VmFault): number {
  const { area, start, size } = vmf.vma.mapping;
  if (area === null) return filemapMapPages(m, vmf, 0, FAULT_AROUND_PAGES - 1);
  const page = Math.floor((vmf.faultAddress - start) / PAGE_SIZE);
  const first = Math.max(0, page - (((vmf.faultAddress / PAGE_SIZE) % FAULT_AROUND_PAGES) | 0));
  const last = Math.min(size / PAGE_SIZE, first + FAULT_AROUND_PAGES) - 1;
  return filemapMapPages(m, vmf, area.pgoff + first, area.pgoff + last);
}
/** The page of a mapped file is read when it is not in the page cache. */
const filemapFault = kernelFunction('filemap_fault', 90, (m, vmf: VmFault): Result => {
  const { area, start } = vmf.vma.mapping;
  if (area === null || area.file === null) return 0;
  const { file } = area;
  const { inode } = file;
  const index = area.pgoff + Math.floor((vmf.faultAddress - start) / PAGE_SIZE);
  const cache = m.fileSystem.cacheOf(inode);
  const rac = { address: m.scratch, inode, first: index, count: 1, isAhead: false };
  const isMajor = cache.isAbsent(index);
  if (isMajor) pageCacheSyncRa(m, rac, file);
  const io = cache.reads.get(index);
  const waited = io === undefined ? 0 : folioWaitBit(m, m.folios.of(inode, index), io);
  const map = (status: number): number => {
    if (status !== 0) return status;
    const now = present(m, vmf);
    if (now !== null) now.mm.residentFile += 1;
    file.readahead.previous = index;
    return isMajor ? VM_FAULT_MAJOR : 0;
  };
  return waited instanceof Pending ? waited.then(map) : map(waited);
});
/** Reads map what is in memory around them; writes, and what is not in memory, ask for the one page. */
const doFault = kernelFunction('do_fault', 60, (m, vmf: VmFault): Result => {
  const { area } = vmf.vma.mapping;
  if ((area === null || !vmf.write) && faultAround(m, vmf) !== 0) return 0;
  const found = filemapFault(m, vmf);
  if (area === null || area.shared || !vmf.write) return found;
  // do_cow_fault(): a copy of the process's own.
  const copy = (status: number): number => {
    m.spend(COPY_PAGE_NS);
    return status;
  };
  return found instanceof Pending ? found.then(copy) : copy(found);
});
const innerHandleMmFault = kernelFunction(
  '__handle_mm_fault',
  90,
  (m, vma: Vma, address: number, flags: number): Result => {
    const { mapping } = vma;
    const vmf = vmFault(m, vma, address, flags);
    const page = Math.floor((address - mapping.start) / PAGE_SIZE);
    if (((mapping.ptes?.[page] ?? 0) & PTE_SWAPPED) !== 0) return doSwapPage(m, vmf);
    if (vmf.write && mapping.shared.has(page)) return doWpPage(m, vmf);
    return mapping.image === null && (mapping.area?.file ?? null) === null ? doAnonymousPage(m, vmf) : doFault(m, vmf);
  },
);
const handleMmFault = kernelFunction(
  'handle_mm_fault',
  45,
  (m, vma: Vma, address: number, flags: number, regs: KernelObject): Result => {
    const status = innerHandleMmFault(m, vma, address, flags);
    const count = (value: number): number => countFault(m, value, address, regs);
    return status instanceof Pending ? status.then(count) : count(status);
  },
);
/** mm_account_fault: minor faults need no disk. */
function countFault(m: Machine, status: number, address: number, regs: KernelObject): number {
  const task = m.cpu.current;
  const isMinor = (status & VM_FAULT_MAJOR) === 0;
  const at = task.address + (isMinor ? TASK.minorFaults : TASK.majorFaults);
  storeNumber(m.words, at, m.words[at >> 2]! + 1);
  countSoftware(m, 'page-faults', address, regs);
  countSoftware(m, isMinor ? 'minor-faults' : 'major-faults', address, regs);
  return status;
}
function vmFault(m: Machine, vma: Vma, faultAddress: number, flags: number): VmFault {
  const { vmFault: address } = m.stackObjects;
  storeWord(m.words, address + VM_FAULT.vma, vma);
  storeNumber(m.words, address + VM_FAULT.address, faultAddress);
  m.words[(address + VM_FAULT.flags) >> 2] = flags;
  return { address, vma, faultAddress, write: (flags & FAULT_FLAG_WRITE) !== 0 };
}
const VM_FAULT = structFields('vm_fault', { vma: 'vma', address: 'address', flags: 'flags' });
const lockVmaUnderRcu = kernelFunction(
  'lock_vma_under_rcu',
  35,
  (m, _mm: KernelObject, address: number): Vma | null => {
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
const doUserAddrFault = kernelFunction(
  'do_user_addr_fault',
  40,
  (m, regs: KernelObject, code: number, address: number): Result => {
    const { process } = m.cpu.current;
    const vma = process === null ? null : lockVmaUnderRcu(m, process.mm, address);
    if (vma === null || !mayAccess(vma.mapping, (code & X86_PF_WRITE) !== 0)) {
      badArea(m, regs, code, address);
      return 0;
    }
    return handleMmFault(m, vma, address, FAULT_FLAG_USER | ((code & X86_PF_WRITE) === 0 ? 0 : FAULT_FLAG_WRITE), regs);
  },
  { traceable: false },
);
/** Areas have the protection that mmap() or mprotect() gave them. */
function mayAccess({ area }: Mapping, write: boolean): boolean {
  return area === null || (area.protection & (write ? PROT_WRITE : PROT_READ)) !== 0;
}
/** The kernel itself went astray: no handler, no mapping, an oops. */
const badKernelArea = kernelFunction(
  'page_fault_oops',
  80,
  (m, regs: KernelObject, code: number, address: number): void => {
    const isNull = address >= 0 && address < PAGE_SIZE;
    const kind = isNull ? 'kernel NULL pointer dereference,' : 'unable to handle page fault for';
    // Addresses of the kernel's image and modules are negative numbers here.
    const shown = BigInt.asUintN(64, BigInt(address)).toString(16).padStart(16, '0');
    printk(m, `BUG: ${kind} address: ${shown}`);
    printk(m, `#PF: supervisor ${(code & X86_PF_WRITE) === 0 ? 'read' : 'write'} access in kernel mode`);
    printk(m, `#PF: error_code(0x${code.toString(16).padStart(4, '0')}) - not-present page`);
    die(m, { address: m.scratch, text: 'Oops' }, regs, code);
  },
);
const excPageFault = kernelFunction(
  'exc_page_fault',
  30,
  (m, regs: KernelObject, code: number): Result => {
    const address = m.cpu.cr2;
    if (!isUser(m, regs)) {
      pageFaultKernel(m, address, regs, code);
      badKernelArea(m, regs, code, address);
      return 0;
    }
    pageFaultUser(m, address, regs, code);
    irqEnable(m);
    const handled = doUserAddrFault(m, regs, code, address);
    const leave = (): number => {
      irqDisable(m);
      return 0;
    };
    return handled instanceof Pending ? handled.then(leave) : leave();
  },
  { traceable: false },
);

/** Vector 14. */
export const pageFaultEntry: EntryPoint = {
  symbol: declareText('asm_exc_page_fault', { traceable: false, site: 0x26 }),
  run(m: Machine, address) {
    const regs = { address };
    const handled = excPageFault(m, regs, m.words[(address + m.abi.original) >> 2]!);
    return handled instanceof Pending ? handled.then(() => leaveToUser(m, regs) ?? 0) : leaveToUser(m, regs);
  },
};
