import type { DeviceSpec } from '../devices/device.ts';
import type { Machine } from '../machine.ts';
import type { Image } from '../programs/image.ts';

/** A process that runs from the start. */
export interface ProcessSpec {
  readonly pid: number;
  readonly image: Image;
  readonly comm?: string;
  readonly argv?: readonly string[];
  readonly uid?: number;
}
export interface FileSpec {
  readonly path: string;
  readonly size: number;
  /** What the file says; without it the bytes are unspecified. Text shorter than the size is repeated. */
  readonly text?: string;
  /** Part of the file that is in the page cache at the start. */
  readonly warm?: number;
}

/** What a machine is made of and does: hardware, files, processes, and how long a run takes by default. */
export interface ScenarioSpec {
  readonly name: string;
  readonly summary: string;
  readonly seed: number;
  readonly cpus: number;
  readonly lengthNs: number;
  /** SATA hard disks beside the NVMe disk of the root file system: sda, sdb, ... */
  readonly hardDisks?: readonly { readonly mountedAt: string }[];
  /** Other devices, and modules with drivers of their own. */
  readonly devices?: readonly DeviceSpec[];
  readonly files: readonly FileSpec[];
  /** Images that processes may execute beside those of the processes. */
  readonly images: readonly Image[];
  readonly processes: readonly ProcessSpec[];
}
export interface Scenario extends ScenarioSpec {
  /** Starts the workload; called when the machine first runs. */
  start(m: Machine): void;
}
