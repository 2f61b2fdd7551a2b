import type { WheelTimer } from '../irq/timer-list.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { NetDevice } from './device.ts';
import { AF_INET } from './ip-address.ts';
import type { IpAddress } from './ip-address.ts';
import { Sock, SOCK } from './sock.ts';
import type { SackBlock } from './packet.ts';
import { frameCount } from './segment.ts';
import type { Segment } from './segment.ts';
import type { SkBuff } from './skb.ts';

/** include/net/tcp_states.h */
export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
export const TCP_SYN_RECV = 3;
export const TCP_FIN_WAIT1 = 4;
export const TCP_FIN_WAIT2 = 5;
export const TCP_TIME_WAIT = 6;
export const TCP_CLOSE_WAIT = 8;
export const TCP_LAST_ACK = 9;
export const TCP_LISTEN = 10;
export const TCP_CLOSING = 11;

/** Congestion states (include/uapi/linux/tcp.h). */
export const TCP_CA_OPEN = 0;
export const TCP_CA_DISORDER = 1;
export const TCP_CA_RECOVERY = 3;
export const TCP_CA_LOSS = 4;

const TCP = structFields('tcp_sock', {
  bytesAcked: 'bytes_acked',
  bytesReceived: 'bytes_received',
  bytesSent: 'bytes_sent',
  sndCwnd: 'snd_cwnd',
  sndSsthresh: 'snd_ssthresh',
  sndNxt: 'snd_nxt',
  sndUna: 'snd_una',
  sndWnd: 'snd_wnd',
  rcvNxt: 'rcv_nxt',
  rcvWnd: 'rcv_wnd',
  copiedSeq: 'copied_seq',
  writeSeq: 'write_seq',
  srtt: 'srtt_us',
  mdev: 'mdev_us',
  mss: 'mss_cache',
  advmss: 'advmss',
  totalRetrans: 'total_retrans',
  retransOut: 'retrans_out',
  packetsOut: 'packets_out',
  segsIn: 'segs_in',
  segsOut: 'segs_out',
  reordering: 'reordering',
  sackedOut: 'sacked_out',
  lostOut: 'lost_out',
  numSacks: 'rx_opt.num_sacks',
  selectiveAcks: 'selective_acks',
});
export const ICSK = structFields('inet_connection_sock', {
  delackTimer: 'icsk_delack_timer',
  retransmits: 'icsk_retransmits',
  rto: 'icsk_rto',
});

export const INITIAL_CWND = 10;
const INFINITE_SSTHRESH = 0x7fffffff;
const REORDERING = 3;
/** Before there is a measurement (RFC 6298), and the least and the greatest that it may be. */
const INITIAL_RTO_NS = 1e9;
export const MIN_RTO_NS = 200e6;
export const MAX_RTO_NS = 120e9;
/** Timestamps take 12 bytes of every segment. */
const TCP_OPTIONS = 12;
const TICK_NS = 4e6;

/** A timer of a socket: where it is queued, and when it is really due (it may go off early and be put off). */
export interface SockTimer {
  readonly timer: WheelTimer;
  /** 0: nothing is due. */
  dueNs: number;
  /** What the queued timer was started for. */
  armedNs: number;
}

/** ICSK_TIME_RETRANS and the others. */
export type WriteTimer = 'none' | 'retransmit' | 'probe' | 'loss-probe' | 'reordering';

/** struct tcp_sock. */
export class TcpSock extends Sock {
  device: NetDevice | null = null;
  /** Of a listener: connections that wait for accept(). */
  readonly acceptQueue: TcpSock[] = [];
  maxAckBacklog = 0;
  /** Handshakes under way. */
  youngRequests = 0;

  sndUna = 0;
  sndNxt = 0;
  writeSeq = 0;
  /** End of the last frame that went out not full. */
  sndSml = 0;
  sndWnd = 0;
  /** The widest window that the peer has told. */
  maxWindow = 0;
  rcvNxt = 0;
  copiedSeq = 0;
  /** Right edge of what the peer was told that it may send. */
  rcvWup = 0;
  rcvWnd = 0;

