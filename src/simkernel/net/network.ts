import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import type { Neighbour } from './neighbour.ts';
import type { Random } from '../time/random.ts';
import type { NetDevice } from './device.ts';
import { AF_INET, LOOPBACK_V4, LOOPBACK_V6 } from './ip-address.ts';
import type { IpAddress } from './ip-address.ts';
import { IPPROTO_UDP } from './packet.ts';
import { createProto } from './sock.ts';
import type { Sock, SockKind } from './sock.ts';
import type { Wire } from './wire.ts';

const NET_SIZE = 4800;
/** net.ipv4.ip_local_port_range */
const FIRST_EPHEMERAL = 32_768;
const LAST_EPHEMERAL = 60_999;

/** What answers packets of a connection: a socket, a request for one, or the memory of one. */
export interface Endpoint {
  readonly local: IpAddress;
  readonly remote: IpAddress;
  readonly num: number;
  readonly dport: number;
}

/** The initial network namespace: addresses, routes, and who owns which port. */
export class Network {
  /** struct net init_net; scripts only compare its address. */
  readonly initNet: KernelObject;
  /** TCP connections by both ports and the remote address (tcp_hashinfo.ehash). */
  private readonly connections = new Map<number, Endpoint>();
  /** Sockets by local port: listeners of TCP, and all of UDP. */
  readonly listeners = new Map<number, Sock[]>();
  readonly datagram = new Map<number, Sock[]>();
  /** Sockets for echoes by the identifier in their packets (ping_table). */
  readonly echoes = new Map<number, Sock[]>();
  /** UNIX sockets by path. */
  readonly unixSockets = new Map<string, Sock>();
  /** What eth0 is plugged into. */
  wire: Wire | null = null;
  readonly random: Random;
  /** arp_tbl: hosts on the wire by their address. */
  readonly neighbours = new Map<IpAddress, Neighbour>();
  readonly neighbourRandom: Random;
  private readonly machine: Machine;
  private readonly protos = new Map<SockKind, KernelObject>();
  private cookie = 0;

  constructor(m: Machine) {
    this.machine = m;
    this.initNet = { address: m.arena.allocate(NET_SIZE) };
    this.random = m.random.stream('network');
    this.neighbourRandom = m.random.stream('neighbours');
  }
  proto(kind: SockKind): KernelObject {
    let proto = this.protos.get(kind);
    if (proto === undefined) this.protos.set(kind, (proto = createProto(this.machine, kind)));
    return proto;
  }
  nextCookie(): number {
    return (this.cookie += 1);
  }
  /** The device towards an address and the address that we have there; undefined where no route leads. */
  route(to: IpAddress): { readonly device: NetDevice; readonly source: IpAddress } | undefined {
    const devices = this.machine.netDevices;
    const [loopback] = devices;
    if (loopback === undefined) return undefined;
    if (to.isLoopback) return { device: loopback, source: to.family === AF_INET ? LOOPBACK_V4 : LOOPBACK_V6 };
    if (this.isLocal(to)) return { device: loopback, source: to };
    for (const device of devices) {
      const source = device.addresses.find(({ family, isLoopback }) => family === to.family && !isLoopback);
      if (source !== undefined && device.transmit !== null) return { device, source };
    }
    return undefined;
  }
  isLocal(address: IpAddress): boolean {
    return address.isLoopback || this.machine.netDevices.some(({ addresses }) => addresses.includes(address));
  }
  /** The socket that a connection's packet belongs to. */
  connection(port: number, remote: IpAddress, remotePort: number): Endpoint | undefined {
    return this.connections.get(connectionKey(port, remote, remotePort));
  }
  addConnection(endpoint: Endpoint): void {
    this.connections.set(connectionKey(endpoint.num, endpoint.remote, endpoint.dport), endpoint);
  }
  removeConnection(endpoint: Endpoint): void {
    const key = connectionKey(endpoint.num, endpoint.remote, endpoint.dport);
    if (this.connections.get(key) === endpoint) this.connections.delete(key);
  }
  /** Time-wait sockets all last equally long, so the oldest is the first to go (inet_twsk_purge). */
  addTimeWait(tw: Endpoint & { readonly untilNs: number }): void {
    const now = this.machine.cpu.time;
    const queue = this.timeWait;
    while (queue.length > 0 && queue[0]!.untilNs <= now) this.removeConnection(queue.shift()!);
    queue.push(tw);
    this.addConnection(tw);
  }
  private readonly timeWait: (Endpoint & { readonly untilNs: number })[] = [];
  *allConnections(): IterableIterator<Endpoint> {
    yield* this.connections.values();
  }
  addListener(sk: Sock): void {
    addToPort(this.listeners, sk);
  }
  /** A socket bound to a port; of several (SO_REUSEPORT) the remote port decides. */
  bound(table: ReadonlyMap<number, readonly Sock[]>, local: IpAddress, port: number, hash: number): Sock | undefined {
    const sockets = table.get(port);
    if (sockets === undefined) return undefined;
    // A socket for IPv6 takes IPv6 only (IPV6_V6ONLY), which spares the machine mapped addresses.
    const fit = sockets.filter((sk) => sk.local === local || (sk.local.isAny && sk.local.family === local.family));
    return fit[hash % fit.length];
  }
  /** A free local port for a connection to somewhere: odd ones first are for bind(), as in the kernel. */
  ephemeralPort(remote: IpAddress, remotePort: number): number {
    const range = (LAST_EPHEMERAL - FIRST_EPHEMERAL + 1) / 2;
    const start = this.random.between(0, range - 1);
    for (let i = 0; i < range; i += 1) {
      const port = FIRST_EPHEMERAL + 2 * ((start + i) % range);
      if (this.connection(port, remote, remotePort) === undefined && !this.listeners.has(port)) return port;
    }
    return 0;
  }
  /** Where datagram sockets of a protocol are found. */
  datagramsOf(protocol: number): Map<number, Sock[]> {
    return protocol === IPPROTO_UDP ? this.datagram : this.echoes;
  }
  ephemeralDatagramPort(table: ReadonlyMap<number, readonly Sock[]>): number {
    for (;;) {
      const port = this.random.between(FIRST_EPHEMERAL, LAST_EPHEMERAL);
      if (!table.has(port)) return port;
    }
  }
  /** Initial sequence numbers grow with time and are hard to guess. */
  initialSequence(): number {
    return this.random.bits() >>> 0;
  }
}
/** What a connection is found by, at either end. */
export function connectionKey(port: number, remote: IpAddress, remotePort: number): number {
  return (port * 65536 + remotePort) * 65536 + remote.id;
}

export function addToPort(table: Map<number, Sock[]>, sk: Sock): void {
  const list = table.get(sk.num);
  if (list === undefined) table.set(sk.num, [sk]);
  else list.push(sk);
}
export function removeFromPort(table: Map<number, Sock[]>, sk: Sock): void {
  const list = table.get(sk.num);
  const at = list?.indexOf(sk) ?? -1;
  if (list === undefined || at < 0) return;
  list.splice(at, 1);
  if (list.length === 0) table.delete(sk.num);
}
