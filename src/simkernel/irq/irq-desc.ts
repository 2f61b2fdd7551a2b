import type { Result } from '../execution/pending.ts';
import type { Machine } from '../machine.ts';
import type { Task } from '../tasks/task.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import { vectorSetup } from '../tracepoints/irq-vectors.ts';
import type { TextSymbol } from '../execution/text.ts';
import type { CpuMask } from '../functions/x86/smp.ts';

export const IRQ_NONE = 0;
export const IRQ_HANDLED = 1;
export const IRQ_WAKE_THREAD = 2;
/** include/linux/interrupt.h: several devices share the line. */
export const IRQF_SHARED = 0x80;
/** The line stays closed until the handler's thread is done. */
export const IRQF_ONESHOT = 0x2000;

export const IRQACTION = structFields('irqaction', {
  handler: 'handler',
  threadFn: 'thread_fn',
  thread: 'thread',
  devId: 'dev_id',
  next: 'next',
  irq: 'irq',
  flags: 'flags',
  name: 'name',
});
const IRQ_DESC = structFields('irq_desc', {
  irq: 'irq_data.irq',
  hwirq: 'irq_data.hwirq',
  action: 'action',
  depth: 'depth',
  observed: 'irq_count',
  unhandled: 'irqs_unhandled',
});

/** A driver's interrupt handler: a kernel function of (irq, dev_id). */
export interface IrqHandler {
  (m: Machine, irq: number, device: KernelObject | null): number;
  readonly symbol: TextSymbol;
}

/** What a handler's thread runs; it may sleep. */
export interface IrqThreadFunction {
  (m: Machine, irq: number, device: KernelObject | null): Result;
  readonly symbol: TextSymbol;
}

/** struct irqaction: one handler on one line. */
export interface IrqAction extends KernelObject {
  readonly irq: number;
  readonly name: string;
  readonly handler: IrqHandler;
  readonly device: KernelObject | null;
  readonly flags: number;
  readonly threadFn: IrqThreadFunction | null;
  thread: Task | null;
  /** IRQTF_RUNTHREAD: the thread has something to do. */
  wanted: boolean;
}

/** struct irq_chip: how the interrupt controller of a line is told things. */
export interface IrqChip {
  /** As /proc/interrupts has it. */
  readonly name: string;
  startup(m: Machine, desc: IrqDesc): void;
  mask(m: Machine, desc: IrqDesc): void;
  unmask(m: Machine, desc: IrqDesc): void;
  /** Sends the line to one of these CPUs from now on; 0 or -errno. */
  setAffinity(m: Machine, desc: IrqDesc, mask: CpuMask): number;
  /** Whether that may be done at any time; else it waits until an interrupt of the line is being acknowledged. */
  readonly movesAtOnce: boolean;
  /** The handlers have run (level), or the interrupt has been seen (edge). */
  acknowledge(m: Machine, desc: IrqDesc): void;
}

/** struct irq_desc: one interrupt line and its counters per CPU. */
export interface IrqDesc extends KernelObject {
  readonly irq: number;
  readonly chip: IrqChip;
  /** Number of the line at its chip. */
  readonly hwirq: number;
  readonly flow: 'edge' | 'fasteoi';
  /** Where it goes: 0 while no handler wants it. */
  vector: number;
  cpu: number;
  /** CPUs that it may go to, whether that is the driver's to say alone, and the place that it has just left. */
  affinity: readonly number[];
  readonly isManaged: boolean;
  moved: { readonly cpu: number; readonly vector: number } | null;
  /** A change of affinity that waits for the next interrupt (IRQD_SETAFFINITY_PENDING). */
  wantedAffinity: readonly number[] | null;
  readonly actions: IrqAction[];
  readonly counts: number[];
  /** Nesting of disable_irq; a line without handlers is disabled once. */
  depth: number;
  /** Interrupts since the last verdict, those of them that nobody answered for, and when the last of these came. */
  observed: number;
  unhandled: number;
  lastUnhandled: number;
  /** When its handlers last returned; on which CPU is `cpu`. */
  lastHandled: number;
  /** Threads at work, how many of them keep a one-shot line closed, and who waits for them. */
  threadsActive: number;
  oneshot: number;
  readonly threadWaiters: Task[];
  /** IRQS_PENDING: it came while disabled. */
  pending: boolean;
}

