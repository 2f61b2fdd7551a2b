import { kernelFunction } from '../execution/kernel-function.ts';
import { EV_KEY, inputEvent, scanCodesOf } from '../functions/drivers/input.ts';
import type { Keyboard } from '../functions/drivers/input.ts';
import { IO_APIC_CHIP } from '../functions/x86/irq-chips.ts';
import { requestIrq } from '../functions/kernel/irq-manage.ts';
import { createTty } from '../functions/drivers/tty.ts';
import { createIrqDesc, IRQ_HANDLED, IRQ_NONE } from '../irq/irq-desc.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import type { DeviceSpec } from './device.ts';

/** Line 1 of the 8259A: the keyboard. */
const IRQ = 1;
/** A byte on the wire takes 11 bits at about 12.5 kHz; a port access goes over the LPC bus. */
const BYTE_NS = 900_000;
const PORT_ACCESS_NS = 1_000;
/** A person: some characters a second. */
const KEY_GAP_NS = 120_000_000;

/** The controller: one byte in its output buffer, the rest still in the keyboard. */
interface Controller extends KernelObject {
  output: number | null;
  readonly fromKeyboard: number[];
  readonly keyboard: Keyboard;
}

const atkbdReceiveByte = kernelFunction('atkbd_receive_byte', 90, (m, ps2dev: Controller, data: number): void =>
  inputEvent(m, ps2dev.keyboard, EV_KEY, data & 0x7f, data & 0x80 ? 0 : 1),
);
const serioInterrupt = kernelFunction(
  'serio_interrupt',
  50,
  (m, serio: Controller, data: number, _flags: number): number => {
    atkbdReceiveByte(m, serio, data);
    return IRQ_HANDLED;
  },
);
/** Reads port 0x60, which empties the output buffer and lowers the line. */
const i8042Interrupt = kernelFunction('i8042_interrupt', 60, (m, irq: number, devId: KernelObject | null): number => {
  const controller = devId as Controller;
  m.spend(2 * PORT_ACCESS_NS);
  const { output } = controller;
  if (output === null) return IRQ_NONE;
  controller.output = null;
  m.ioApic.setLine(irq, false, m.cpu.time);
  const end = m.cpu.time + BYTE_NS;
  if (controller.fromKeyboard.length > 0) m.schedule(end, () => transmit(m, controller, end));
  return serioInterrupt(m, controller, output, 0);
});
function transmit(m: Machine, controller: Controller, timeNs: number): void {
  if (controller.output !== null) return;
  controller.output = controller.fromKeyboard.shift() ?? null;
  if (controller.output !== null) m.ioApic.setLine(IRQ, true, timeNs);
}

/** A PS/2 keyboard at which somebody types these lines, and the console /dev/tty1. */
export function keyboard(typed: readonly { readonly afterNs: number; readonly text: string }[]): DeviceSpec {
  return {
    name: 'i8042',
    start(m) {
      const at = m.arena.allocate(128);
      const keys: Keyboard = { address: at, tty: createTty(m, 'tty1'), shifted: false };
      const controller: Controller = { address: m.arena.allocate(64), output: null, fromKeyboard: [], keyboard: keys };
      createIrqDesc(m, { irq: IRQ, chip: IO_APIC_CHIP, hwirq: IRQ, flow: 'edge' });
      requestIrq(m, IRQ, i8042Interrupt, 0, 'i8042', controller);
      const random = m.random.stream('typing');
      for (const { afterNs, text } of typed) {
        let when = m.now() + afterNs;
        for (const character of text) {
          const pressed = when;
          m.schedule(pressed, () => {
            controller.fromKeyboard.push(...scanCodesOf(character));
            transmit(m, controller, pressed);
          });
          when += random.logNormal(KEY_GAP_NS, 0.4);
        }
      }
    },
  };
}
