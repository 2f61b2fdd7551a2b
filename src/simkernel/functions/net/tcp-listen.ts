import { createSkb } from './skb-alloc.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { WheelTimer } from '../../irq/timer-list.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { DROP } from '../../net/drop-reasons.ts';
import { AF_INET } from '../../net/ip-address.ts';
import { IPPROTO_TCP, NO_BYTES, TCP_ACK, TCP_RST, TCP_SYN } from '../../net/packet.ts';
import type { Packet } from '../../net/packet.ts';
import type { SkBuff } from '../../net/skb.ts';
import { TCP_LISTEN, TCP_SYN_RECV, TcpSock } from '../../net/tcp-sock.ts';
import type { RequestSock } from '../../net/tcp-sock.ts';
import { tcpRetransmitSynack } from '../../tracepoints/tcp.ts';
import { ip6Xmit, ipBuildAndSendPkt } from './ip-output.ts';
import { dropSkb, kfreeSkbQuietly } from './skb-free.ts';
import { createSockTimer, isSockTimerDue, resetSockTimer, stopSockTimer } from './sock-timer.ts';
import { sockDefReadable } from './sock-wake.ts';
import { tcpRcvStateProcess } from './tcp-input.ts';
import { initTcpTimers } from './tcp-sock-init.ts';
import { changeState } from './tcp-state.ts';

const REQUEST_SIZE = 320;
/** rsk_timer */
const TIMER_OFFSET = 192;
const FIRST_TIMEOUT_NS = 1e9;
/** net.ipv4.tcp_synack_retries */
const SYNACK_RETRIES = 5;

/** sk_acceptq_is_full(): more than the backlog, so that a backlog of 0 takes one. */
const isFull = (sk: TcpSock): boolean => sk.acceptQueue.length > sk.maxAckBacklog;

function synack(req: RequestSock): Packet {
  const { local, remote, num, dport, sentIsn, receivedIsn, listener } = req;
  return {
    source: local,
    destination: remote,
    protocol: IPPROTO_TCP,
    sport: num,
    dport,
    seq: sentIsn,
    ack: receivedIsn + 1,
    flags: TCP_SYN | TCP_ACK,
    window: listener.rcvbuf,
    bytes: 0,
    payload: NO_BYTES,
  };
}
const tcpMakeSynack = kernelFunction(
  'tcp_make_synack',
  90,
  (m, _sk: TcpSock, _dst: null, req: RequestSock, _foc: null, _type: number, _syn: null): SkBuff =>
    createSkb(m, req.device, synack(req)),
);
const tcpV4SendSynack = kernelFunction(
  'tcp_v4_send_synack',
  50,
  (m, sk: TcpSock, _dst: null, _fl: null, req: RequestSock, _foc: null, _type: number, _syn: null): number =>
    ipBuildAndSendPkt(m, tcpMakeSynack(m, sk, null, req, null, 0, null), sk, 0, 0, null, 0),
);
const tcpV6SendSynack = kernelFunction(
  'tcp_v6_send_synack',
  55,
  (m, sk: TcpSock, _dst: null, _fl: null, req: RequestSock, _foc: null, _type: number, _syn: null): number =>
    ip6Xmit(m, sk, tcpMakeSynack(m, sk, null, req, null, 0, null), null, 0, null, 0, 0),
);
function sendSynack(m: Machine, req: RequestSock): void {
  (req.family === AF_INET ? tcpV4SendSynack : tcpV6SendSynack)(m, req.listener, null, null, req, null, 0, null);
}

/** The SYN-ACK or its answer got lost: once more, up to a point. */
const reqskTimerHandler = kernelFunction('reqsk_timer_handler', 40, (m, timer: WheelTimer): void => {
  const req = timer.owner as RequestSock;
  if (req.timer === null || !isSockTimerDue(m, req.timer)) return;
  if (req.timeouts >= SYNACK_RETRIES || req.listener.state !== TCP_LISTEN) {
    dropRequest(m, req);
    return;
  }
  req.timeouts += 1;
  tcpRetransmitSynack(m, req.listener, req);
  sendSynack(m, req);
  resetSockTimer(m, req.timer, FIRST_TIMEOUT_NS * 2 ** req.timeouts);
});
function dropRequest(m: Machine, req: RequestSock): void {
  if (req.timer !== null) stopSockTimer(m, req.timer);
  req.timer = null;
  m.network.removeConnection(req);
  req.listener.youngRequests -= 1;
  m.arena.free(req.address, REQUEST_SIZE);
}

