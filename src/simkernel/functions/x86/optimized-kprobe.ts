import type { AbiName } from '../../../btf/abi/abis.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import { declareText, originalText } from '../../execution/text.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { addressHigh, addressLow } from '../../memory/arena.ts';
import { runKprobes } from '../../probes/kprobes.ts';
import type { Kprobe } from '../../probes/kprobes.ts';
import { writeJump } from '../../probes/optimizable.ts';
import type { DetourCode } from '../../probes/optimizer.ts';
import { kprobeOptimizer } from '../../probes/probed-text.ts';
import { storeRegisters } from '../../probes/stored-registers.ts';

/** Where detours are. */
const SLOT_BYTES = 256;
const optinsnPage = declareText('kprobe_optinsn_page', { traceable: false, size: 16384 });
const CALL = 0xe8;
const INT3 = 0xcc;
/** push $__KERNEL_DS; push %rsp; pushf; sub $24,%rsp; push of all registers, the last of pt_regs first; mov %rsp,%rsi */
const SAVE = [
  0x6a, 0x18, 0x54, 0x9c, 0x48, 0x83, 0xec, 0x18, 0x57, 0x56, 0x52, 0x51, 0x50, 0x41, 0x50, 0x41, 0x51, 0x41, 0x52,
  0x41, 0x53, 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57, 0x48, 0x89, 0xe6,
];
/** movabs to %rdi: whose detour it is */
const WHOSE = [0x48, 0xbf];
/** The flags go where %ss was pushed; pop of all registers; add $40,%rsp; popf */
const RESTORE = [
  0x48, 0x8b, 0x94, 0x24, 0x90, 0x00, 0x00, 0x00, 0x48, 0x89, 0x94, 0x24, 0xa0, 0x00, 0x00, 0x00, 0x41, 0x5f, 0x41,
  0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0x41, 0x5b, 0x41, 0x5a, 0x41, 0x59, 0x41, 0x58, 0x58, 0x59, 0x5a, 0x5e,
  0x5f, 0x48, 0x83, 0xc4, 0x28, 0x9d,
];

/** What a jump leads to: the handlers see registers as behind a breakpoint, and cannot send the CPU elsewhere. */
const optimizedCallback = kernelFunction(
  'optimized_callback',
  25,
  (m, op: KernelObject & { readonly probes: readonly Kprobe[]; readonly fp: number }, regs: KernelObject): void => {
    m.traceFrom(m.words[(regs.address + m.abi.ip) >> 2]! & 0x7fffffff, op.fp, 0);
    runKprobes(
      m,
      op.probes.filter(({ kind }) => kind === 'k'),
      regs.address,
    );
  },
  { traceable: false },
);

const x86Detours: DetourCode = {
  prepare(m, { symbol, offset, length }) {
    const used = kprobeOptimizer(m).detours();
    let slot = optinsnPage.entry;
    while (used.has(slot)) slot += SLOT_BYTES;
    if (slot + SLOT_BYTES > optinsnPage.entry + optinsnPage.size) return 0;
    const { bytes, view } = m.arena;
    m.visibleText.show(m.arena, optinsnPage);
    bytes.fill(INT3, slot, slot + SLOT_BYTES);
    let at = slot;
    const emit = (code: ArrayLike<number>): void => {
      bytes.set(code, at);
      at += code.length;
    };
    emit(SAVE);
    emit(WHOSE);
    // The kernel's struct optimized_kprobe; here the probed address stands for it.
    view.setInt32(at, addressLow(symbol.entry + offset), true);
    view.setInt32(at + 4, addressHigh(symbol.entry + offset), true);
    at += 8;
    emit([CALL, 0, 0, 0, 0]);
    view.setInt32(at - 4, optimizedCallback.symbol.entry - at, true);
    emit(RESTORE);
    emit(originalText(m.arch.kernelCode, symbol).subarray(offset, offset + length));
    writeJump(view, at, symbol.entry + offset + length);
    return slot;
  },
  run(m, cpu, { symbol, offset }, probes) {
    const { sp, fp } = cpu;
    const regs = storeRegisters(m, cpu, sp, symbol.entry + offset + m.arch.breakpoint.advance);
    cpu.sp = regs;
    optimizedCallback(m, { address: m.scratch, probes, fp }, { address: regs });
    cpu.sp = sp;
  },
};
/** HAVE_OPTPROBES */
const DETOURS: Record<AbiName, DetourCode | null> = { x86_64: x86Detours, arm64: null };

/** Lets the machine's breakpoints become jumps, where its architecture has that. */
export function registerKprobeOptimizer(m: Machine): void {
  kprobeOptimizer(m).code = DETOURS[m.abi.name];
}
