import { postNmi } from '../cpu/local-apic.ts';
import type { DeviceSpec } from './device.ts';

/** The button on the case that raises an NMI on the boot CPU. */
export function nmiButton(afterNs: number): DeviceSpec {
  return {
    name: 'nmi-button',
    start(m) {
      const when = m.now() + afterNs;
      m.schedule(when, () => postNmi(m, m.cpuList[0]!, when));
    },
  };
}
