import type { KernelObject } from '../memory/arena.ts';
import { gsoSegs, gsoType } from '../net/gso.ts';
import { AF_INET } from '../net/ip-address.ts';
import type { SkBuff } from '../net/skb.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

/** The initial network namespace. */
const NET_COOKIE = 1;

/** Fields that are always zero: the machine has no VLANs and no hashes, and merges nothing that it receives. */
function zeros(f: RecordFields, ...names: readonly string[]): () => void {
  const setters = names.map((name) => f.number(name));
  return () => {
    for (const set of setters) set(0);
  };
}

const templateRecord = (f: RecordFields): ((skb: SkBuff) => void) => {
  const address = f.pointer('skbaddr');
  const len = f.number('len');
  const name = f.text('name');
  const cookie = f.number('net_cookie');
  return (skb) => {
    address(skb);
    len(skb.len);
    name(skb.device?.name ?? '');
    cookie(NET_COOKIE);
  };
};
export const netifReceiveSkbEvent: Tracepoint<[skb: SkBuff]> = tracepoint('net:netif_receive_skb', 1, templateRecord);
export const netifRxEvent: Tracepoint<[skb: SkBuff]> = tracepoint('net:netif_rx', 1, templateRecord);
export const netDevQueue: Tracepoint<[skb: SkBuff]> = tracepoint('net:net_dev_queue', 1, templateRecord);
export const netDevXmit: Tracepoint<
  [skb: SkBuff, rc: number, device: { readonly name: string } & KernelObject, length: number]
> = tracepoint('net:net_dev_xmit', 4, (f) => {
  const address = f.pointer('skbaddr');
  const len = f.number('len');
  const rcField = f.number('rc');
  const name = f.text('name');
  const cookie = f.number('net_cookie');
  return (skb, rc, device, length) => {
    address(skb);
    len(length);
    rcField(rc);
    name(device.name);
    cookie(NET_COOKIE);
  };
});
export const netDevStartXmit: Tracepoint<[skb: SkBuff, device: { readonly name: string } & KernelObject]> = tracepoint(
  'net:net_dev_start_xmit',
  2,
  (f) => {
    const name = f.text('name');
    const address = f.pointer('skbaddr');
    const protocol = f.number('protocol');
    const len = f.number('len');
    const dataLen = f.number('data_len');
    const cookie = f.number('net_cookie');
    const networkOffset = f.number('network_offset');
    const hasTransport = f.number('transport_offset_valid');
    const transportOffset = f.number('transport_offset');
    const gsoSize = f.number('gso_size');
    const segs = f.number('gso_segs');
    const type = f.number('gso_type');
    const rest = zeros(f, ...['queue_mapping', 'vlan_tagged', 'vlan_proto', 'vlan_tci', 'ip_summed', 'tx_flags']);
    return (skb, device) => {
      rest();
      networkOffset(0);
      hasTransport(1);
      transportOffset(skb.packet.source.family === AF_INET ? 20 : 40);
      name(device.name);
      address(skb);
      protocol(skb.protocol);
      len(skb.len);
      dataLen(skb.packet.bytes - skb.packet.payload.length);
      gsoSize(skb.gsoSize);
      segs(gsoSegs(skb));
      type(gsoType(skb));
      cookie(NET_COOKIE);
    };
  },
);

const receiveRecord = (f: RecordFields): ((skb: SkBuff) => void) => {
  const name = f.text('name');
  const address = f.pointer('skbaddr');
  const protocol = f.number('protocol');
  const len = f.number('len');
  const dataLen = f.number('data_len');
  const truesize = f.number('truesize');
  const cookie = f.number('net_cookie');
  const rest = zeros(
    f,
    ...['napi_id', 'queue_mapping', 'vlan_tagged', 'vlan_proto', 'vlan_tci', 'ip_summed', 'hash', 'l4_hash'],
    ...['mac_header_valid', 'mac_header', 'nr_frags', 'gso_size', 'gso_type'],
  );
  return (skb) => {
    rest();
    name(skb.device?.name ?? '');
    address(skb);
    protocol(skb.protocol);
    len(skb.len);
    dataLen(skb.packet.bytes - skb.packet.payload.length);
    truesize(skb.truesize);
    cookie(NET_COOKIE);
  };
};
export const napiGroReceiveEntry: Tracepoint<[skb: SkBuff]> = tracepoint(
  'net:napi_gro_receive_entry',
  1,
  receiveRecord,
);
export const netifRxEntry: Tracepoint<[skb: SkBuff]> = tracepoint('net:netif_rx_entry', 1, receiveRecord);
const exitRecord = (f: RecordFields): ((ret: number) => void) => f.number('ret');
export const napiGroReceiveExit: Tracepoint<[ret: number]> = tracepoint('net:napi_gro_receive_exit', 1, exitRecord);
export const netifRxExit: Tracepoint<[ret: number]> = tracepoint('net:netif_rx_exit', 1, exitRecord);

export const kfreeSkb: Tracepoint<[skb: SkBuff, location: KernelObject, reason: number, rxSk: KernelObject | null]> =
  tracepoint('skb:kfree_skb', 4, (f) => {
    const address = f.pointer('skbaddr');
    const place = f.pointer('location');
    const sk = f.pointer('rx_sk');
    const protocol = f.number('protocol');
    const reasonField = f.number('reason');
    return (skb, location, reason, rxSk) => {
      address(skb);
      place(location);
      sk(rxSk);
      protocol(skb.protocol);
      reasonField(reason);
    };
  });
export const consumeSkbEvent: Tracepoint<[skb: SkBuff, location: KernelObject]> = tracepoint(
  'skb:consume_skb',
  2,
  (f) => {
    const address = f.pointer('skbaddr');
    const place = f.pointer('location');
    return (skb, location) => {
      address(skb);
      place(location);
    };
  },
);
export const skbCopyDatagramIovec: Tracepoint<[skb: SkBuff, len: number]> = tracepoint(
  'skb:skb_copy_datagram_iovec',
  2,
  (f) => {
    const address = f.pointer('skbaddr');
    const lenField = f.number('len');
    return (skb, len) => {
      address(skb);
      lenField(len);
    };
  },
);

type Napi = KernelObject & { readonly device: { readonly name: string } };
export const napiPollEvent: Tracepoint<[napi: Napi, work: number, budget: number]> = tracepoint(
  'napi:napi_poll',
  3,
  (f) => {
    const napiField = f.pointer('napi');
    const name = f.text('dev_name');
    const workField = f.number('work');
    const budgetField = f.number('budget');
    return (napi, work, budget) => {
      napiField(napi);
      name(napi.device.name);
      workField(work);
      budgetField(budget);
    };
  },
);