const tcpConnRequest = kernelFunction(
  'tcp_conn_request',
  160,
  (m, _ops: null, _afOps: null, sk: TcpSock, skb: SkBuff): number => {
    const { packet, device } = skb;
    if (isFull(sk) || device === null) {
      dropSkb(m, sk, skb, DROP.TCP_LISTEN_OVERFLOW);
      return 0;
    }
    const address = m.arena.allocate(REQUEST_SIZE);
    const req: RequestSock = {
      address,
      isRequest: true,
      listener: sk,
      local: packet.destination,
      remote: packet.source,
      num: packet.dport,
      dport: packet.sport,
      family: sk.family,
      receivedIsn: packet.seq,
      sentIsn: m.network.initialSequence(),
      // Answers go back by the route to the sender, not by where the SYN came in.
      device: m.network.route(packet.source)?.device ?? device,
      begunAt: m.cpu.time,
      timer: null,
      timeouts: 0,
    };
    req.timer = createSockTimer(m, address + TIMER_OFFSET, reqskTimerHandler, req);
    resetSockTimer(m, req.timer, FIRST_TIMEOUT_NS);
    sk.youngRequests += 1;
    m.network.addConnection(req);
    sendSynack(m, req);
    kfreeSkbQuietly(m, skb);
    return 0;
  },
);
const tcpV4ConnRequest = kernelFunction('tcp_v4_conn_request', 14, (m, sk: TcpSock, skb: SkBuff): number =>
  tcpConnRequest(m, null, null, sk, skb),
);
const tcpV6ConnRequest = kernelFunction('tcp_v6_conn_request', 14, (m, sk: TcpSock, skb: SkBuff): number =>
  tcpConnRequest(m, null, null, sk, skb),
);
/** A packet for a listening socket: a SYN begins a handshake. */
export function receiveOnListener(m: Machine, sk: TcpSock, skb: SkBuff): number {
  const { flags } = skb.packet;
  if ((flags & TCP_RST) !== 0) {
    dropSkb(m, sk, skb, DROP.TCP_RESET);
    return 0;
  }
  if ((flags & TCP_ACK) !== 0) return DROP.TCP_FLAGS;
  if ((flags & TCP_SYN) === 0) {
    dropSkb(m, sk, skb, DROP.TCP_FLAGS);
    return 0;
  }
  return (sk.family === AF_INET ? tcpV4ConnRequest : tcpV6ConnRequest)(m, sk, skb);
}