  mss = 536;
  cwnd = INITIAL_CWND;
  ssthresh = INFINITE_SSTHRESH;
  cwndCount = 0;
  caState = TCP_CA_OPEN;
  /** End of what was outstanding when recovery began. */
  highSeq = 0;
  /** When the latest of all that has arrived was sent, and how long it took; whether that is news (struct tcp_rack). */
  rackSentAt = 0;
  rackEnd = 0;
  rackRttNs = 0;
  rackAdvanced = false;
  /** End of what was outstanding when a tail loss probe went out; 0: none is under way. */
  tlpHighSeq = 0;
  /** What the write timer is for (icsk_pending). */
  pending: WriteTimer = 'none';
  /** Probes of a closed window since the peer last said something, and the exponent of their distance. */
  probesOut = 0;
  backoff = 0;
  /** When the peer last acknowledged anything. */
  lastAck = -Infinity;
  /** Sequence number of what came early last. */
  lastEarly = 0;
  srttNs = 0;
  minRttNs = Infinity;
  rttvarNs = 0;
  rtoNs = INITIAL_RTO_NS;
  retransmits = 0;
  totalRetrans = 0;

  readonly sendQueue: Segment[] = [];
  readonly rtxQueue: Segment[] = [];
  /** Of what is in the retransmit queue, counted as it is on the wire. */
  packetsOut = 0;
  readonly outOfOrder: SkBuff[] = [];
  bytesAcked = 0;
  bytesReceived = 0;
  bytesSent = 0;
  segsIn = 0;
  segsOut = 0;

  /** Segments that were received and not acknowledged. */
  ackPending = 0;
  quickAcks = 16;
  /** Both sides talk in turn: acknowledgements ride on data. */
  pingpong = false;
  lastReceived = -Infinity;
  lastSent = -Infinity;
  /** SOCK_NOSPACE: somebody found the send buffer full and is to be told when there is room. */
  noSpace = false;
  /** Closed by its user, lives on by itself (SOCK_DEAD). */
  isOrphan = false;
  /** Freed; packets of the backlog may still refer to it. */
  isDestroyed = false;
  finReceived = false;
  noDelay = false;
  /** SO_REUSEPORT: several may listen on one port. */
  reusePort = false;
  /** Set when the socket is made (inet_csk_init_xmit_timers). */
  writeTimer!: SockTimer;
  delackTimer!: SockTimer;
  /** Deadlines that SO_RCVTIMEO and SO_SNDTIMEO ask for, in nanoseconds; 0 waits for ever. */
  receiveTimeoutNs = 0;

