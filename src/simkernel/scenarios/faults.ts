import { findDisk } from '../block/disk.ts';
import type { Machine } from '../machine.ts';

/** Something that goes wrong at a time after the start of the workload. */
export type FaultSpec =
  /** For a while this part of the disk's commands fails with EIO. */
  | {
      readonly kind: 'disk-errors';
      readonly atNs: number;
      readonly disk: string;
      readonly part: number;
      readonly forNs: number;
    }
  /** For a while the disk takes longer by this factor. */
  | {
      readonly kind: 'slow-disk';
      readonly atNs: number;
      readonly disk: string;
      readonly factor: number;
      readonly forNs: number;
    }
  | { readonly kind: 'signal'; readonly atNs: number; readonly pid: number; readonly signal: number };

/** Puts the faults of a scenario into the queue of events. */
export function scheduleFaults(m: Machine, faults: readonly FaultSpec[]): void {
  const start = m.now();
  for (const fault of faults) m.schedule(start + fault.atNs, () => inject(m, fault, start + fault.atNs));
}

function inject(m: Machine, fault: FaultSpec, nowNs: number): void {
  if (fault.kind === 'signal') {
    m.sendSignal(fault.pid, fault.signal);
    return;
  }
  const disk = findDisk(m, fault.disk);
  if (disk === undefined) return;
  const { troubles } = disk;
  if (fault.kind === 'disk-errors') troubles.errorPart = fault.part;
  else troubles.slowness = fault.factor;
  m.schedule(nowNs + fault.forNs, () => {
    if (fault.kind === 'disk-errors') troubles.errorPart = 0;
    else troubles.slowness = 1;
  });
}
