import { receiveSkb } from '../functions/net/skb-alloc.ts';
import { post } from '../cpu/local-apic.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import { msixChip } from '../functions/x86/irq-chips.ts';
import { requestIrq } from '../functions/kernel/irq-manage.ts';
import {
  createNapi,
  napiCompleteDone,
  groReceiveSkb,
  napiScheduleIrqoff,
  napiSchedulePrep,
} from '../functions/net/net-rx.ts';
import type { Napi } from '../functions/net/net-rx.ts';
import { createIrqDesc, IRQ_HANDLED, nextMsiIrq } from '../irq/irq-desc.ts';
import type { IrqDesc } from '../irq/irq-desc.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { NETDEV_TX_BUSY, NETDEV_TX_OK, wakeQueue } from '../functions/net/net-tx.ts';
import { consumeSkb } from '../functions/net/skb-free.ts';
import { createNetDevice, IFA_F_PERMANENT } from '../net/device.ts';
import type { NetDevice, QdiscKind } from '../net/device.ts';
import { cutPacket } from '../net/gso.ts';
import { ipAddress } from '../net/ip-address.ts';
import { HOST_V4, HOST_V6 } from '../net/host-addresses.ts';
import { NO_BYTES, udpPacket } from '../net/packet.ts';
import type { Packet } from '../net/packet.ts';
import { frameLength } from '../net/skb.ts';
import type { SkBuff } from '../net/skb.ts';
import { Wire } from '../net/wire.ts';
import type { WireSpec } from '../net/wire.ts';
import { schedulePulses } from './device.ts';
import type { DeviceSpec } from './device.ts';

const PCI_ADDRESS = '0000:00:19.0';
const RING_SIZE = 256;
const MTU = 1500;
const GIGABIT: WireSpec = { bitsPerSecond: 1e9, latencyNs: 200_000, loss: 0 };
const REGISTER_NS = 250;
const PER_PACKET_NS = 650;
const NS_PER_BYTE = 0.1;
/** The least time from one interrupt to the next (ITR, 20,000 a second). */
const THROTTLE_NS = 50_000;

/** struct e1000_adapter: a ring each way, one message-signalled interrupt. */
interface Adapter extends KernelObject {
  readonly device: NetDevice;
  readonly wire: Wire;
  readonly ring: Packet[];
  /** Sent or being sent, and when the last bit of each is on the line; freed when the driver next looks. */
  readonly sent: { readonly skb: SkBuff; readonly doneAt: number }[];
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
      adapter.device.stats.rxPackets += 1;
      adapter.device.stats.rxBytes += frameLength(packet);
      m.spend(PER_PACKET_NS + packet.bytes * NS_PER_BYTE);
      groReceiveSkb(m, adapter.napi.gro, receiveSkb(m, adapter.device, packet));
    }
  },
);
/** Frees what has left the card, and lets more come when there was no room. */
const e1000CleanTxIrq = kernelFunction('e1000_clean_tx_irq', 30, (m, adapter: Adapter): void => {
  const { sent, device } = adapter;
  while (sent.length > 0 && sent[0]!.doneAt <= m.cpu.time) {
    m.spend(TX_DESCRIPTOR_NS);
    consumeSkb(m, sent.shift()!.skb);
  }
  if (sent.length < RING_SIZE) wakeQueue(m, device);
});
const TX_DESCRIPTOR_NS = 60;
/** ndo_start_xmit: a descriptor for the card, and the tail register that tells it. */
const e1000XmitFrame = kernelFunction('e1000_xmit_frame', 120, (m, skb: SkBuff, device: NetDevice): number => {
  const { adapter } = device as NetDevice & { readonly adapter: Adapter };
  if (adapter.sent.length >= RING_SIZE) return NETDEV_TX_BUSY;
  m.spend(REGISTER_NS);
  const { packet, gsoSize } = skb;
  const doneAt = gsoSize === 0 ? putOnWire(m, adapter, packet) : segment(m, adapter, cutPacket(packet, gsoSize));
  adapter.sent.push({ skb, doneAt });
  // Interrupt moderation: a frame's completion waits for company.
  interrupt(m, adapter, doneAt + TX_DELAY_NS);
  return NETDEV_TX_OK;
});
const TX_DELAY_NS = 30_000;
function putOnWire(m: Machine, { wire, device }: Adapter, packet: Packet): number {
  device.stats.txPackets += 1;
  device.stats.txBytes += frameLength(packet);
  return wire.transmit(packet, m.cpu.time);
}
/** TSO: the card makes the packets out of one; returns when the last is on its way. */
function segment(m: Machine, adapter: Adapter, packets: readonly Packet[]): number {
  let doneAt = m.cpu.time;
  for (const packet of packets) doneAt = putOnWire(m, adapter, packet);
  return doneAt;
}

