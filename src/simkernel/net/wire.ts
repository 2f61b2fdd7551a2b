import type { Machine } from '../machine.ts';
import type { Random } from '../time/random.ts';
import type { IpAddress } from './ip-address.ts';
import { frameLength } from './skb.ts';
import { GATEWAY } from './neighbour.ts';
import { ARP, ARP_REPLY, arpPacket } from './packet.ts';
import type { Packet } from './packet.ts';

/** To a host on the same switch and back. */
const LAN_ROUND_TRIP_NS = 180_000;

/** A host beyond the wire. */
export interface RemoteHost {
  readonly addresses: readonly IpAddress[];
  /** A packet that will be there at `timeNs`, after all that it was told of before. */
  receive(packet: Packet, timeNs: number): void;
}
export interface WireSpec {
  readonly bitsPerSecond: number;
  /** One way, for hosts that do not say how far they are. */
  readonly latencyNs: number;
  /** Part of the frames that get lost, in either direction. */
  readonly loss: number;
}

/** The way to a host: how long it takes, and when the last frame in either direction arrives. */
interface Path {
  readonly latencyNs: number;
  lastOut: number;
  lastIn: number;
}

/** The network that eth0 is plugged into: frames travel, wait for one another, and get lost. */
export class Wire {
  readonly random: Random;
  private readonly machine: Machine;
  private readonly spec: WireSpec;
  private readonly hosts = new Map<IpAddress, RemoteHost>();
  private readonly paths = new Map<RemoteHost, Path>();
  private receiver: (packet: Packet, timeNs: number) => void = () => undefined;
  /** Until when the line towards the hosts and the one back are in use. */
  private outBusy = 0;
  private inBusy = 0;
  readonly lost = { out: 0, in: 0 };

  constructor(m: Machine, spec: WireSpec) {
    this.machine = m;
    this.spec = spec;
    this.random = m.random.stream('wire');
  }
  /** Where frames for the machine arrive: its card. */
  connect(receiver: (packet: Packet, timeNs: number) => void): void {
    this.receiver = receiver;
  }
  addHost(host: RemoteHost, latencyNs = this.spec.latencyNs): void {
    for (const address of host.addresses) this.hosts.set(address, host);
    this.paths.set(host, { latencyNs, lastOut: 0, lastIn: 0 });
  }
  private duration(packet: Packet): number {
    return (frameLength(packet) * 8e9) / this.spec.bitsPerSecond;
  }
  private isLost(): boolean {
    return this.spec.loss > 0 && this.random.chance(this.spec.loss);
  }
  /** Switches and routers on the way add a little, and now and then more; they do not let packets overtake each other. */
  private latency(path: Path): number {
    return path.latencyNs * this.random.logNormal(1, 0.05);
  }
  /** The card puts a frame on the line; returns when it is on its way. A frame for nobody vanishes. */
  transmit(packet: Packet, timeNs: number): number {
    this.outBusy = Math.max(this.outBusy, timeNs) + this.duration(packet);
    if (packet.protocol === ARP) return this.answer(packet);
    const host = this.hosts.get(packet.destination);
    if (host === undefined) return this.outBusy;
    if (this.isLost()) {
      this.lost.out += 1;
      return this.outBusy;
    }
    const path = this.paths.get(host)!;
    const arrival = (path.lastOut = Math.max(path.lastOut, this.outBusy + this.latency(path)));
    host.receive(packet, arrival);
    return this.outBusy;
  }
  /** A host that sends now and then and takes nothing but questions for its address. */
  addStranger(address: IpAddress): void {
    this.strangers.add(address);
  }
  private readonly strangers = new Set<IpAddress>();
  /** Who has an address: a host on the wire, or the router. Switches lose nothing. */
  private answer({ source, destination }: Packet): number {
    const { machine, outBusy } = this;
    if (destination !== GATEWAY && !this.hosts.has(destination) && !this.strangers.has(destination)) return outBusy;
    const arrival = outBusy + this.random.logNormal(LAN_ROUND_TRIP_NS, 0.2);
    machine.schedule(arrival, () => this.receiver(arpPacket(ARP_REPLY, destination, source), arrival));
    return outBusy;
  }
  /** A host sends a frame to the machine. */
  deliver(from: RemoteHost, packet: Packet, timeNs: number): void {
    if (this.isLost()) {
      this.lost.in += 1;
      return;
    }
    const path = this.paths.get(from)!;
    const arrival = (path.lastIn = Math.max(path.lastIn, timeNs + this.latency(path)));
    this.machine.schedule(arrival, () => {
      // The last stretch is shared: frames come one after the other.
      const start = Math.max(this.inBusy, arrival);
      this.inBusy = start + this.duration(packet);
      const end = this.inBusy;
      if (start === arrival) this.receiver(packet, arrival);
      else this.machine.schedule(end, () => this.receiver(packet, end));
    });
  }
}