/** Sets up the descriptor of a line; it may go to any CPU unless told. */
export function createIrqDesc(
  m: Machine,
  line: { irq: number; chip: IrqChip; hwirq: number; flow: IrqDesc['flow']; cpu?: number; isManaged?: boolean },
): IrqDesc {
  const address = m.arena.allocate(IRQ_DESC.size, 64);
  m.words[(address + IRQ_DESC.irq) >> 2] = line.irq;
  m.words[(address + IRQ_DESC.hwirq) >> 2] = line.hwirq;
  m.words[(address + IRQ_DESC.depth) >> 2] = 1;
  const desc: IrqDesc = {
    ...line,
    address,
    vector: 0,
    cpu: line.cpu ?? 0,
    affinity: line.cpu === undefined ? m.cpuList.map(({ id }) => id) : [line.cpu],
    isManaged: line.isManaged ?? false,
    moved: null,
    wantedAffinity: null,
    actions: [],
    counts: new Array<number>(m.cpuList.length).fill(0),
    depth: 1,
    observed: 0,
    unhandled: 0,
    lastUnhandled: -Infinity,
    lastHandled: -Infinity,
    threadsActive: 0,
    oneshot: 0,
    threadWaiters: [],
    pending: false,
  };
  m.irqs.push(desc);
  m.irqs.sort((a, b) => a.irq - b.irq);
  vectorSetup(m, desc.irq, desc.irq < LEGACY_LINES ? 1 : 0, 0);
  return desc;
}

const LEGACY_LINES = 16;

/** The first number that no line has; those below 24 belong to the I/O APIC. */
export function nextMsiIrq(m: Machine): number {
  return Math.max(FIRST_MSI_IRQ, (m.irqs.at(-1)?.irq ?? 0) + 1);
}
const FIRST_MSI_IRQ = 24;

/** Counters of note_interrupt, in memory too. */
export function storeObserved(m: Machine, desc: IrqDesc): void {
  m.words[(desc.address + IRQ_DESC.observed) >> 2] = desc.observed;
  m.words[(desc.address + IRQ_DESC.unhandled) >> 2] = desc.unhandled;
}

export function setDepth(m: Machine, desc: IrqDesc, depth: number): void {
  desc.depth = depth;
  m.words[(desc.address + IRQ_DESC.depth) >> 2] = depth;
}

export function createIrqAction(
  m: Machine,
  desc: IrqDesc,
  name: KernelObject & { readonly text: string },
  handler: IrqHandler,
  threadFn: IrqThreadFunction | null,
  device: KernelObject | null,
  flags: number,
): IrqAction {
  const address = m.arena.allocate(IRQACTION.size);
  storeWord(m.words, address + IRQACTION.handler, { address: handler.symbol.entry });
  storeWord(m.words, address + IRQACTION.devId, device);
  m.words[(address + IRQACTION.irq) >> 2] = desc.irq;
  m.words[(address + IRQACTION.flags) >> 2] = flags;
  storeWord(m.words, address + IRQACTION.name, name);
  if (threadFn !== null) storeWord(m.words, address + IRQACTION.threadFn, { address: threadFn.symbol.entry });
  return { address, irq: desc.irq, name: name.text, handler, device, flags, threadFn, thread: null, wanted: false };
}
/** Chains the actions of a line as they are in guest memory. */
export function linkActions(m: Machine, desc: IrqDesc): void {
  storeWord(m.words, desc.address + IRQ_DESC.action, desc.actions[0] ?? null);
  desc.actions.forEach((action, i) => storeWord(m.words, action.address + IRQACTION.next, desc.actions[i + 1] ?? null));
}
export function freeIrqAction(m: Machine, action: IrqAction): void {
  m.arena.free(action.address, IRQACTION.size);
}
