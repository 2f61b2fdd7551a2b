import { DR6_STEP, raiseDebug } from '../../cpu/debug-registers.ts';
import { FLAGS } from '../../cpu/registers.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeNumber } from '../../memory/arena.ts';
import { runUserHandlers } from '../../probes/handler.ts';
import { instructionLength } from '../../probes/user-instruction.ts';
import { layoutOf } from '../../programs/image-layout.ts';
import type { Uprobe } from '../../probes/uprobes.ts';
import type { Task } from '../../tasks/task.ts';

/** struct uprobe_task. */
export interface UprobeTask {
  /** TIF_UPROBE: on its way to user mode it has a breakpoint, or the step behind one, to take care of. */
  pending: boolean;
  /** The original instruction runs in the slot for it, with the trap flag. */
  stepping: boolean;
  /** Address behind it. */
  behind: number;
  /** Calls whose return address was taken, innermost last. */
  readonly returns: ReturnInstance[];
}
export interface ReturnInstance {
  readonly uprobe: Uprobe;
  readonly entry: number;
  /** The return address as it was. */
  readonly original: number;
}

export function uprobeTask(task: Task): UprobeTask {
  return (task.uprobes ??= { pending: false, stepping: false, behind: 0, returns: [] });
}

/** Where functions with a uretprobe return to is a breakpoint, unless it is a system call. */
const isTrampoline = (m: Machine, address: number): boolean =>
  !m.arch.breakpoint.returnsBySystemCall && address !== 0 && m.cpu.current.process?.mm.text.trampoline === address;

const userAddress = (m: Machine, at: number): number =>
  (m.words[at >> 2]! >>> 0) + m.words[(at >> 2) + 1]! * 4294967296;

/** kernel/events/uprobes.c: asked at a breakpoint of a program, in its context but with interrupts off: the rest comes later. */
export const uprobePreSstepNotifier = kernelFunction(
  'uprobe_pre_sstep_notifier',
  12,
  (m, regs: KernelObject): number => {
    const { current } = m.cpu;
    const ip = userAddress(m, regs.address + m.abi.ip) - m.arch.breakpoint.advance;
    const text = current.process?.mm.text;
    if (text === undefined || (!text.breakpoints.has(ip) && !isTrampoline(m, ip))) return 0;
    uprobeTask(current).pending = true;
    return 1;
  },
  { traceable: false },
);
/** The same at the end of the single step. */
export const uprobePostSstepNotifier = kernelFunction(
  'uprobe_post_sstep_notifier',
  12,
  (m, _regs: KernelObject): number => {
    const utask = m.cpu.current.uprobes;
    if (utask?.stepping !== true) return 0;
    utask.pending = true;
    return 1;
  },
  { traceable: false },
);

/** The return address, on the program's stack or in the link register, becomes the trampoline's. */
const prepareUretprobe = kernelFunction(
  'prepare_uretprobe',
  45,
  (m, uprobe: Uprobe, regs: KernelObject): void => {
    const { current } = m.cpu;
    const { user, process } = current;
    if (user === null || process === null) return;
    const { stack } = user;
    const { mm } = process;
    if (mm.text.trampoline === 0) mm.text.trampoline = mm.mapUprobes();
    const { link } = m.abi;
    const original = stack.hijackReturn(mm.text.trampoline);
    if (link !== undefined) storeNumber(m.words, regs.address + link, mm.text.trampoline);
    uprobeTask(current).returns.push({ uprobe, entry: userAddress(m, regs.address + m.abi.ip), original });
  },
  { traceable: false },
);
const handlerChain = kernelFunction(
  'handler_chain',
  30,
  (m, uprobe: Uprobe, regs: KernelObject): void => {
    const at = userAddress(m, regs.address + m.abi.ip);
    m.trace.ip = 0;
    if (uprobe.handlers.length > 0) runUserHandlers(m, uprobe.handlers, regs.address, at);
    if (uprobe.returns.length > 0) prepareUretprobe(m, uprobe, regs);
  },
  { traceable: false },
);
/** Sends the program to the original instruction, in a slot of its own and with the trap flag. */
const preSsout = kernelFunction(
  'pre_ssout',
  25,
  (m, regs: KernelObject, address: number, length: number): void => {
    const utask = uprobeTask(m.cpu.current);
    utask.stepping = true;
    utask.behind = address + length;
    const { frames } = m.arch;
    frames.storeFlags(m.words, regs.address, frames.loadFlags(m.words, regs.address) | FLAGS.trap);
  },
  { traceable: false },
);
const handleSwbp = kernelFunction(
  'handle_swbp',
  25,
  (m, regs: KernelObject): void => {
    const { current } = m.cpu;
    const { text } = current.process!.mm;
    const { abi, arch } = m;
    const address = userAddress(m, regs.address + abi.ip) - arch.breakpoint.advance;
    if (isTrampoline(m, address)) {
      m.uprobes.handleTrampoline(m, regs);
      return;
    }
    const probe = text.breakpoints.get(address);
    storeNumber(m.words, regs.address + abi.ip, address);
    current.user!.stack.ip = address;
    // Somebody detached meanwhile: the instruction is itself again.
    if (probe === undefined) return;
    handlerChain(m, probe as Uprobe, regs);
    const { image, offset } = probe;
    const emulated = arch.userCode.emulatedLength(layoutOf(image).text(arch), offset);
    if (emulated > 0) storeNumber(m.words, regs.address + abi.ip, address + emulated);
    else preSsout(m, regs, address, instructionLength(arch, image, offset));
  },
  { traceable: false },
);
const handleSinglestep = kernelFunction(
  'handle_singlestep',
  20,
  (m, utask: KernelObject & { readonly state: UprobeTask }, regs: KernelObject): void => {
    utask.state.stepping = false;
    const { frames } = m.arch;
    storeNumber(m.words, regs.address + m.abi.ip, utask.state.behind);
    frames.storeFlags(m.words, regs.address, frames.loadFlags(m.words, regs.address) & ~FLAGS.trap);
  },
  { traceable: false },
);
/** On the way back to user mode, where it may sleep. */
export const uprobeNotifyResume = kernelFunction('uprobe_notify_resume', 15, (m, regs: KernelObject): void => {
  const state = uprobeTask(m.cpu.current);
  state.pending = false;
  if (state.stepping) handleSinglestep(m, { address: m.scratch, state }, regs);
  else handleSwbp(m, regs);
});

/** The program has executed its one instruction. */
export function raiseSingleStep(m: Machine): ReturnType<typeof raiseDebug> {
  const { cpu } = m;
  cpu.current.user!.stack.ip = uprobeTask(cpu.current).behind;
  return raiseDebug(m, cpu, DR6_STEP);
}
