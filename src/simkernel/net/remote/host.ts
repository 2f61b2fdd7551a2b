import type { Machine } from '../../machine.ts';
import type { IpAddress } from '../ip-address.ts';
import { connectionKey } from '../network.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  NO_BYTES,
  TCP_ACK,
  TCP_RST,
  TCP_SYN,
  udpPacket,
} from '../packet.ts';
import type { Packet } from '../packet.ts';
import type { RemoteHost, Wire } from '../wire.ts';
import { PeerConnection } from './tcp-peer.ts';
import type { PeerApplication } from './tcp-peer.ts';
import { ICMP_ECHO } from '../icmp.ts';

/** How long a host takes to answer when nothing else is said. */
const STACK_NS = 18_000;
/** A card's interrupt waits so long for company; frames of one connection that come together are acknowledged together (GRO). */
const MODERATION_NS = 30_000;
/** Where clients take their ports from. */
const FIRST_PORT = 32_768;
const LAST_PORT = 60_000;
/** What is answered, and with which type. */
const ECHOES: { readonly [protocol: number]: { readonly to: number; readonly type: number } } = {
  [IPPROTO_ICMP]: { to: ICMP_ECHO, type: 0 },
  [IPPROTO_ICMPV6]: { to: 128, type: 129 },
};
const PING_BYTES = 56;
const PING_ID = 4711;

/** What a host does with a datagram: the answer and how long it takes to find it, or nothing. */
export type DatagramService = (
  payload: Uint8Array,
  packet: Packet,
) => { readonly payload: Uint8Array; readonly afterNs: number } | undefined;

/** A host beyond the wire with services that answer. A port without one refuses; one that is filtered stays silent. */
export class Host implements RemoteHost {
  readonly addresses: readonly IpAddress[];
  private readonly machine: Machine;
  private readonly wire: Wire;
  private readonly connections = new Map<number, PeerConnection>();
  private readonly streams = new Map<number, () => PeerApplication>();
  private readonly datagrams = new Map<number, DatagramService>();
  private readonly filtered = new Set<number>();
  /** TCP packets that the card has, or will have at their time, and the host has not looked at. */
  private readonly ring: { readonly packet: Packet; readonly timeNs: number }[] = [];
  private nextPort: number;
  private lastHandled = 0;

