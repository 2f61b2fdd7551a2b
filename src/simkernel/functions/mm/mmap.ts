import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { wait } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { PTE_PRESENT, PTE_SWAPPED } from '../../tasks/address-space.ts';
import type { AddressSpace, Mapping } from '../../tasks/address-space.ts';
import { EBADF, EINVAL, ENOMEM } from '../../errno.ts';
import { freePages } from './page-alloc.ts';
import { GFP_KERNEL } from './gfp.ts';
import { cacheAlloc, cacheFree } from './slab.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { flushTlbMmRange } from '../x86/tlb.ts';
import { fget, fput } from '../fs/vfs.ts';
import { PAGE_SIZE, PAGE_SHIFT } from '../../memory/sizes.ts';
import { MAP_ANONYMOUS, MAP_DENYWRITE, MAP_FIXED, MAP_SHARED, VM_SHARED } from '../../tasks/mman.ts';

const UNMAP_PAGE_NS = 12;

function mmOf(m: Machine): AddressSpace | undefined {
  return m.cpu.current.process?.mm;
}

const mmapRegion = kernelFunction(
  'mmap_region',
  260,
  (m, file: File | null, addr: number, length: number, vmFlags: number, pgoff: number, _uf: null): number => {
    const mm = mmOf(m);
    const shared = (vmFlags & VM_SHARED) !== 0;
    const area = { file, pgoff, protection: vmFlags & VM_ACCESS, shared };
    const mapping = addr === 0 ? mm?.map(length, area) : mm?.mapAt(addr, length, area);
    if (mm === undefined || mapping === undefined) return -ENOMEM;
    if (file !== null) file.references += 1;
    cacheAlloc(m, 'vm_area_struct', mm.vmaOf(mapping), GFP_KERNEL);
    return mapping.start;
  },
);
const VM_ACCESS = 7;
/** Text of programs and libraries is where exec has laid it out: the loader that maps it gets what is there. */
function inPlace(m: Machine, file: File | null, fixed: number, flags: number): number | undefined {
  const mm = mmOf(m);
  if (file === null || mm === undefined || (flags & MAP_DENYWRITE) === 0) return undefined;
  if (fixed !== 0) return (mm.mappingAt(fixed)?.image ?? null) === null ? undefined : fixed;
  return mm.imageNamed(file.path.dentry.name);
}
const VM_ACCOUNT = 0x10_0000;
const doMmap = kernelFunction(
  'do_mmap',
  180,
  (
    m,
    file: File | null,
    addr: number,
    length: number,
    prot: number,
    flags: number,
    vmFlags: number,
    pgoff: number,
    _populate: null,
    uf: null,
  ): number => {
    const shared = (flags & MAP_SHARED) === 0 ? 0 : VM_SHARED;
    const there = inPlace(m, file, (flags & MAP_FIXED) === 0 ? 0 : addr, flags);
    if (there !== undefined) return there;
    return length === 0
      ? -EINVAL
      : mmapRegion(
          m,
          file,
          (flags & MAP_FIXED) === 0 ? 0 : addr,
          length,
          vmFlags | (prot & VM_ACCESS) | shared,
          pgoff,
          uf,
        );
  },
);
const vmMmapPgoff = kernelFunction(
  'vm_mmap_pgoff',
  60,
  (m, file: File | null, addr: number, length: number, prot: number, flags: number, pgoff: number): number =>
    doMmap(m, file, addr, length, prot, flags, 0, pgoff, null, null),
);
const ksysMmapPgoff = kernelFunction(
  'ksys_mmap_pgoff',
  30,
  (m, addr: number, length: number, prot: number, flags: number, fd: number, pgoff: number): number => {
    if ((flags & MAP_ANONYMOUS) !== 0) return vmMmapPgoff(m, null, addr, length, prot, flags, pgoff);
    const file = fget(m, fd | 0);
    if (file === null) return -EBADF;
    const mapped = vmMmapPgoff(m, file, addr, length, prot, flags, pgoff);
    fput(m, file);
    return mapped;
  },
);
systemCall('mmap', 20, (m, addr, length, prot, flags, fd, offset) =>
  ksysMmapPgoff(m, addr, length, prot, flags, fd, Math.floor(offset / PAGE_SIZE)),
);