  constructor(m: Machine, family: number) {
    super(m, family, family === AF_INET ? 'TCP' : 'TCPv6');
    m.words[(this.address + TCP.sndSsthresh) >> 2] = INFINITE_SSTHRESH;
    m.words[(this.address + TCP.reordering) >> 2] = REORDERING;
    this.storeAll();
  }
  /** Takes the route and what follows from it. */
  setRoute(device: NetDevice): void {
    this.device = device;
    this.mss = device.mtu - (this.family === AF_INET ? 40 : 60) - TCP_OPTIONS;
    const at = this.address >> 2;
    this.words[at + TCP.mss / 4] = this.mss;
    this.bytes[this.address + TCP.advmss] = this.mss;
    this.bytes[this.address + TCP.advmss + 1] = this.mss >> 8;
  }
  /** The window to be told to the peer. */
  freeWindow(): number {
    const free = this.rcvbuf - this.rmemAlloc;
    return free < this.mss && free < this.rcvbuf / 4 ? 0 : free;
  }
  /** Brings the bytes that scripts read up to date. */
  storeAll(): void {
    const { words } = this;
    const at = this.address;
    storeNumber(words, at + TCP.bytesAcked, this.bytesAcked);
    storeNumber(words, at + TCP.bytesReceived, this.bytesReceived);
    storeNumber(words, at + TCP.bytesSent, this.bytesSent);
    words[(at + TCP.sndCwnd) >> 2] = this.cwnd;
    words[(at + TCP.sndSsthresh) >> 2] = this.ssthresh;
    words[(at + TCP.sndNxt) >> 2] = this.sndNxt;
    words[(at + TCP.sndUna) >> 2] = this.sndUna;
    words[(at + TCP.sndWnd) >> 2] = this.sndWnd;
    words[(at + TCP.rcvNxt) >> 2] = this.rcvNxt;
    words[(at + TCP.rcvWnd) >> 2] = this.rcvWnd;
    words[(at + TCP.copiedSeq) >> 2] = this.copiedSeq;
    words[(at + TCP.writeSeq) >> 2] = this.writeSeq;
    words[(at + TCP.srtt) >> 2] = Math.round(this.srttNs / 125); // microseconds, shifted by 3
    words[(at + TCP.mdev) >> 2] = Math.round(this.rttvarNs / 250);
    words[(at + TCP.totalRetrans) >> 2] = this.totalRetrans;
    words[(at + TCP.packetsOut) >> 2] = this.packetsOut;
    if (this.caState !== this.storedState || this.caState !== TCP_CA_OPEN) this.storeRecovery();
    words[(at + TCP.segsIn) >> 2] = this.segsIn;
    words[(at + TCP.segsOut) >> 2] = this.segsOut;
    words[(at + ICSK.rto) >> 2] = Math.ceil(this.rtoNs / TICK_NS);
    this.bytes[at + ICSK.retransmits] = this.retransmits;
  }
  /** Counts of the retransmit queue by what is known of its segments; zeroes while nothing is amiss. */
  private storeRecovery(): void {
    this.storedState = this.caState;
    const frames = (wanted: (segment: Segment) => boolean): number =>
      this.rtxQueue.reduce((sum, segment) => (wanted(segment) ? sum + frameCount(segment.bytes, this.mss) : sum), 0);
    const { words, address } = this;
    words[(address + TCP.sackedOut) >> 2] = frames(({ sacked }) => sacked);
    words[(address + TCP.lostOut) >> 2] = frames(({ lost }) => lost);
    words[(address + TCP.retransOut) >> 2] = frames(({ retransmitted, sacked }) => retransmitted && !sacked);
  }
  private storedState = TCP_CA_OPEN;
  /** What the peer is told that came early. */
  storeSacks(blocks: readonly SackBlock[]): void {
    const { words, bytes, address } = this;
    bytes[address + TCP.numSacks] = blocks.length;
    blocks.forEach(([start, end], i) => {
      words[(address + TCP.selectiveAcks + 8 * i) >> 2] = start | 0;
      words[(address + TCP.selectiveAcks + 8 * i + 4) >> 2] = end | 0;
    });
  }
  storeAckBacklog(): void {
    this.words[(this.address + SOCK.ackBacklog) >> 2] = this.acceptQueue.length;
  }
  setMaxAckBacklog(backlog: number): void {
    this.maxAckBacklog = backlog;
    this.words[(this.address + SOCK.maxAckBacklog) >> 2] = backlog;
  }
}

/** struct request_sock: a handshake that a listener has begun. */
export interface RequestSock extends KernelObject {
  readonly isRequest: true;
  readonly listener: TcpSock;
  readonly local: IpAddress;
  readonly remote: IpAddress;
  readonly num: number;
  readonly dport: number;
  readonly family: number;
  readonly receivedIsn: number;
  readonly sentIsn: number;
  readonly device: NetDevice;
  readonly begunAt: number;
  timer: SockTimer | null;
  timeouts: number;
}
/** struct inet_timewait_sock: answers for a connection that is over. */
export interface TimeWaitSock {
  readonly isTimeWait: true;
  readonly local: IpAddress;
  readonly remote: IpAddress;
  readonly num: number;
  readonly dport: number;
  readonly sndNxt: number;
  rcvNxt: number;
  readonly device: NetDevice;
  readonly untilNs: number;
}
