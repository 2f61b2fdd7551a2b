import { kernelFunction } from '../../execution/kernel-function.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { NET_RX_DROP } from '../../net/device.ts';
import type { NetDevice } from '../../net/device.ts';
import { DROP } from '../../net/drop-reasons.ts';
import { HOST_V4 } from '../../net/host-addresses.ts';
import { be32, fromBe32 } from '../../net/ip-address.ts';
import { hardwareAddressOf, NUD } from '../../net/neighbour.ts';
import type { Neighbour } from '../../net/neighbour.ts';
import { ARP, ARP_REQUEST, arpPacket } from '../../net/packet.ts';
import { ETH_P_ARP } from '../../net/skb.ts';
import type { SkBuff } from '../../net/skb.ts';
import { devQueueXmit } from './dev-xmit.ts';
import { neighUpdate } from './neighbour.ts';
import { devAddPack } from './net-rx.ts';
import type { PacketType } from './net-rx.ts';
import { createSkb } from './skb-alloc.ts';
import { consumeSkb, dropSkb } from './skb-free.ts';

/* net/ipv4/arp.c */

/** NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_OVERRIDE_ISROUTER, as for an answer that was asked for. */
const UPDATE_FLAGS = 1;

const arpXmitFinish = kernelFunction('arp_xmit_finish', 8, (m, _net: KernelObject, _sk: null, skb: SkBuff): number =>
  devQueueXmit(m, skb, null),
);
const arpXmit = kernelFunction('arp_xmit', 8, (m, skb: SkBuff): void => {
  arpXmitFinish(m, m.network.initNet, null, skb);
});
const arpCreate = kernelFunction(
  'arp_create',
  90,
  (
    m,
    type: number,
    _ptype: number,
    to: number,
    device: NetDevice,
    from: number,
    _toHardware: null,
    _fromHardware: null,
    _targetHardware: null,
  ): SkBuff => createSkb(m, device, arpPacket(type, fromBe32(from), fromBe32(to))),
);
const arpSendDst = kernelFunction(
  'arp_send_dst',
  14,
  (
    m,
    type: number,
    ptype: number,
    to: number,
    device: NetDevice,
    from: number,
    toHardware: null,
    fromHardware: null,
    targetHardware: null,
    _dst: null,
  ): void => arpXmit(m, arpCreate(m, type, ptype, to, device, from, toHardware, fromHardware, targetHardware)),
);
/** Asks everybody on the wire who has an address. */
export const arpSolicit = kernelFunction('arp_solicit', 30, (m, neigh: Neighbour, _skb: SkBuff | null): void =>
  arpSendDst(m, ARP_REQUEST, ETH_P_ARP, be32(neigh.ip), neigh.device, be32(HOST_V4), null, null, null, null),
);

const arpProcess = kernelFunction('arp_process', 45, (m, _net: KernelObject, _sk: null, skb: SkBuff): number => {
  const { packet } = skb;
  const n = packet.sport === ARP_REQUEST ? undefined : m.network.neighbours.get(packet.source);
  if (n !== undefined) {
    const lladdr = { address: skb.address, bytes: hardwareAddressOf(packet.source) };
    neighUpdate(m, n, lladdr, NUD.reachable, UPDATE_FLAGS, 0);
  }
  consumeSkb(m, skb);
  return 0;
});
const arpRcv = kernelFunction(
  'arp_rcv',
  20,
  (m, skb: SkBuff, _device: NetDevice, _type: PacketType, _original: NetDevice): number => {
    if (skb.packet.protocol === ARP) return arpProcess(m, m.network.initNet, null, skb);
    dropSkb(m, null, skb, DROP.NOT_SPECIFIED);
    return NET_RX_DROP;
  },
);
devAddPack({ address: arpRcv.symbol.entry, protocol: ETH_P_ARP, receive: arpRcv });