/** Gives the pages of a mapping back: frames, and slots of the swap area. */
const unmapRegion = kernelFunction('unmap_region', 120, (m, unmap: UnmapDesc): void => {
  const { mm, mapping } = unmap;
  const { ptes, area } = mapping;
  if (ptes === null) return;
  let present = 0;
  let swapped = 0;
  for (const pte of ptes) {
    if ((pte & PTE_PRESENT) !== 0) present += 1;
    else if ((pte & PTE_SWAPPED) !== 0) swapped += 1;
  }
  m.spend((present + swapped) * UNMAP_PAGE_NS);
  ptes.fill(0);
  mm.swapped -= swapped;
  m.zone.swapUsed -= swapped;
  if (area?.file !== null && area !== null) {
    mm.residentFile -= present;
    return;
  }
  const kept = mapping.shared.leaveAll();
  mm.residentAnonymous -= present;
  m.zone.anonymousPages -= present - kept;
  freePages(m, present - kept);
});
/** Whether a CPU may have read a page table entry of it. */
function hasPages({ ptes }: Mapping): boolean {
  return ptes?.some((pte) => (pte & PTE_PRESENT) !== 0) === true;
}
/** struct unmap_desc */
interface UnmapDesc extends KernelObject {
  readonly mm: AddressSpace;
  readonly mapping: Mapping;
}
function unmap(m: Machine, mm: AddressSpace, mapping: Mapping): void {
  unmapRegion(m, { address: mm.vmaOf(mapping).address, mm, mapping });
  cacheFree(m, 'vm_area_struct', mm.vmaOf(mapping));
  const file = mapping.area?.file ?? null;
  if (file !== null) fput(m, file);
  mm.remove(mapping);
}
/** Areas that end or begin inside of the range are cut first. */
const doVmiMunmap = kernelFunction(
  'do_vmi_munmap',
  150,
  (m, _vmi: KernelObject, mm: AddressSpace, start: number, length: number, _uf: null, _unlock: number): Result => {
    const end = start + Math.ceil(length / PAGE_SIZE) * PAGE_SIZE;
    if (start % PAGE_SIZE !== 0 || length === 0) return -EINVAL;
    let touched = false;
    for (const mapping of [...mm.mappings]) {
      if (mapping.area === null || mapping.start >= end || mapping.start + mapping.size <= start) continue;
      let cut = mapping;
      if (cut.start < start) cut = mm.split(cut, start);
      if (cut.start + cut.size > end) mm.split(cut, end);
      touched ||= hasPages(cut);
      unmap(m, mm, cut);
    }
    // tlb_finish_mmu(): frames go to others only when no CPU knows the pages any more.
    return touched ? flushTlbMmRange(m, mm, start, end, PAGE_SHIFT, 1) : 0;
  },
);
const innerVmMunmap = kernelFunction('__vm_munmap', 40, (m, start: number, length: number, _unlock: number): Result => {
  const mm = mmOf(m);
  return mm === undefined ? -EINVAL : doVmiMunmap(m, { address: m.scratch }, mm, start, length, null, 1);
});
systemCall('munmap', 20, (m, start, length) => innerVmMunmap(m, start, length, 1));

const mprotectFixup = kernelFunction(
  'mprotect_fixup',
  140,
  (m, vma: KernelObject & { readonly of: Mapping }, protection: number): Result => {
    const mm = mmOf(m);
    const { of } = vma;
    const taken = (of.area?.protection ?? 0) & ~protection;
    mm?.protect(of, protection);
    // What a CPU still knows does no harm where more is allowed than before.
    if (mm === undefined || taken === 0 || !hasPages(of)) return 0;
    return flushTlbMmRange(m, mm, of.start, of.start + of.size, PAGE_SHIFT, 0);
  },
);
const doMprotectPkey = sleepingFunction(
  'do_mprotect_pkey',
  90,
  function* (m, start: number, length: number, prot: number, _pkey: number) {
    const mm = mmOf(m);
    if (mm === undefined) return -EINVAL;
    const end = start + Math.ceil(length / PAGE_SIZE) * PAGE_SIZE;
    let found = false;
    for (const mapping of [...mm.mappings]) {
      if (mapping.start >= end || mapping.start + mapping.size <= start) continue;
      found = true;
      if (mapping.area === null) continue;
      let part = mapping;
      if (part.start < start) part = mm.split(part, start);
      if (part.start + part.size > end) mm.split(part, end);
      yield* wait(mprotectFixup(m, { address: mm.vmaOf(part).address, of: part }, prot & VM_ACCESS));
    }
    return found ? 0 : -ENOMEM;
  },
);
systemCall('mprotect', 15, (m, start, length, prot) => doMprotectPkey(m, start, length, prot, -1));
systemCall('madvise', 60, () => 0);

const doBrkFlags = kernelFunction(
  'do_brk_flags',
  160,
  (m, _vmi: null, _vma: null, addr: number, length: number, _flags: number): number =>
    mmOf(m)?.growBreak(addr + length) === true ? 0 : -ENOMEM,
);
systemCall('brk', 60, (m, brk) => {
  const mm = mmOf(m);
  if (mm === undefined) return -ENOMEM;
  if (brk > mm.programBreak) doBrkFlags(m, null, null, mm.programBreak, brk - mm.programBreak, VM_ACCOUNT);
  return mm.programBreak;
});

/** exit_mmap(): everything that a process has mapped goes with it. */
export const exitMmap = kernelFunction('exit_mmap', 400, (m, mm: AddressSpace): void => {
  for (const mapping of [...mm.mappings]) if (mapping.area !== null) unmap(m, mm, mapping);
});
