import { kernelFunction } from '../../execution/kernel-function.ts';
import { Pending } from '../../execution/pending.ts';
import type { Result } from '../../execution/pending.ts';
import type { File, FileOperations, Inode, IovIter, Kiocb, PollTable } from '../../fs/file.ts';
import { freeSocket } from '../../net/socket-file.ts';
import { MSG_DONTWAIT } from '../../net/sock.ts';
import type { Message, Socket } from '../../net/sock.ts';
import { sockRecvLength, sockSendLength } from '../../tracepoints/sock.ts';
import type { Machine } from '../../machine.ts';
import { createMessage, messageSize } from './message.ts';
import { callRcu } from '../kernel/rcu.ts';
import { O_NONBLOCK } from '../../fs/fcntl.ts';

const securitySocketSendmsg = kernelFunction(
  'security_socket_sendmsg',
  12,
  (_m, _socket: Socket, _message: Message, _size: number): number => 0,
);
const securitySocketRecvmsg = kernelFunction(
  'security_socket_recvmsg',
  12,
  (_m, _socket: Socket, _message: Message, _size: number, _flags: number): number => 0,
);

/** All data that goes into a socket. */
export const sockSendmsg = kernelFunction('sock_sendmsg', 10, (m, socket: Socket, message: Message): Result => {
  const size = messageSize(message);
  const refused = securitySocketSendmsg(m, socket, message, size);
  if (refused !== 0) return refused;
  const sent = socket.operations.sendmsg(m, socket, message, size);
  const after = (n: number): number => {
    sockSendLength(m, socket.sk, n, 0);
    return n;
  };
  return sent instanceof Pending ? sent.then(after) : after(sent);
});
/** All data that comes out of one. */
export const sockRecvmsg = kernelFunction(
  'sock_recvmsg',
  12,
  (m, socket: Socket, message: Message, flags: number): Result => {
    const size = messageSize(message);
    const refused = securitySocketRecvmsg(m, socket, message, size, flags);
    if (refused !== 0) return refused;
    const { sk } = socket;
    const got = socket.operations.recvmsg(m, socket, message, size, flags);
    const after = (n: number): number => {
      sockRecvLength(m, sk, n, flags);
      return n;
    };
    return got instanceof Pending ? got.then(after) : after(got);
  },
);

function messageOf(m: Machine, iocb: Kiocb, iter: IovIter): Message {
  const flags = (iocb.file.flags & O_NONBLOCK) !== 0 ? MSG_DONTWAIT : 0;
  return createMessage(m, [{ address: iter.buffer, size: iter.count }], null, flags);
}
const sockReadIter = kernelFunction('sock_read_iter', 16, (m, iocb: Kiocb, to: IovIter): Result => {
  const message = messageOf(m, iocb, to);
  return sockRecvmsg(m, iocb.file.inode.channel as Socket, message, message.flags);
});
const sockWriteIter = kernelFunction('sock_write_iter', 16, (m, iocb: Kiocb, from: IovIter): Result =>
  sockSendmsg(m, iocb.file.inode.channel as Socket, messageOf(m, iocb, from)),
);
const sockPoll = kernelFunction('sock_poll', 10, (m, file: File, table: PollTable | null): number => {
  const socket = file.inode.channel as Socket;
  return socket.operations.poll(m, file, socket, table);
});

const innerSockRelease = kernelFunction('__sock_release', 30, (m, socket: Socket, _inode: Inode): void => {
  socket.operations.release(m, socket);
});
const sockClose = kernelFunction('sock_close', 10, (m, inode: Inode, file: File): Result => {
  const socket = inode.channel as Socket;
  innerSockRelease(m, socket, inode);
  callRcu(m, () => {
    file.path.dentry.release(m);
    freeSocket(m, socket);
  });
  return 0;
});

export const SOCKET_FILES: FileOperations = {
  readIter: (m, iocb, to) => sockReadIter(m, iocb, to),
  writeIter: (m, iocb, from) => sockWriteIter(m, iocb, from),
  poll: (m, file, table) => sockPoll(m, file, table),
  release: (m, inode, file) => sockClose(m, inode, file),
};
