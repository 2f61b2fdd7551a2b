import type { Machine } from '../machine.ts';
import { AF_UNIX } from './ip-address.ts';
import { Sock, SOCK, SOCK_STREAM } from './sock.ts';

/** struct unix_sock: a local socket, its name and its peer. */
export class UnixSock extends Sock {
  /** Bound to it; null for clients and pairs. */
  path: string | null = null;
  peer: UnixSock | null = null;
  /** Of a listener: the server's sides of connections that nobody has accepted. */
  readonly acceptQueue: UnixSock[] = [];
  maxAckBacklog = 0;

  constructor(m: Machine, type: number) {
    super(m, AF_UNIX, type === SOCK_STREAM ? 'UNIX-STREAM' : 'UNIX');
  }
  setBacklog(backlog: number): void {
    this.maxAckBacklog = backlog;
    this.words[(this.address + SOCK.maxAckBacklog) >> 2] = backlog;
  }
  storeAckBacklog(): void {
    this.words[(this.address + SOCK.ackBacklog) >> 2] = this.acceptQueue.length;
  }
}
