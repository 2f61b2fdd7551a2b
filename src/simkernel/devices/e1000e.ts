import { post } from '../cpu/local-apic.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { msixChip } from '../functions/irq-chips.ts';
import { requestIrq } from '../functions/irq-manage.ts';
import {
  createNapi,
  napiCompleteDone,
  napiScheduleIrqoff,
  napiSchedulePrep,
  netifReceiveSkb,
} from '../functions/net-rx.ts';
import type { Napi } from '../functions/net-rx.ts';
import { createIrqDesc, IRQ_HANDLED, nextMsiIrq } from '../irq/irq-desc.ts';
import type { IrqDesc } from '../irq/irq-desc.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeText } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { NetDevice } from '../net/device.ts';
import { createSkb } from '../net/skb.ts';
import type { Datagram } from '../net/skb.ts';
import { schedulePulses } from './device.ts';
import type { DeviceSpec } from './device.ts';

const NET_DEVICE = structFields('net_device', { name: 'name', ifindex: 'ifindex' });
const PCI_ADDRESS = '0000:00:19.0';
const RING_SIZE = 256;
const REGISTER_NS = 250;
const PER_PACKET_NS = 650;
const NS_PER_BYTE = 0.1;
/** The least time from one interrupt to the next (ITR, 20,000 a second). */
const THROTTLE_NS = 50_000;

/** struct e1000_adapter: one receive ring, one message-signalled interrupt. */
interface Adapter extends KernelObject {
  readonly device: NetDevice & KernelObject;
  readonly ring: Datagram[];
  readonly napi: Napi;
  readonly line: IrqDesc;
  /** IMS: whether the chip may interrupt. */
  unmasked: boolean;
  nextInterrupt: number;
}

/** Reading ICR masks the chip; everything else waits for the softirq. */
const e1000IntrMsi = kernelFunction('e1000_intr_msi', 40, (m, _irq: number, data: KernelObject | null): number => {
  const adapter = data as Adapter;
  m.spend(REGISTER_NS);
  adapter.unmasked = false;
  if (napiSchedulePrep(m, adapter.napi) === 1) napiScheduleIrqoff(m, adapter.napi);
  return IRQ_HANDLED;
});
const e1000CleanRxIrq = kernelFunction(
  'e1000_clean_rx_irq',
  40,
  (m, adapter: Adapter, work: KernelObject & { done: number }, limit: number): void => {
    while (work.done < limit) {
      const packet = adapter.ring.shift();
      if (packet === undefined) return;
      work.done += 1;
      m.spend(PER_PACKET_NS + packet.bytes * NS_PER_BYTE);
      netifReceiveSkb(m, createSkb(m, adapter.device, packet));
    }
  },
);
const e1000ePoll = kernelFunction('e1000e_poll', 30, (m, napi: Napi, budget: number): number => {
  const { adapter } = napi as Napi & { readonly adapter: Adapter };
  const work = { address: m.scratch, done: 0 };
  e1000CleanRxIrq(m, adapter, work, budget);
  if (work.done < budget && napiCompleteDone(m, napi, work.done) === 1) {
    m.spend(REGISTER_NS);
    adapter.unmasked = true;
    if (adapter.ring.length > 0) interrupt(m, adapter, m.cpu.time);
  }
  return work.done;
});

function interrupt(m: Machine, adapter: Adapter, timeNs: number): void {
  if (!adapter.unmasked) return;
  adapter.unmasked = false;
  const when = Math.max(timeNs, adapter.nextInterrupt);
  adapter.nextInterrupt = when + THROTTLE_NS;
  post(m, m.cpuList[adapter.line.cpu]!, adapter.line.vector, when);
}
function receive(m: Machine, adapter: Adapter, packet: Datagram, timeNs: number): void {
  if (adapter.ring.length >= RING_SIZE) {
    adapter.device.stats.rxDropped += 1;
    return;
  }
  adapter.ring.push(packet);
  interrupt(m, adapter, timeNs);
}

/** Traffic from the wire: a steady trickle, and bursts as fast as the wire carries them. */
export interface Traffic {
  readonly meanGapNs: number;
  readonly bursts: readonly { readonly afterNs: number; readonly packets: number; readonly gapNs: number }[];
}

/** A gigabit Ethernet card, eth0. */
export function ethernet(traffic: Traffic): DeviceSpec {
  return {
    name: 'eth0',
    start(m) {
      const address = m.arena.allocate(NET_DEVICE.size, 64);
      const index = m.netDevices.length + 1;
      storeText(m.arena.bytes, address + NET_DEVICE.name, 'eth0', 16);
      m.words[(address + NET_DEVICE.ifindex) >> 2] = index;
      const stats = { rxPackets: 0, rxBytes: 0, rxDropped: 0, txPackets: 0, txBytes: 0 };
      const device = { address, name: 'eth0', index, stats, inet6: null };
      m.netDevices.push(device);
      const line = createIrqDesc(m, { irq: nextMsiIrq(m), chip: msixChip(PCI_ADDRESS), hwirq: 0, flow: 'edge' });
      const napi = Object.assign(createNapi(m, device, e1000ePoll as Napi['poll']), { adapter: null as unknown });
      const adapter: Adapter = {
        address: m.arena.allocate(512),
        device,
        ring: [],
        napi,
        line,
        unmasked: true,
        nextInterrupt: 0,
      };
      napi.adapter = adapter;
      requestIrq(m, line.irq, e1000IntrMsi, 0, 'eth0', adapter);
      generate(m, adapter, traffic);
    },
  };
}

const THIS_HOST = 0x0a00_020f;
function generate(m: Machine, adapter: Adapter, traffic: Traffic): void {
  const random = m.random.stream('network traffic');
  const packet = (): Datagram => ({
    source: 0x0a00_0200 + random.between(2, 250),
    destination: THIS_HOST,
    port: random.pick([53, 123, 514, 5353]),
    bytes: random.pick([64, 128, 342, 1_514]),
  });
  const trickle = (timeNs: number): void => {
    const next = timeNs + random.exponential(traffic.meanGapNs);
    m.schedule(next, () => {
      receive(m, adapter, packet(), next);
      trickle(next);
    });
  };
  trickle(m.now());
  for (const { afterNs, packets, gapNs } of traffic.bursts) {
    schedulePulses(m, afterNs, packets, gapNs, (timeNs) => receive(m, adapter, packet(), timeNs));
  }
}
