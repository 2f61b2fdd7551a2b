import type { KernelObject } from '../memory/arena.ts';
import { AF_INET } from '../net/ip-address.ts';
import type { IpAddress } from '../net/ip-address.ts';
import type { SkBuff } from '../net/skb.ts';
import { TCP_CLOSE } from '../net/sock.ts';
import type { RequestSock, TcpSock } from '../net/tcp-sock.ts';
import { addressRecord } from './sock.ts';
import { tracepoint } from './tracepoint.ts';
import type { RecordFields, Tracepoint } from './tracepoint.ts';

const eventRecord = (f: RecordFields): ((sk: TcpSock) => void) => {
  const address = f.pointer('skaddr');
  const addresses = addressRecord(f);
  const cookie = f.number('sock_cookie');
  return (sk) => {
    address(sk);
    addresses(sk);
    cookie(sk.cookie);
  };
};
export const tcpReceiveReset: Tracepoint<[sk: TcpSock]> = tracepoint('tcp:tcp_receive_reset', 1, eventRecord);
export const tcpDestroySock: Tracepoint<[sk: TcpSock]> = tracepoint('tcp:tcp_destroy_sock', 1, eventRecord);
export const tcpRcvSpaceAdjust: Tracepoint<[sk: TcpSock]> = tracepoint('tcp:tcp_rcv_space_adjust', 1, eventRecord);

export const tcpRetransmitSkbEvent: Tracepoint<[sk: TcpSock, skb: KernelObject, err: number]> = tracepoint(
  'tcp:tcp_retransmit_skb',
  3,
  (f) => {
    const skbField = f.pointer('skbaddr');
    const address = f.pointer('skaddr');
    const state = f.number('state');
    const errField = f.number('err');
    const addresses = addressRecord(f);
    return (sk, skb, err) => {
      skbField(skb);
      address(sk);
      state(sk.state);
      errField(err);
      addresses(sk);
    };
  },
);
export const tcpRetransmitSynack: Tracepoint<[sk: TcpSock, req: RequestSock]> = tracepoint(
  'tcp:tcp_retransmit_synack',
  2,
  (f) => {
    const address = f.pointer('skaddr');
    const reqField = f.pointer('req');
    const addresses = addressRecord(f);
    return (sk, req) => {
      address(sk);
      reqField(req);
      addresses(req);
    };
  },
);
export const tcpCongStateSet: Tracepoint<[sk: TcpSock, caState: number]> = tracepoint(
  'tcp:tcp_cong_state_set',
  2,
  (f) => {
    const address = f.pointer('skaddr');
    const state = f.number('cong_state');
    const addresses = addressRecord(f);
    return (sk, caState) => {
      address(sk);
      state(caState);
      addresses(sk);
    };
  },
);

/** struct sockaddr_in or sockaddr_in6 in the 28 bytes that these events keep for one. */
function socketAddressBytes(address: IpAddress, port: number): Uint8Array {
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, address.family, true);
  view.setUint16(2, port, false);
  bytes.set(address.bytes, address.family === AF_INET ? 4 : 8);
  return bytes;
}
export const tcpSendReset: Tracepoint<[sk: TcpSock | null, skb: SkBuff | null, reason: number]> = tracepoint(
  'tcp:tcp_send_reset',
  3,
  (f) => {
    const skbField = f.pointer('skbaddr');
    const address = f.pointer('skaddr');
    const state = f.number('state');
    const reasonField = f.number('reason');
    const saddr = f.bytes('saddr');
    const daddr = f.bytes('daddr');
    return (sk, skb, reason) => {
      skbField(skb);
      address(sk);
      state(sk === null ? TCP_CLOSE : sk.state);
      reasonField(reason);
      if (skb !== null) {
        saddr(socketAddressBytes(skb.packet.destination, skb.packet.dport));
        daddr(socketAddressBytes(skb.packet.source, skb.packet.sport));
      } else if (sk !== null) {
        saddr(socketAddressBytes(sk.local, sk.num));
        daddr(socketAddressBytes(sk.remote, sk.dport));
      }
    };
  },
);
export const tcpProbe: Tracepoint<[sk: TcpSock, skb: SkBuff]> = tracepoint('tcp:tcp_probe', 2, (f) => {
  const saddr = f.bytes('saddr');
  const daddr = f.bytes('daddr');
  const sport = f.number('sport');
  const dport = f.number('dport');
  const family = f.number('family');
  const dataLength = f.number('data_len');
  const sndNxt = f.number('snd_nxt');
  const sndUna = f.number('snd_una');
  const cwnd = f.number('snd_cwnd');
  const ssthresh = f.number('ssthresh');
  const sndWnd = f.number('snd_wnd');
  const srtt = f.number('srtt');
  const rcvWnd = f.number('rcv_wnd');
  const skbField = f.pointer('skbaddr');
  const skField = f.pointer('skaddr');
  const mark = f.number('mark');
  const cookie = f.number('sock_cookie');
  return (sk, skb) => {
    mark(0);
    cookie(sk.cookie);
    saddr(socketAddressBytes(sk.local, sk.num));
    daddr(socketAddressBytes(sk.remote, sk.dport));
    sport(sk.num);
    dport(sk.dport);
    family(sk.family);
    dataLength(skb.packet.bytes);
    sndNxt(sk.sndNxt);
    sndUna(sk.sndUna);
    cwnd(sk.cwnd);
    ssthresh(sk.ssthresh);
    sndWnd(sk.sndWnd);
    srtt(Math.round(sk.srttNs / 1000));
    rcvWnd(sk.rcvWnd);
    skbField(skb);
    skField(sk);
  };
});
