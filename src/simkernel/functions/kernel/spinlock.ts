import { irqDisable, irqEnable } from '../../cpu/local-apic.ts';
import { FLAGS } from '../../cpu/registers.ts';
import { spinUntil } from '../../execution/hand-over.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { contentionBegin, contentionEnd } from '../../tracepoints/lock.ts';

/** raw_spinlock_t. While it is held its CPU does not switch tasks, so contention is a matter of other CPUs' time. */
export interface SpinLock extends KernelObject {
  /** When its last holder let go of it: who comes earlier by his own clock spins until then. */
  freeAt: number;
  held: boolean;
}
export function createSpinLock(m: Machine): SpinLock {
  return { address: m.arena.allocate(4), freeAt: 0, held: false };
}

const LOCKED = 1;
/** include/trace/events/lock.h */
const LCB_F_SPIN = 1;
/** Turns in place until its predecessor has let go of the lock. */
const queuedSpinLockSlowpath = kernelFunction(
  'native_queued_spin_lock_slowpath',
  0,
  (m, lock: SpinLock, _val: number): void => {
    contentionBegin(m, lock, LCB_F_SPIN);
    spinUntil(m, m.cpu, lock.freeAt);
    contentionEnd(m, lock, 0);
  },
);

function take(m: Machine, lock: SpinLock): void {
  const { cpu } = m;
  cpu.preemptDepth += 1;
  if (cpu.time < lock.freeAt) queuedSpinLockSlowpath(m, lock, LOCKED);
  lock.held = true;
  m.words[lock.address >> 2] = 1;
}
function release(m: Machine, lock: SpinLock): void {
  const { cpu } = m;
  lock.held = false;
  lock.freeAt = cpu.time;
  m.words[lock.address >> 2] = 0;
  cpu.preemptDepth -= 1;
}

export const spinLock = kernelFunction('_raw_spin_lock', 14, (m, lock: SpinLock): void => take(m, lock));
export const spinUnlock = kernelFunction('_raw_spin_unlock', 8, (m, lock: SpinLock): void => release(m, lock));
/** Returns the flags that spinUnlockIrqRestore wants back. */
export const spinLockIrqSave = kernelFunction('_raw_spin_lock_irqsave', 18, (m, lock: SpinLock): number => {
  const flags = localIrqSave(m);
  take(m, lock);
  return flags;
});
export const spinUnlockIrqRestore = kernelFunction(
  '_raw_spin_unlock_irqrestore',
  12,
  (m, lock: SpinLock, flags: number): void => {
    release(m, lock);
    localIrqRestore(m, flags);
  },
);

/** pushf; pop; cli: unlike local_irq_disable() it remembers, so that it nests. */
export function localIrqSave(m: Machine): number {
  const { flags } = m.cpu;
  irqDisable(m);
  return flags;
}
export function localIrqRestore(m: Machine, flags: number): void {
  if ((flags & FLAGS.interrupt) !== 0) irqEnable(m);
  else irqDisable(m);
}
