import { isUserFrame } from '../cpu/user-frame.ts';
import type { Machine } from '../machine.ts';
import { storeNumber } from '../memory/arena.ts';
import { layoutOf } from '../programs/image-layout.ts';
import { KERNEL_STACK_SIZE } from '../tasks/task.ts';

/** kernel.perf_event_max_stack: frames of a stack that is recorded. */
export const MAX_STACK_DEPTH = 127;

/** Where unwinding starts: the place a hook interrupted. */
export interface TraceStart {
  /** Image address (low half) of the innermost instruction; 0 when the CPU was in user mode or runs for the tracer. */
  ip: number;
  fp: number;
  /** Stack slot of a return address that has no frame yet (at a function's entry), or 0. */
  slot: number;
}

/**
 * Visits the return addresses of the interrupted kernel stack, innermost first, following frame pointers in guest memory.
 * An odd frame pointer marks pushed registers (`regs`, else 0); those of the entry from user mode end the walk, as does
 * `visit` when it returns false. Return addresses that a kretprobe replaced are looked up in the task's list, as
 * unwind_recover_rethook does.
 */
export function walkKernelStack(m: Machine, visit: (low: number, regs: number) => boolean): void {
  const { ip, slot } = m.trace;
  if (ip === 0) return;
  const { words, abi } = m;
  const task = m.cpu.current;
  const trampoline = m.rethookTrampoline.entry | 0x80000000;
  const returnAddress = (at: number): number => {
    const low = words[at >> 2]!;
    if (low !== trampoline) return low;
    return task.rethooks.find((hook) => hook.slot === at)?.low ?? low;
  };
  if (!visit(ip, 0)) return;
  if (slot !== 0 && !visit(returnAddress(slot), 0)) return;
  let { fp } = m.trace;
  // A corrupt chain must not hang us: no stack has more frames than words.
  for (let steps = 0; steps < KERNEL_STACK_SIZE / 16 && fp !== 0; steps += 1) {
    if ((fp & 1) !== 0) {
      const regs = fp - 1;
      if (regs + abi.registersBytes === task.stackTop || isUserFrame(m, regs)) return;
      if (!visit(words[(regs + abi.ip) >> 2]!, regs)) return;
      fp = words[(regs + abi.fp) >> 2]!;
      continue;
    }
    if (!visit(returnAddress(fp + 8), 0)) return;
    fp = words[fp >> 2]!;
  }
}

/** Writes them to guest memory, without the first `skip`; returns how many. */
export function unwindKernelStack(m: Machine, out: number, limit: number, skip: number): number {
  const { words } = m;
  let written = 0;
  let toSkip = skip;
  if (limit <= 0) return 0;
  walkKernelStack(m, (low) => {
    if (toSkip > 0) {
      toSkip -= 1;
      return true;
    }
    words[(out >> 2) + 2 * written] = low;
    words[(out >> 2) + 2 * written + 1] = -1;
    written += 1;
    return written < limit;
  });
  return written;
}

/** By the instruction that is there once the breakpoint is gone. */
function isFunctionEntry(m: Machine, at: number, address: number): boolean {
  const probe = m.currentTask.process?.mm.text.breakpoints.get(address);
  if (at < 0 || probe === undefined) return false;
  return m.arch.userCode.startsFunction(layoutOf(probe.image).text(m.arch), probe.offset);
}

/** The current task's user stack, by the frame pointers in its memory. */
export function unwindUserStack(m: Machine, out: number, limit: number, skip: number): number {
  const { user, process } = m.currentTask;
  if (user === null || process === null) return 0;
  const { view } = m.arena;
  const word = (at: number): number => view.getUint32(at, true) + view.getInt32(at + 4, true) * 4294967296;
  let written = 0;
  let left = skip;
  let { ip, fp } = user;
  const { text } = process.mm;
  // As fixup_uretprobe_trampoline_entries: the n-th address that a uretprobe took is the n-th of its list.
  const taken = [...(m.currentTask.uprobes?.returns ?? [])];
  const keep = (address: number): boolean => {
    if (left > 0) {
      left -= 1;
      return true;
    }
    if (written >= limit) return false;
    storeNumber(m.words, out + 8 * written, address);
    written += 1;
    return true;
  };
  const returnAddress = (at: number): number => {
    const address = word(at);
    return address === text.trampoline && address !== 0 ? (taken.pop()?.original ?? address) : address;
  };
  if (!keep(ip)) return written;
  // is_uprobe_at_func_entry: the function that a uprobe interrupts has no frame yet.
  if (text.breakpoints.has(ip) && isFunctionEntry(m, process.mm.find(ip, 1), ip)) {
    const at = process.mm.find(user.sp, 8);
    if (at >= 0 && !keep(returnAddress(at))) return written;
  }
  for (;;) {
    const at = fp === 0 ? -1 : process.mm.find(fp, 16);
    if (at < 0) return written;
    fp = word(at);
    ip = returnAddress(at + 8);
    if (!keep(ip)) return written;
  }
}