const inetCskCloneLock = kernelFunction(
  'inet_csk_clone_lock',
  260,
  (m, sk: TcpSock, req: RequestSock, _priority: number): TcpSock => {
    const child = new TcpSock(m, sk.family);
    initTcpTimers(m, child);
    child.setState(m, sk.state);
    child.setLocal(m, req.local, req.num);
    child.setRemote(m, req.remote, req.dport);
    child.setMaxAckBacklog(sk.maxAckBacklog);
    child.noDelay = sk.noDelay;
    changeState(m, child, TCP_SYN_RECV);
    return child;
  },
);
const tcpCreateOpenreqChild = kernelFunction(
  'tcp_create_openreq_child',
  120,
  (m, sk: TcpSock, req: RequestSock, _skb: SkBuff): TcpSock => {
    const child = inetCskCloneLock(m, sk, req, 0);
    child.setRoute(req.device);
    child.sndUna = req.sentIsn;
    child.sndNxt = child.writeSeq = req.sentIsn + 1;
    child.rcvNxt = child.copiedSeq = child.rcvWup = req.receivedIsn + 1;
    child.storeAll();
    return child;
  },
);
function makeChild(m: Machine, sk: TcpSock, skb: SkBuff, req: RequestSock): TcpSock | null {
  if (isFull(sk)) return null;
  const child = tcpCreateOpenreqChild(m, sk, req, skb);
  m.network.removeConnection(req);
  m.network.addConnection(child);
  return child;
}
const synRecvSock = (
  m: Machine,
  sk: TcpSock,
  skb: SkBuff,
  req: RequestSock,
  _dst: null,
  _unhash: RequestSock,
  _own: KernelObject,
  _init: null,
): TcpSock | null => makeChild(m, sk, skb, req);
const tcpV4SynRecvSock = kernelFunction('tcp_v4_syn_recv_sock', 90, synRecvSock);
const tcpV6SynRecvSock = kernelFunction('tcp_v6_syn_recv_sock', 95, synRecvSock);
const inetCskReqskQueueAdd = kernelFunction(
  'inet_csk_reqsk_queue_add',
  25,
  (_m, sk: TcpSock, _req: RequestSock, child: TcpSock): TcpSock => {
    sk.acceptQueue.push(child);
    sk.storeAckBacklog();
    return child;
  },
);
const inetCskCompleteHashdance = kernelFunction(
  'inet_csk_complete_hashdance',
  25,
  (m, sk: TcpSock, child: TcpSock, req: RequestSock, _own: number): TcpSock => {
    inetCskReqskQueueAdd(m, sk, req, child);
    dropRequest(m, req);
    return child;
  },
);
/** The third packet of the handshake: the request becomes a socket. Null when it does not fit. */
const tcpCheckReq = kernelFunction(
  'tcp_check_req',
  70,
  (
    m,
    sk: TcpSock,
    skb: SkBuff,
    req: RequestSock,
    _fastopen: number,
    stolen: KernelObject,
    _reason: null,
  ): TcpSock | null => {
    const { packet } = skb;
    if ((packet.flags & TCP_RST) !== 0) {
      dropRequest(m, req);
      dropSkb(m, sk, skb, DROP.TCP_RESET);
      return null;
    }
    if ((packet.flags & TCP_SYN) !== 0) {
      // The client has not seen the answer.
      tcpRetransmitSynack(m, sk, req);
      sendSynack(m, req);
      kfreeSkbQuietly(m, skb);
      return null;
    }
    if ((packet.flags & TCP_ACK) === 0 || packet.ack !== req.sentIsn + 1) {
      dropSkb(m, sk, skb, DROP.TCP_INVALID_SEQUENCE);
      return null;
    }
    const make = sk.family === AF_INET ? tcpV4SynRecvSock : tcpV6SynRecvSock;
    const child = make(m, sk, skb, req, null, req, stolen, null);
    if (child === null) {
      // The client believes that it is connected; its data will be answered by another SYN-ACK.
      dropSkb(m, sk, skb, DROP.TCP_LISTEN_OVERFLOW);
      return null;
    }
    return inetCskCompleteHashdance(m, sk, child, req, 1);
  },
);
const tcpChildProcess = kernelFunction(
  'tcp_child_process',
  25,
  (m, parent: TcpSock, child: TcpSock, skb: SkBuff): number => {
    const reason = tcpRcvStateProcess(m, child, skb);
    sockDefReadable(m, parent);
    return reason;
  },
);
/** A packet for a handshake under way. */
export function receiveOnRequest(m: Machine, req: RequestSock, skb: SkBuff): void {
  const { listener } = req;
  if (listener.state !== TCP_LISTEN) {
    dropRequest(m, req);
    dropSkb(m, null, skb, DROP.NO_SOCKET);
    return;
  }
  const child = tcpCheckReq(m, listener, skb, req, 0, { address: m.scratch }, null);
  if (child !== null) tcpChildProcess(m, listener, child, skb);
}
/** The listener goes: nobody will answer. */
export function dropRequestsOf(m: Machine, listener: TcpSock): void {
  for (const endpoint of [...m.network.allConnections()])
    if ('isRequest' in endpoint && (endpoint as RequestSock).listener === listener)
      dropRequest(m, endpoint as RequestSock);
}
