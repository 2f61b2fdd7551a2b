import type { Machine } from '../machine.ts';
import type { Inode, SuperBlock } from './file.ts';
import { S_IFBLK } from './file-mode.ts';

/** struct block_device with its bdevfs inode: blocks of metadata that are in memory, in pages of the device itself. */
export class BlockDevice {
  readonly inode: Inode;
  private readonly cached = new Set<number>();

  constructor(m: Machine, { device }: SuperBlock) {
    this.inode = m.anonymousFiles.inode('bdev', S_IFBLK | 0o600, {}, device);
  }
  has(block: number): boolean {
    return this.cached.has(block);
  }
  add(block: number): void {
    this.cached.add(block);
  }
}
