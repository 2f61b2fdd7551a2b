import { codeOf } from '../execution/text.ts';
import type { TextSymbol } from '../execution/text.ts';
import type { Cpu } from '../cpu/cpu.ts';
import type { Machine } from '../machine.ts';
import { TICK_NS } from '../memory/kernel-data.ts';
import { MS } from '../time/units.ts';
import type { Kprobe } from './kprobes.ts';
import { optimizedLength } from './optimizable.ts';

/** OPTIMIZE_DELAY: so many ticks does the optimizer wait for more to do. */
const DELAY_TICKS = 5;
/** synchronize_rcu_tasks(): every task has to have left the instructions that the jump covers; its kthread waits HZ/10 at least. */
const GRACE_NS = 100 * MS;

/** struct optimized_kprobe: the place of a breakpoint that is to be a jump, or is. */
export interface OptimizedProbe {
  readonly symbol: TextSymbol;
  readonly offset: number;
  /** Bytes of the instructions that the jump covers; they have a copy in the detour. */
  readonly length: number;
  /** Where the jump leads; 0 until the optimizer has been there. */
  detour: number;
}

/** What functions/x86/optimized-kprobe.ts does: it declares the functions and text that the machine needs for it. */
export interface DetourCode {
  /** Writes a detour for a place; 0: there is no room. */
  readonly prepare: (m: Machine, probe: OptimizedProbe) => number;
  readonly run: (m: Machine, cpu: Cpu, probe: OptimizedProbe, probes: readonly Kprobe[]) => void;
}

/** The kprobe optimizer: breakpoints that are there for a while become jumps. */
export class KprobeOptimizer {
  isAllowed = true;
  code: DetourCode | null = null;
  /** By address. */
  private readonly places = new Map<number, OptimizedProbe>();
  private isKicked = false;
  private readonly machine: Machine;
  private readonly rewrite: (symbol: TextSymbol) => void;

  constructor(m: Machine, rewrite: (symbol: TextSymbol) => void) {
    this.machine = m;
    this.rewrite = rewrite;
  }
  /** Detours that are in use. */
  detours(): ReadonlySet<number> {
    return new Set([...this.places.values()].map(({ detour }) => detour));
  }
  /** The jump at an address, or what is to become one. */
  at(address: number): OptimizedProbe | undefined {
    return this.places.get(address);
  }
  /** Something has changed about the breakpoints of a function; `offsets` are those that are there. */
  review(symbol: TextSymbol, offsets: readonly number[], postHandlersAt: (offset: number) => boolean): void {
    if (this.code === null) return;
    for (const [address, place] of this.places)
      if (place.symbol === symbol && !this.mayStay(place, offsets, postHandlersAt)) this.places.delete(address);
    if (!this.isAllowed) return;
    for (const offset of offsets) this.consider(symbol, offset, offsets, postHandlersAt);
  }
  private mayStay(
    { offset, length }: OptimizedProbe,
    offsets: readonly number[],
    postHandlersAt: (offset: number) => boolean,
  ): boolean {
    const isAlone = !offsets.some((other) => other > offset && other < offset + length);
    return this.isAllowed && offsets.includes(offset) && isAlone && !postHandlersAt(offset);
  }
  private consider(
    symbol: TextSymbol,
    offset: number,
    offsets: readonly number[],
    postHandlersAt: (offset: number) => boolean,
  ): void {
    const address = symbol.entry + offset;
    const { kernelCode } = this.machine.arch;
    if (this.places.has(address)) return;
    const length = optimizedLength(kernelCode, codeOf(kernelCode, symbol), offset);
    if (length === undefined) return;
    const place = { symbol, offset, length, detour: 0 };
    // A breakpoint that an older jump covers has undone that jump (arch_check_optimized_kprobe).
    if (!this.mayStay(place, offsets, postHandlersAt)) return;
    this.places.set(address, place);
    this.kick();
  }
  /** kick_kprobe_optimizer() */
  private kick(): void {
    if (this.isKicked) return;
    this.isKicked = true;
    this.machine.schedule(this.machine.now() + DELAY_TICKS * TICK_NS, () => {
      const waiting = [...this.places.values()].filter(({ detour }) => detour === 0);
      this.isKicked = false;
      this.machine.schedule(this.machine.now() + GRACE_NS, () => this.optimize(waiting));
    });
  }
  private optimize(waiting: readonly OptimizedProbe[]): void {
    for (const place of waiting) {
      if (this.places.get(place.symbol.entry + place.offset) !== place) continue;
      place.detour = this.code?.prepare(this.machine, place) ?? 0;
      this.rewrite(place.symbol);
    }
  }
}
