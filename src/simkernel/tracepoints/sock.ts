import type { KernelObject } from '../memory/arena.ts';
import { AF_INET } from '../net/ip-address.ts';
import type { IpAddress } from '../net/ip-address.ts';
import type { Sock } from '../net/sock.ts';
import { returnAddress } from '../execution/return-address.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

interface Addresses {
  readonly local: IpAddress;
  readonly remote: IpAddress;
  readonly num: number;
  readonly dport: number;
}

/** Ports, family and both pairs of addresses, as most events of sockets have them: IPv4 ones also mapped into IPv6. */
export function addressRecord(f: RecordFields): (sk: Addresses) => void {
  const sport = f.number('sport');
  const dport = f.number('dport');
  const family = f.number('family');
  const saddr = f.bytes('saddr');
  const daddr = f.bytes('daddr');
  const saddr6 = f.bytes('saddr_v6');
  const daddr6 = f.bytes('daddr_v6');
  return (sk) => {
    sport(sk.num);
    dport(sk.dport);
    family(sk.remote.family);
    saddr(v4Bytes(sk.local));
    daddr(v4Bytes(sk.remote));
    saddr6(v6Bytes(sk.local));
    daddr6(v6Bytes(sk.remote));
  };
}
const NOTHING = new Uint8Array(4);
const v4Bytes = (address: IpAddress): Uint8Array => (address.family === AF_INET ? address.bytes : NOTHING);
const mapped = new Map<IpAddress, Uint8Array>();
function v6Bytes(address: IpAddress): Uint8Array {
  if (address.family !== AF_INET) return address.bytes;
  let bytes = mapped.get(address);
  if (bytes === undefined) mapped.set(address, (bytes = Uint8Array.of(...MAPPED_PREFIX, ...address.bytes)));
  return bytes;
}
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

export const inetSockSetState: Tracepoint<[sk: Sock, oldState: number, newState: number]> = tracepoint(
  'sock:inet_sock_set_state',
  3,
  (f) => {
    const address = f.pointer('skaddr');
    const oldField = f.number('oldstate');
    const newField = f.number('newstate');
    const protocol = f.number('protocol');
    const addresses = addressRecord(f);
    return (sk, oldState, newState) => {
      address(sk);
      oldField(oldState);
      newField(newState);
      protocol(sk.protocol);
      addresses(sk);
    };
  },
);
export const inetSkErrorReport: Tracepoint<[sk: Sock]> = tracepoint('sock:inet_sk_error_report', 1, (f) => {
  const error = f.number('error');
  const protocol = f.number('protocol');
  const addresses = addressRecord(f);
  return (sk) => {
    error(sk.error);
    protocol(sk.protocol);
    addresses(sk);
  };
});
export const skDataReady: Tracepoint<[sk: Sock]> = tracepoint('sock:sk_data_ready', 1, (f, m) => {
  const address = f.pointer('skaddr');
  const family = f.number('family');
  const protocol = f.number('protocol');
  const ip = f.pointer('ip');
  return (sk) => {
    address(sk);
    family(sk.family);
    protocol(sk.protocol);
    ip(returnAddress(m));
  };
});
export const sockRcvqueueFull: Tracepoint<[sk: Sock, skb: KernelObject & { readonly truesize: number }]> = tracepoint(
  'sock:sock_rcvqueue_full',
  2,
  (f) => {
    const rmem = f.number('rmem_alloc');
    const truesize = f.number('truesize');
    const rcvbuf = f.number('sk_rcvbuf');
    return (sk, skb) => {
      rmem(sk.rmemAlloc);
      truesize(skb.truesize);
      rcvbuf(sk.rcvbuf);
    };
  },
);
const lengthRecord = (f: RecordFields): ((sk: Sock, ret: number, flags: number) => void) => {
  const address = f.pointer('sk');
  const family = f.number('family');
  const protocol = f.number('protocol');
  const retField = f.number('ret');
  const flagsField = f.number('flags');
  return (sk, ret, flags) => {
    address(sk);
    family(sk.family);
    protocol(sk.protocol);
    retField(ret);
    flagsField(flags);
  };
};
export const sockSendLength: Tracepoint<[sk: Sock, ret: number, flags: number]> = tracepoint(
  'sock:sock_send_length',
  3,
  lengthRecord,
);
export const sockRecvLength: Tracepoint<[sk: Sock, ret: number, flags: number]> = tracepoint(
  'sock:sock_recv_length',
  3,
  lengthRecord,
);
