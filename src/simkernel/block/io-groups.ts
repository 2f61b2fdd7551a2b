import type { DelayedWork } from '../functions/kernel/workqueue.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import type { Cgroup } from '../tasks/cgroups.ts';
import type { Disk } from './disk.ts';
import type { Bio } from './request.ts';

const BLKCG = structFields('blkcg', { cgroup: 'css.cgroup', id: 'css.id' });
const BLKG = structFields('blkcg_gq', { queue: 'q', blkcg: 'blkcg' });

/** What a control group may read and write on each disk in a second: rbps, wbps, riops and wiops of io.max. */
export interface IoLimits {
  readonly readBytesPerSecond?: number;
  readonly writeBytesPerSecond?: number;
  readonly readsPerSecond?: number;
  readonly writesPerSecond?: number;
}
/** So much a second, Infinity: as much as it likes; and what of it went out in the slice under way. */
export interface Allowance {
  limit: number;
  dispatched: number;
}
/** struct throtl_grp, one way: bytes and bios that went out, and what waits. */
export interface ThrottleQueue {
  readonly bytes: Allowance;
  readonly bios: Allowance;
  sliceStart: number;
  readonly waiting: Bio[];
  /** Sends those that wait, later. */
  work: DelayedWork | null;
}
/** struct blkcg_gq: a control group on a disk. */
export interface IoGroup extends KernelObject {
  readonly read: ThrottleQueue;
  readonly write: ThrottleQueue;
}

/** The groups on the disks of a machine, made when a bio of theirs is first sent. */
export class IoGroups {
  private readonly machine: Machine;
  private readonly policies = new Map<Cgroup, KernelObject>();
  private readonly groups = new Map<Cgroup, Map<Disk, IoGroup>>();
  /** On every disk, and on one disk. */
  private readonly limits = new Map<Cgroup, IoLimits>();
  private ids = 1;

  constructor(m: Machine) {
    this.machine = m;
  }
  limit(cgroup: Cgroup, limits: IoLimits): void {
    this.limits.set(cgroup, limits);
  }
  /** The groups that have been made of a control group, by disk. */
  made(cgroup: Cgroup): ReadonlyMap<Disk, IoGroup> {
    return this.groups.get(cgroup) ?? new Map<Disk, IoGroup>();
  }
  /** The control group is gone; what waits for its turn keeps its memory. */
  forget(cgroup: Cgroup): void {
    const { arena } = this.machine;
    for (const group of this.made(cgroup).values())
      if (group.read.waiting.length + group.write.waiting.length === 0) arena.free(group.address, BLKG.size);
    const policy = this.policies.get(cgroup);
    if (policy !== undefined) arena.free(policy.address, BLKCG.size);
    this.groups.delete(cgroup);
    this.policies.delete(cgroup);
    this.limits.delete(cgroup);
  }
  of(cgroup: Cgroup, disk: Disk): IoGroup {
    let disks = this.groups.get(cgroup);
    if (disks === undefined) this.groups.set(cgroup, (disks = new Map<Disk, IoGroup>()));
    let group = disks.get(disk);
    if (group === undefined) disks.set(disk, (group = this.make(cgroup, disk)));
    return group;
  }
  private make(cgroup: Cgroup, disk: Disk): IoGroup {
    const { arena, words } = this.machine;
    const address = arena.allocate(BLKG.size, 64);
    storeWord(words, address + BLKG.queue, disk.queue);
    storeWord(words, address + BLKG.blkcg, this.policy(cgroup));
    const limits = this.limits.get(cgroup) ?? {};
    return {
      address,
      read: queue(limits.readBytesPerSecond, limits.readsPerSecond),
      write: queue(limits.writeBytesPerSecond, limits.writesPerSecond),
    };
  }
  /** struct blkcg: the block layer's part of a control group; css ids count from the root's 1. */
  private policy(cgroup: Cgroup): KernelObject {
    let policy = this.policies.get(cgroup);
    if (policy === undefined) {
      const { arena, words } = this.machine;
      policy = { address: arena.allocate(BLKCG.size, 64) };
      this.policies.set(cgroup, policy);
      storeWord(words, policy.address + BLKCG.cgroup, cgroup);
      words[(policy.address + BLKCG.id) >> 2] = cgroup.parent === null ? 1 : (this.ids += 1);
    }
    return policy;
  }
}
function queue(bytes = Infinity, bios = Infinity): ThrottleQueue {
  return {
    bytes: { limit: bytes, dispatched: 0 },
    bios: { limit: bios, dispatched: 0 },
    sliceStart: -Infinity,
    waiting: [],
    work: null,
  };
}
