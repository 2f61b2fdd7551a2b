import type { DeviceSpec } from '../../simkernel/devices/device.ts';
import { ethernet } from '../../simkernel/devices/e1000e.ts';
import { keyboard } from '../../simkernel/devices/i8042.ts';
import { serialPort } from '../../simkernel/devices/serial8250.ts';
import { duration } from './quantities.ts';
import { listOf, mapped, oneKeyOf, optional, record, required, text, wholeNumber } from './schema.ts';
import type { Shape } from './schema.ts';

/** Text that comes in at a time after the start. */
const typed = mapped(listOf(record('a line', { after: required(duration), text: required(text) }), 'lines'), (lines) =>
  lines.map(({ after, text: line }) => ({ afterNs: after, text: `${line}\n` })),
);
const burst = record('a burst', {
  after: required(duration),
  packets: required(wholeNumber(1, 1_000_000)),
  gap: required(duration),
});

/** Devices beside disks: a row is the key in the file and the shape of its value. */
const DEVICES = {
  keyboard: mapped(typed, keyboard),
  serial: mapped(typed, serialPort),
  'network-card': mapped(
    record('a network card', { gap: required(duration), bursts: optional(listOf(burst, 'bursts')) }),
    ({ gap, bursts = [] }) =>
      ethernet({
        meanGapNs: gap,
        bursts: bursts.map((each) => ({ afterNs: each.after, packets: each.packets, gapNs: each.gap })),
      }),
  ),
} as const satisfies Readonly<Record<string, Shape<DeviceSpec>>>;

export const devices: Shape<readonly DeviceSpec[]> = listOf(oneKeyOf('a device', DEVICES), 'devices');
