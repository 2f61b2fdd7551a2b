import { PAGE_SIZE } from '../memory/sizes.ts';

/** include/linux/blk_types.h: operations, and flags of bios and requests. */
export const REQ_OP_READ = 0;
export const REQ_OP_WRITE = 1;
export const REQ_OP_FLUSH = 2;
export const REQ_SYNC = 1 << 11;
export const REQ_META = 1 << 12;
export const REQ_PRIO = 1 << 13;
export const REQ_FUA = 1 << 17;
export const REQ_PREFLUSH = 1 << 18;
export const REQ_RAHEAD = 1 << 19;
export const REQ_OP_MASK = 0xff;

export const SECTOR = 512;
export const SECTORS_PER_PAGE = PAGE_SIZE / SECTOR;

const OPERATIONS: Readonly<Record<number, string>> = { [REQ_OP_READ]: 'R', [REQ_OP_WRITE]: 'W', [REQ_OP_FLUSH]: 'F' };
const LETTERS: readonly (readonly [flag: number, letter: string])[] = [
  [REQ_FUA, 'F'],
  [REQ_RAHEAD, 'A'],
  [REQ_SYNC, 'S'],
  [REQ_META, 'M'],
];

/** blk_fill_rwbs: F(lush before), the operation, then F(ua), A(head), S(ync), M(eta). */
export function rwbs(flags: number): string {
  const letters = LETTERS.map(([flag, letter]) => ((flags & flag) === 0 ? '' : letter)).join('');
  return `${(flags & REQ_PREFLUSH) === 0 ? '' : 'F'}${OPERATIONS[flags & REQ_OP_MASK] ?? 'N'}${letters}`;
}
export function isRead(flags: number): boolean {
  return (flags & REQ_OP_MASK) === REQ_OP_READ;
}
export function sectorsOf(bytes: number): number {
  return bytes / SECTOR;
}
