import { post } from '../cpu/local-apic.ts';
import type { Machine } from '../machine.ts';

/**
 * The 82093AA I/O APIC: 24 input pins and a redirection table that says, for each, which vector goes to which CPU's local APIC.
 * Software reaches its registers through a pair of memory-mapped ones; here `select` and `window` are that pair.
 *
 *   redirection entry, low word:  7..0 vector | 10..8 delivery mode | 11 destination mode | 12 delivery status
 *                                 13 polarity | 14 remote IRR | 15 trigger (1 = level) | 16 mask
 *   high word:                    31..24 destination (APIC id)
 */
const IO_APIC_PINS = 24;
const REDIRECTION_TABLE = 0x10;
export const RTE_LEVEL = 1 << 15;
export const RTE_MASKED = 1 << 16;
const RTE_REMOTE_IRR = 1 << 14;
const RTE_VECTOR = 0xff;
const DESTINATION_SHIFT = 24;

export class IoApic {
  private readonly machine: Machine;
  private readonly table = new Int32Array(2 * IO_APIC_PINS).fill(0).map((_, i) => (i % 2 === 0 ? RTE_MASKED : 0));
  private readonly asserted = new Array<boolean>(IO_APIC_PINS).fill(false);
  /** IOREGSEL. */
  select = 0;

  constructor(machine: Machine) {
    this.machine = machine;
  }
  /** IOWIN: the selected register. */
  get window(): number {
    return this.table[this.select - REDIRECTION_TABLE] ?? 0;
  }
  set window(value: number) {
    const index = this.select - REDIRECTION_TABLE;
    if (index < 0 || index >= this.table.length) return;
    // Remote IRR is the chip's own.
    const own = index % 2 === 0 ? this.table[index]! & RTE_REMOTE_IRR : 0;
    this.table[index] = (value & ~(index % 2 === 0 ? RTE_REMOTE_IRR : 0)) | own;
    if (index % 2 === 0) this.offer(index >> 1, this.machine.now());
  }
  /** A device drives its line. */
  setLine(pin: number, high: boolean, timeNs: number): void {
    const rising = high && !this.asserted[pin];
    this.asserted[pin] = high;
    const entry = this.table[2 * pin]!;
    if ((entry & RTE_LEVEL) !== 0) this.offer(pin, timeNs);
    // An edge at a masked pin is gone: the chip does not remember it.
    else if (rising && (entry & RTE_MASKED) === 0) this.send(pin, timeNs);
  }
  /** End of interrupt, broadcast by a local APIC for level-triggered vectors: a line that is still high interrupts again. */
  endOfInterrupt(vector: number, timeNs: number): void {
    for (let pin = 0; pin < IO_APIC_PINS; pin += 1) {
      const entry = this.table[2 * pin]!;
      if ((entry & RTE_VECTOR) !== vector || (entry & RTE_REMOTE_IRR) === 0) continue;
      this.table[2 * pin] = entry & ~RTE_REMOTE_IRR;
      this.offer(pin, timeNs);
    }
  }
  /** A level-triggered pin that is high, not masked and not yet taken by a CPU. */
  private offer(pin: number, timeNs: number): void {
    const entry = this.table[2 * pin]!;
    if ((entry & (RTE_LEVEL | RTE_MASKED | RTE_REMOTE_IRR)) !== RTE_LEVEL || !this.asserted[pin]) return;
    this.table[2 * pin] = entry | RTE_REMOTE_IRR;
    this.send(pin, timeNs);
  }
  private send(pin: number, timeNs: number): void {
    const { machine, table } = this;
    const destination = machine.cpuList[table[2 * pin + 1]! >>> DESTINATION_SHIFT];
    if (destination !== undefined) post(machine, destination, table[2 * pin]! & RTE_VECTOR, timeNs + BUS_LATENCY_NS);
  }
}
/** From the pin to the local APIC. */
const BUS_LATENCY_NS = 350;

/** The two words of a redirection entry. */
export function redirectionEntry(
  vector: number,
  destination: number,
  trigger: 'edge' | 'level',
): { low: number; high: number } {
  return { low: vector | (trigger === 'level' ? RTE_LEVEL : 0), high: destination << DESTINATION_SHIFT };
}
export function writeRegister(ioApic: IoApic, register: number, value: number): void {
  ioApic.select = register;
  ioApic.window = value;
}
export function readRegister(ioApic: IoApic, register: number): number {
  ioApic.select = register;
  return ioApic.window;
}
/** Register numbers of a pin's entry. */
export function entryRegisters(pin: number): { low: number; high: number } {
  return { low: REDIRECTION_TABLE + 2 * pin, high: REDIRECTION_TABLE + 2 * pin + 1 };
}