  constructor(m: Machine, wire: Wire, addresses: readonly IpAddress[], latencyNs?: number) {
    this.machine = m;
    this.wire = wire;
    this.addresses = addresses;
    this.nextPort = wire.random.between(FIRST_PORT, LAST_PORT);
    wire.addHost(this, latencyNs);
  }
  /** Serves TCP on a port: one application object for each connection. */
  serve(port: number, application: () => PeerApplication): this {
    this.streams.set(port, application);
    return this;
  }
  serveDatagrams(port: number, service: DatagramService): this {
    this.datagrams.set(port, service);
    return this;
  }
  /** Packets to this port vanish in a firewall. */
  filter(port: number): this {
    this.filtered.add(port);
    return this;
  }
  /** Opens a connection to the machine. */
  connect(to: IpAddress, port: number, application: PeerApplication, timeNs: number): PeerConnection {
    this.nextPort = this.nextPort >= LAST_PORT ? FIRST_PORT : this.nextPort + 1 + this.wire.random.between(0, 6);
    const from = this.addresses.find(({ family }) => family === to.family) ?? this.addresses[0]!;
    const connection = this.connection(from, this.nextPort, to, port, application);
    connection.connect(timeNs);
    return connection;
  }
  /** Sends a datagram to the machine. */
  sendDatagram(to: IpAddress, port: number, fromPort: number, payload: Uint8Array, timeNs: number): void {
    const from = this.addresses.find(({ family }) => family === to.family) ?? this.addresses[0]!;
    this.wire.deliver(this, udpPacket(from, fromPort, to, port, payload), timeNs);
  }
  /** Asks the machine for an echo. */
  ping(to: IpAddress, sequence: number, timeNs: number): void {
    const from = this.addresses[0]!;
    const payload = new Uint8Array(PING_BYTES);
    const echo = { ...udpPacket(from, ICMP_ECHO, to, 0, payload), protocol: IPPROTO_ICMP, seq: sequence, ack: PING_ID };
    this.wire.deliver(this, echo, timeNs);
  }
  receive(packet: Packet, timeNs: number): void {
    if (packet.protocol === IPPROTO_TCP) {
      this.ring.push({ packet, timeNs });
      if (this.ring.length === 1) this.interrupt(timeNs + MODERATION_NS);
      return;
    }
    const now = this.handledAt(timeNs);
    if (packet.protocol === IPPROTO_UDP) {
      const answer = this.datagrams.get(packet.dport)?.(packet.payload, packet);
      if (answer === undefined) return;
      const reply = udpPacket(packet.destination, packet.dport, packet.source, packet.sport, answer.payload);
      this.wire.deliver(this, reply, now + answer.afterNs);
    } else {
      const answer = ECHOES[packet.protocol];
      if (answer === undefined || packet.sport !== answer.to) return;
      const { source, destination } = packet;
      this.wire.deliver(this, { ...packet, source: destination, destination: source, sport: answer.type }, now);
    }
  }
  /** Packets are dealt with in the order of their arrival. */
  private handledAt(timeNs: number): number {
    return (this.lastHandled = Math.max(this.lastHandled, timeNs + this.wire.random.logNormal(STACK_NS, 0.3)));
  }
  private interrupt(timeNs: number): void {
    const now = this.handledAt(timeNs);
    this.machine.schedule(now, () => this.poll(now));
  }
  private poll(now: number): void {
    const { ring } = this;
    const touched = new Set<PeerConnection>();
    while (ring.length > 0 && ring[0]!.timeNs <= now) {
      const connection = this.receiveTcp(ring.shift()!.packet, now);
      if (connection !== undefined) touched.add(connection);
    }
    for (const connection of touched) connection.settle(now);
    if (ring.length > 0) this.interrupt(ring[0]!.timeNs + MODERATION_NS);
  }
  private receiveTcp(packet: Packet, timeNs: number): PeerConnection | undefined {
    const known = this.connections.get(connectionKey(packet.dport, packet.source, packet.sport));
    if (known !== undefined) {
      known.receive(packet, timeNs);
      return known;
    }
    if (this.filtered.has(packet.dport) || (packet.flags & TCP_RST) !== 0) return undefined;
    const application = this.streams.get(packet.dport);
    if (application === undefined || (packet.flags & TCP_SYN) === 0 || (packet.flags & TCP_ACK) !== 0) {
      if ((packet.flags & TCP_SYN) !== 0 || packet.bytes > 0) this.refuse(packet, timeNs);
      return undefined;
    }
    const { destination, dport, source, sport } = packet;
    this.connection(destination, dport, source, sport, application()).accept(packet, timeNs);
    return undefined;
  }
  private refuse(packet: Packet, timeNs: number): void {
    const { source, destination, sport, dport } = packet;
    this.wire.deliver(
      this,
      {
        source: destination,
        destination: source,
        protocol: IPPROTO_TCP,
        sport: dport,
        dport: sport,
        seq: packet.ack,
        ack: packet.seq + packet.bytes + 1,
        flags: TCP_RST | TCP_ACK,
        window: 0,
        bytes: 0,
        payload: NO_BYTES,
      },
      timeNs,
    );
  }
  private connection(
    local: IpAddress,
    port: number,
    remote: IpAddress,
    remotePort: number,
    application: PeerApplication,
  ): PeerConnection {
    const key = connectionKey(port, remote, remotePort);
    const connection = new PeerConnection({
      machine: this.machine,
      local,
      port,
      remote,
      remotePort,
      isn: this.wire.random.bits() >>> 0,
      application,
      output: (packet, timeNs) => this.wire.deliver(this, packet, timeNs),
      forget: () => this.connections.delete(key),
    });
    this.connections.set(key, connection);
    return connection;
  }
}
