import type { FileOperations } from '../fs/file.ts';
import { waitQueueAt } from '../functions/kernel/wait-queue.ts';
import type { Machine } from '../machine.ts';
import { storeWord } from '../memory/arena.ts';
import { SOCKET } from './sock.ts';
import type { Sock, Socket, SocketOperations } from './sock.ts';
import { S_IFSOCK } from '../fs/file-mode.ts';

/** enum socket_state */
const SS_UNCONNECTED = 1;
export const SS_CONNECTED = 3;

/** Makes the file's side of a socket: struct socket and its inode, which has no name yet. */
export function createSocket(m: Machine, sk: Sock, operations: SocketOperations, files: FileOperations): Socket {
  const address = m.arena.allocate(SOCKET.size, 64);
  const inode = m.anonymousFiles.inode('sockfs', S_IFSOCK | 0o777, files);
  const socket: Socket = {
    address,
    type: sk.type,
    operations,
    sk,
    queue: waitQueueAt(address + SOCKET.wait),
    inode,
    file: null,
  };
  inode.channel = socket;
  m.arena.view.setUint16(address + SOCKET.type, sk.type, true);
  setSocketState(m, socket, SS_UNCONNECTED);
  storeWord(m.words, address + SOCKET.sk, sk);
  sk.setSocket(m, socket);
  return socket;
}
export function setSocketState(m: Machine, socket: Socket, state: number): void {
  m.words[(socket.address + SOCKET.state) >> 2] = state;
}
export function freeSocket(m: Machine, socket: Socket): void {
  socket.inode.release(m);
  m.arena.free(socket.address, SOCKET.size);
}
