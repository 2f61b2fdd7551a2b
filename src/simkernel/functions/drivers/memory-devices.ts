import { EFAULT, ENOSPC } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { FileOperations, IovIter, Kiocb } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import { userBytes } from '../x86/user-access.ts';

/** drivers/char/mem.c, drivers/char/random.c */
const readIterNull = kernelFunction('read_iter_null', 8, (_m, _iocb: Kiocb, _to: IovIter): Result => 0);
const writeIterNull = kernelFunction('write_iter_null', 10, (_m, _iocb: Kiocb, from: IovIter): Result => from.count);

export const NULL_FILES: FileOperations = {
  readIter: (m, iocb, to) => readIterNull(m, iocb, to),
  writeIter: (m, iocb, from) => writeIterNull(m, iocb, from),
};

/** What a byte of an answer takes: to clear it, or to work it out. */
const ZERO_NS_PER_BYTE = 0.03;
const RANDOM_NS_PER_BYTE = 2.5;
function fill(m: Machine, { buffer, count }: IovIter, nsPerByte: number, byte: () => number): Result {
  const bytes = userBytes(m, buffer, count);
  if (bytes === undefined) return -EFAULT;
  m.spend(count * nsPerByte);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = byte();
  return count;
}
const readIterZero = kernelFunction('read_iter_zero', 20, (m, _iocb: Kiocb, iter: IovIter): Result =>
  fill(m, iter, ZERO_NS_PER_BYTE, () => 0),
);
const getRandomBytes = kernelFunction('get_random_bytes_user', 120, (m, iter: IovIter): Result =>
  fill(m, iter, RANDOM_NS_PER_BYTE, () => m.network.random.bits() & 0xff),
);
const urandomReadIter = kernelFunction('urandom_read_iter', 20, (m, _kiocb: Kiocb, iter: IovIter): Result =>
  getRandomBytes(m, iter),
);
const randomReadIter = kernelFunction('random_read_iter', 20, (m, _kiocb: Kiocb, iter: IovIter): Result =>
  getRandomBytes(m, iter),
);

const MODE = 0o020666;
/** Character devices without a device: who reads gets bytes, who writes loses them. */
const DEVICES: Readonly<Record<string, FileOperations>> = {
  zero: {
    readIter: (m, iocb, to) => readIterZero(m, iocb, to),
    writeIter: (m, iocb, from) => writeIterNull(m, iocb, from),
  },
  full: { readIter: (m, iocb, to) => readIterZero(m, iocb, to), writeIter: () => -ENOSPC },
  random: {
    readIter: (m, iocb, to) => randomReadIter(m, iocb, to),
    writeIter: (m, iocb, from) => writeIterNull(m, iocb, from),
  },
  urandom: {
    readIter: (m, iocb, to) => urandomReadIter(m, iocb, to),
    writeIter: (m, iocb, from) => writeIterNull(m, iocb, from),
  },
};
/** Those that only people at a prompt miss. */
export function addMemoryDevices({ fileSystem }: Machine): void {
  for (const [name, operations] of Object.entries(DEVICES))
    fileSystem.special(`/dev/${name}`, MODE, operations).contents = () => '';
}
