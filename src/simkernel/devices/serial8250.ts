import { kernelFunction } from '../execution/kernel-function.ts';
import { IO_APIC_CHIP } from '../functions/x86/irq-chips.ts';
import { requestIrq } from '../functions/kernel/irq-manage.ts';
import { createTty, ttyFlipBufferPush } from '../functions/drivers/tty.ts';
import type { Tty } from '../functions/drivers/tty.ts';
import { createIrqDesc, IRQ_HANDLED, IRQ_NONE } from '../irq/irq-desc.ts';
import type { KernelObject } from '../memory/arena.ts';
import type { DeviceSpec } from './device.ts';

/** Lines of the 8259A by port. */
const LINES = { ttyS0: 4, ttyS1: 3 } as const;
/** Ten bits a character at 115,200 baud. */
const CHARACTER_NS = (10 * 1e9) / 115_200;
/** The 16550A interrupts when so many characters are in its FIFO, or when the line has been quiet for four characters. */
const TRIGGER_LEVEL = 8;
const QUIET_NS = 4 * CHARACTER_NS;
const FIFO_SIZE = 16;
const PORT_ACCESS_NS = 1_000;
const UART_LSR_DR = 1;
const UART_IIR_RDI = 4;

/** struct uart_port of a 16550A. */
interface Uart extends KernelObject {
  readonly tty: Tty;
  fifo: string;
  overruns: number;
  /** Counts characters, so that a quiet line is told from a busy one. */
  received: number;
}

const uartInsertChar = kernelFunction(
  'uart_insert_char',
  15,
  (_m, port: Uart, _status: number, _overrun: number, ch: number, _flag: number): void => {
    port.tty.flip += String.fromCharCode(ch);
  },
);
const serial8250RxChars = kernelFunction('serial8250_rx_chars', 30, (m, up: Uart, lsr: number): number => {
  for (const character of up.fifo) {
    m.spend(PORT_ACCESS_NS);
    uartInsertChar(m, up, lsr, 0, character.charCodeAt(0), 0);
  }
  up.fifo = '';
  ttyFlipBufferPush(m, up.tty.port);
  return 0;
});
const serial8250HandleIrq = kernelFunction('serial8250_handle_irq', 40, (m, port: Uart, _iir: number): number => {
  if (port.fifo === '') return 0;
  serial8250RxChars(m, port, UART_LSR_DR);
  return 1;
});
const serial8250Interrupt = kernelFunction(
  'serial8250_interrupt',
  40,
  (m, irq: number, devId: KernelObject | null): number => {
    m.spend(PORT_ACCESS_NS);
    const handled = serial8250HandleIrq(m, devId as Uart, UART_IIR_RDI);
    m.ioApic.setLine(irq, false, m.cpu.time);
    return handled === 0 ? IRQ_NONE : IRQ_HANDLED;
  },
);

/** A 16550A at which these texts arrive, and its file in /dev. */
export function serialPort(
  incoming: readonly { readonly afterNs: number; readonly text: string }[],
  name: keyof typeof LINES = 'ttyS0',
): DeviceSpec {
  return {
    name,
    start(m) {
      const irq = LINES[name];
      const uart: Uart = {
        address: m.arena.allocate(256),
        tty: createTty(m, name),
        fifo: '',
        overruns: 0,
        received: 0,
      };
      createIrqDesc(m, { irq, chip: IO_APIC_CHIP, hwirq: irq, flow: 'edge' });
      requestIrq(m, irq, serial8250Interrupt, 0, name, uart);
      const receive = (character: string, timeNs: number): void => {
        if (uart.fifo.length >= FIFO_SIZE) uart.overruns += 1;
        else uart.fifo += character;
        const received = (uart.received += 1);
        if (uart.fifo.length >= TRIGGER_LEVEL) {
          m.ioApic.setLine(irq, true, timeNs);
          return;
        }
        m.schedule(timeNs + QUIET_NS, () => {
          if (uart.received === received && uart.fifo !== '') m.ioApic.setLine(irq, true, timeNs + QUIET_NS);
        });
      };
      for (const { afterNs, text } of incoming) {
        [...text].forEach((character, i) => {
          const when = m.now() + afterNs + i * CHARACTER_NS;
          m.schedule(when, () => receive(character, when));
        });
      }
    },
  };
}