const e1000ePoll = kernelFunction('e1000e_poll', 30, (m, napi: Napi, budget: number): number => {
  const { adapter } = napi as Napi & { readonly adapter: Adapter };
  const work = { address: m.scratch, done: 0 };
  e1000CleanTxIrq(m, adapter);
  e1000CleanRxIrq(m, adapter, work, budget);
  if (work.done < budget && napiCompleteDone(m, napi, work.done) === 1) {
    m.spend(REGISTER_NS);
    adapter.unmasked = true;
    const [oldest] = adapter.sent;
    if (adapter.ring.length > 0) interrupt(m, adapter, m.cpu.time);
    else if (oldest !== undefined) interrupt(m, adapter, Math.max(oldest.doneAt, m.cpu.time) + TX_DELAY_NS);
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
function receive(m: Machine, adapter: Adapter, packet: Packet, timeNs: number): void {
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

const NO_TRAFFIC: Traffic = { meanGapNs: Infinity, bursts: [] };

/** A gigabit Ethernet card, eth0, and the wire that it is plugged into. */
export function ethernet(
  traffic: Traffic = NO_TRAFFIC,
  wireSpec: WireSpec = GIGABIT,
  queues: readonly QdiscKind[] = ['fq_codel'],
): DeviceSpec {
  return {
    name: 'eth0',
    start(m) {
      const device = createNetDevice(m, {
        name: 'eth0',
        mtu: MTU,
        inet6: { address: hexAddress(HOST_V6.bytes), prefix: 64, scope: 0, flags: IFA_F_PERMANENT },
        hasArp: true,
        addresses: [HOST_V4, HOST_V6],
        transmit: e1000XmitFrame,
        queues,
      });
      const wire = new Wire(m, wireSpec);
      m.network.wire = wire;
      const line = createIrqDesc(m, { irq: nextMsiIrq(m), chip: msixChip(PCI_ADDRESS), hwirq: 0, flow: 'edge' });
      const napi = Object.assign(createNapi(m, device, e1000ePoll as Napi['poll']), { adapter: null as unknown });
      const adapter: Adapter = {
        address: m.arena.allocate(512),
        device,
        wire,
        ring: [],
        sent: [],
        napi,
        line,
        unmasked: true,
        nextInterrupt: 0,
      };
      napi.adapter = adapter;
      Object.assign(device, { adapter });
      requestIrq(m, line.irq, e1000IntrMsi, 0, 'eth0', adapter);
      wire.connect((packet, timeNs) => receive(m, adapter, packet, timeNs));
      generate(m, adapter, traffic);
    },
  };
}
const hexAddress = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Ethernet, IP and UDP headers. */
const FRAME_OVERHEAD = 42;
function generate(m: Machine, adapter: Adapter, traffic: Traffic): void {
  const random = m.random.stream('network traffic');
  const packet = (): Packet => {
    const source = ipAddress(`10.0.2.${random.between(20, 250)}`);
    adapter.wire.addStranger(source);
    const port = random.pick([53, 123, 514, 5353]);
    // What a frame of this size carries behind its headers.
    const bytes = random.pick([64, 128, 342, 1_514]) - FRAME_OVERHEAD;
    return udpPacket(source, 40_000, HOST_V4, port, NO_BYTES, bytes);
  };
  if (traffic.meanGapNs === Infinity) return;
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
