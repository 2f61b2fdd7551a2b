import type { Machine } from '../../machine.ts';
import type { IpAddress } from '../ip-address.ts';
import { IPPROTO_TCP, NO_BYTES, TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../packet.ts';
import type { Packet, SackBlock } from '../packet.ts';
import { INITIAL_CWND } from '../tcp-sock.ts';

const MSS = 1448;
const WINDOW = 1_048_576;
const FIRST_RTO_NS = 1e9;
const RTO_NS = 250e6;
const MOST_RTO_NS = 120e9;
/** So many timeouts without a word from the machine, and it is gone. */
const MOST_TRIES = 6;
/** Segments that arrived beyond one that did not: it is lost. */
const REORDERING = 3;
const MOST_BLOCKS = 3;
const MOST_COLLAPSED = 3;
/** At first whatever comes is acknowledged, then two segments or more, or the last when nothing follows (RFC 5681). */
const QUICK_ACKS = 16;
const DELACK_NS = 40e6;

/** What a program at the other end does with a connection. */
export interface PeerApplication {
  connected?(connection: PeerConnection): void;
  /** More bytes have come, in order. */
  received?(connection: PeerConnection, payload: Uint8Array, bytes: number): void;
  /** The machine has closed its side, or the connection is broken. */
  closed?(connection: PeerConnection): void;
}

interface Sent {
  readonly seq: number;
  readonly bytes: number;
  readonly payload: Uint8Array;
  readonly flags: number;
  /** The machine has it, although something before it is missing. */
  sacked: boolean;
  /** Sent again since the last timeout. */
  again: boolean;
}
const endOf = (sent: Sent): number => sent.seq + sent.bytes + ((sent.flags & (TCP_SYN | TCP_FIN)) !== 0 ? 1 : 0);

/**
 * The other end of a TCP connection of the machine: in order, acknowledged, sent again when lost. It is no model of a kernel,
 * only of what comes back through the wire.
 */
export class PeerConnection {
  readonly local: IpAddress;
  readonly remote: IpAddress;
  readonly port: number;
  readonly remotePort: number;
  application: PeerApplication;
  /** For the application's own use. */
  data: unknown = null;
  isOpen = false;
  isDead = false;
  bytesSent = 0;
  bytesReceived = 0;
  private readonly machine: Machine;
  private readonly output: (packet: Packet, timeNs: number) => void;
  private readonly forget: () => void;
  private readonly waiting: Sent[] = [];
  private readonly sent: Sent[] = [];
  private readonly early: Packet[] = [];
  private lastEarly = 0;
  private writeSeq: number;
  private una: number;
  private rcvNxt = 0;
  private window = WINDOW;
  private cwnd = INITIAL_CWND;
  /** End of what was outstanding when something was lost: one loss halves the window once. */
  private recoverSeq = 0;
  private tries = 0;
  private unanswered = 0;
  private timer = 0;
  private quickAcks = QUICK_ACKS;
  /** Bytes that came in order and were not acknowledged, and the timer that limits how long. */
  private unacked = 0;
  private owesAck = false;
  private ackTimer = 0;
  private finReceived = false;
  private finSent = false;

  constructor(parts: {
    machine: Machine;
    local: IpAddress;
    port: number;
    remote: IpAddress;
    remotePort: number;
    isn: number;
    application: PeerApplication;
    output: (packet: Packet, timeNs: number) => void;
    forget: () => void;
  }) {
    this.machine = parts.machine;
    this.local = parts.local;
    this.port = parts.port;
    this.remote = parts.remote;
    this.remotePort = parts.remotePort;
    this.application = parts.application;
    this.output = parts.output;
    this.forget = parts.forget;
    this.writeSeq = this.una = parts.isn;
  }
  /** Begins a handshake. */
  connect(timeNs: number): void {
    this.queue(NO_BYTES, 0, TCP_SYN, timeNs);
  }
  /** Answers one. */
  accept(syn: Packet, timeNs: number): void {
    this.rcvNxt = syn.seq + 1;
    this.window = syn.window;
    this.queue(NO_BYTES, 0, TCP_SYN | TCP_ACK, timeNs);
  }
  /** Sends so many bytes, of which the first are given. */
  send(payload: Uint8Array, bytes: number, timeNs: number): void {
    if (this.isDead || this.finSent) return;
    for (let at = 0; at < bytes; at += MSS) {
      const n = Math.min(MSS, bytes - at);
      const flags = at + n === bytes ? TCP_ACK | TCP_PSH : TCP_ACK;
      this.waiting.push({
        seq: this.writeSeq,
        bytes: n,
        payload: payload.subarray(at, at + n),
        flags,
        sacked: false,
        again: false,
      });
      this.writeSeq += n;
    }
    this.bytesSent += bytes;
    this.flush(timeNs);
  }
  close(timeNs: number): void {
    if (this.isDead || this.finSent) return;
    this.finSent = true;
    this.queue(NO_BYTES, 0, TCP_ACK | TCP_FIN, timeNs);
  }
  /** Gives up without a word more than that. */
  reset(timeNs: number): void {
    if (this.isDead) return;
    this.emit(this.writeSeq, NO_BYTES, 0, TCP_RST | TCP_ACK, timeNs);
    this.die();
  }

  receive(packet: Packet, timeNs: number): void {
    if (this.isDead) return;
    this.unanswered = 0;
    if ((packet.flags & TCP_RST) !== 0) {
      this.die();
      this.application.closed?.(this);
      return;
    }
    if ((packet.flags & TCP_SYN) !== 0) {
      this.handshake(packet, timeNs);
      return;
    }
    this.acknowledged(packet, timeNs);
    if (packet.bytes > 0 || (packet.flags & TCP_FIN) !== 0) this.accepted(packet, timeNs);
    if (!this.finReceived || !this.finSent || this.sent.length > 0 || this.waiting.length > 0) return;
    this.settle(timeNs);
    this.die();
  }
  private handshake(packet: Packet, timeNs: number): void {
    if (!this.isOpen && (packet.flags & TCP_ACK) !== 0) {
      this.rcvNxt = packet.seq + 1;
      this.acknowledged(packet, timeNs);
      this.isOpen = true;
      this.emit(this.writeSeq, NO_BYTES, 0, TCP_ACK, timeNs);
      this.application.connected?.(this);
    } else if (this.isOpen) {
      // It has missed the end of the handshake.
      this.emit(this.writeSeq, NO_BYTES, 0, TCP_ACK, timeNs);
    }
  }
  private acknowledged(packet: Packet, timeNs: number): void {
    const { ack, sack } = packet;
    this.window = packet.window;
    if (ack > this.una) {
      this.una = ack;
      while (this.sent.length > 0 && endOf(this.sent[0]!) <= ack) {
        this.sent.shift();
        this.cwnd += 1;
      }
      this.tries = 0;
      if (!this.isOpen) {
        this.isOpen = true;
        this.application.connected?.(this);
      }
      this.arm(timeNs);
    }
    if (sack !== undefined) this.fillHoles(sack, timeNs);
    this.flush(timeNs);
  }
  /** Sends again what must be lost by what has arrived beyond it. */
  private fillHoles(blocks: readonly SackBlock[], timeNs: number): void {
    for (const sent of this.sent) {
      sent.sacked ||= blocks.some(([start, end]) => sent.seq >= start && endOf(sent) <= end);
    }
    let beyond = this.sent.reduce((count, { sacked }) => count + (sacked ? 1 : 0), 0);
    for (const sent of this.sent) {
      if (sent.sacked) beyond -= 1;
      if (beyond < REORDERING) return;
      if (sent.sacked || sent.again) continue;
      sent.again = true;
      if (sent.seq >= this.recoverSeq) {
        this.recoverSeq = this.writeSeq;
        this.cwnd = Math.max(2, Math.floor(this.cwnd / 2));
      }
      this.emit(sent.seq, sent.payload, sent.bytes, sent.flags, timeNs);
    }
  }
  private accepted(packet: Packet, timeNs: number): void {
    const inOrder = this.rcvNxt;
    const hadGap = this.early.length > 0;
    if (packet.seq > this.rcvNxt) {
      if (!this.early.some(({ seq }) => seq === packet.seq)) this.early.push(packet);
      this.early.sort((a, b) => a.seq - b.seq);
      this.lastEarly = packet.seq;
    } else {
      this.take(packet);
      while (this.early.length > 0 && this.early[0]!.seq <= this.rcvNxt) this.take(this.early.shift()!);
    }
    this.unacked += packet.bytes;
    // What is early, late or fills a gap is answered at once, one by one.
    if (packet.seq !== inOrder || this.early.length > 0 || hadGap) this.acknowledge(timeNs);
    else this.owesAck = true;
  }
  /** All that came together has been seen: acknowledges it now, soon or with what has been sent meanwhile. */
  settle(timeNs: number): void {
    if (!this.owesAck || this.isDead) return;
    const isQuick = this.quickAcks > 0;
    if (isQuick) this.quickAcks -= 1;
    if (isQuick || this.finReceived || this.unacked > MSS) this.acknowledge(timeNs);
    else this.acknowledgeSoon(timeNs);
  }
  private acknowledge(timeNs: number): void {
    if (this.isDead) return;
    this.emit(this.writeSeq, NO_BYTES, 0, TCP_ACK, timeNs);
  }
  /** With the next data, or when nothing else is said for a while. */
  private acknowledgeSoon(timeNs: number): void {
    const armed = (this.ackTimer += 1);
    this.machine.schedule(timeNs + DELACK_NS, () => {
      if (armed === this.ackTimer && !this.isDead) this.acknowledge(timeNs + DELACK_NS);
    });
  }
  private take(packet: Packet): void {
    // The first of it may have been here before, or all.
    const known = this.rcvNxt - packet.seq;
    const fresh = packet.bytes - known;
    if (fresh < 0 || (fresh === 0 && (packet.flags & TCP_FIN) === 0)) return;
    this.rcvNxt += fresh;
    this.bytesReceived += fresh;
    if (fresh > 0) this.application.received?.(this, packet.payload.subarray(known), fresh);
    if ((packet.flags & TCP_FIN) === 0 || this.finReceived) return;
    this.rcvNxt += 1;
    this.finReceived = true;
    this.application.closed?.(this);
  }

  private queue(payload: Uint8Array, bytes: number, flags: number, timeNs: number): void {
    this.waiting.push({ seq: this.writeSeq, bytes, payload, flags, sacked: false, again: false });
    this.writeSeq += bytes + ((flags & (TCP_SYN | TCP_FIN)) !== 0 ? 1 : 0);
    this.flush(timeNs);
  }
  private flush(timeNs: number): void {
    while (this.waiting.length > 0 && this.outstanding() < this.cwnd) {
      const next = this.waiting[0]!;
      if (next.bytes > 0 && next.seq + next.bytes > this.una + this.window) break;
      this.waiting.shift();
      this.sent.push(next);
      this.emit(next.seq, next.payload, next.bytes, next.flags, timeNs);
      if (this.sent.length === 1) this.arm(timeNs);
    }
    // A closed window opens without an acknowledgement of something new only when it is asked.
    if (this.waiting.length > 0 && this.sent.length === 0) this.arm(timeNs);
  }
  private outstanding(): number {
    let count = this.sent.length;
    if (this.recoverSeq > this.una) for (const { sacked } of this.sent) if (sacked) count -= 1;
    return count;
  }
  private resend(timeNs: number): void {
    this.collapse();
    const [first] = this.sent;
    if (first !== undefined) this.emit(first.seq, first.payload, first.bytes, first.flags, timeNs);
    // A byte that the machine has, said again: it answers with its window.
    else this.emit(this.una - 1, NO_BYTES, 0, TCP_ACK, timeNs);
  }
  /** tcp_retrans_try_collapse(): small segments behind the first go along with it. */
  private collapse(more = MOST_COLLAPSED): void {
    const [first, second] = this.sent;
    if (more === 0) return;
    if (first === undefined || second === undefined || first.bytes === 0 || second.bytes === 0) return;
    if (second.sacked) return;
    if (first.bytes + second.bytes > MSS || (second.flags & TCP_FIN) !== 0) return;
    const payload = Uint8Array.of(...first.payload, ...second.payload);
    const { seq } = first;
    const { flags } = second;
    this.sent.splice(0, 2, { seq, bytes: first.bytes + second.bytes, payload, flags, sacked: false, again: false });
    this.collapse(more - 1);
  }
  private arm(timeNs: number): void {
    const armed = (this.timer += 1);
    if (this.sent.length === 0 && this.waiting.length === 0) return;
    const rto = Math.min((this.isOpen ? RTO_NS : FIRST_RTO_NS) * 2 ** this.tries, MOST_RTO_NS);
    this.machine.schedule(timeNs + rto, () => {
      if (armed !== this.timer || this.isDead) return;
      this.tries += 1;
      this.unanswered += 1;
      if (this.unanswered > MOST_TRIES) {
        this.die();
        this.application.closed?.(this);
        return;
      }
      this.cwnd = 1;
      for (const sent of this.sent) sent.again = false;
      this.resend(timeNs + rto);
      this.arm(timeNs + rto);
    });
  }
  private emit(seq: number, payload: Uint8Array, bytes: number, flags: number, timeNs: number): void {
    const sack = bytes > 0 || this.early.length === 0 ? undefined : this.blocks();
    // Whatever is sent acknowledges all that has come.
    this.unacked = 0;
    this.owesAck = false;
    this.ackTimer += 1;
    this.output(
      {
        source: this.local,
        destination: this.remote,
        protocol: IPPROTO_TCP,
        sport: this.port,
        dport: this.remotePort,
        seq,
        ack: (flags & TCP_ACK) === 0 ? 0 : this.rcvNxt,
        flags,
        window: WINDOW,
        bytes,
        payload,
        ...(sack === undefined ? {} : { sack }),
      },
      timeNs,
    );
  }
  /** What came early, the latest in front. */
  private blocks(): readonly SackBlock[] {
    const blocks: [number, number][] = [];
    for (const { seq, bytes } of this.early) {
      const last = blocks.at(-1);
      if (last?.[1] === seq) last[1] += bytes;
      else blocks.push([seq, seq + bytes]);
    }
    const newest = blocks.findIndex(([start, end]) => start <= this.lastEarly && this.lastEarly < end);
    if (newest > 0) blocks.unshift(...blocks.splice(newest, 1));
    return blocks.slice(0, MOST_BLOCKS);
  }
  private die(): void {
    this.isDead = true;
    this.forget();
  }
}
