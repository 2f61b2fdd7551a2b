import type { AbiName } from '../../btf/abi/abis.ts';
import type { DeviceSpec } from '../devices/device.ts';
import type { IoLimits } from '../block/io-groups.ts';
import type { FileSystemType } from '../fs/types.ts';
import type { Machine } from '../machine.ts';
import type { Image } from '../programs/image.ts';
import type { ModuleSource } from '../modules/module-api.ts';
import type { FaultSpec } from './faults.ts';

/** A process of the workload. */
export interface ProcessSpec {
  readonly pid: number;
  readonly image: Image;
  readonly comm?: string;
  readonly argv?: readonly string[];
  readonly uid?: number;
  /** After the start of the workload; 0 when absent. */
  readonly startNs?: number;
  /** Its control group; when absent the unit that systemd would make for it. */
  readonly cgroup?: string;
  /** Working directory; / when absent. */
  readonly directory?: string;
  /** The container that it runs in, by its id. */
  readonly container?: string;
}
/** A root of its own (an overlay over an image), a host name, PIDs, and a control group. */
export interface ContainerSpec {
  readonly id: string;
  /** The folder of the image's files; containers of one image share it. */
  readonly image: string;
  readonly directories?: readonly string[];
  /** By their paths in the container. */
  readonly files: readonly FileSpec[];
  /** What it may read and write on the disk (io.max). */
  readonly io?: IoLimits;
}
export interface FileSpec {
  readonly path: string;
  readonly size: number;
  /** What the file says; without it the bytes are unspecified. Text shorter than the size is repeated. */
  readonly text?: string;
  /** Part of the file that is in the page cache at the start. */
  readonly warm?: number;
}

/** A module of the kernel in a file, for programs that load it. */
export interface ModuleSpec {
  readonly path: string;
  readonly size: number;
  readonly source: ModuleSource;
}

/** Disks beside the NVMe disk of the root file system: sda, sdb, ... and nvme1n1, nvme2n1, ... in their order. */
export interface DiskSpec {
  readonly kind: keyof typeof DISK_KINDS;
  readonly mountedAt: string;
  /** ext4 when absent. */
  readonly fileSystem?: FileSystemType;
}
/** What a user calls the kinds of disks. */
export const DISK_KINDS = {
  'hard-disk': 'a SATA disk of 5400 rpm behind the mq-deadline scheduler',
  nvme: 'a flash disk with one queue for each CPU and no scheduler',
  mirror: 'two hard disks that hold the same: md0, md1, ... (RAID 1)',
} as const;

/** What a machine is made of and does: hardware, files, processes, and how long a run takes by default. */
export interface ScenarioSpec {
  readonly name: string;
  readonly summary: string;
  readonly seed: number;
  readonly cpus: number;
  /** What its CPUs are; x86-64 when absent. */
  readonly arch?: AbiName;
  readonly lengthNs: number;
  /** 8 GiB when absent. */
  readonly memoryBytes?: number;
  /** A swap partition on the NVMe disk; none when absent. */
  readonly swapBytes?: number;
  readonly disks?: readonly DiskSpec[];
  /** Other devices, and modules with drivers of their own. */
  readonly devices?: readonly DeviceSpec[];
  readonly files: readonly FileSpec[];
  readonly directories?: readonly string[];
  readonly containers?: readonly ContainerSpec[];
  readonly modules?: readonly ModuleSpec[];
  /** Images that processes may execute beside those of the processes. */
  readonly images: readonly Image[];
  readonly processes: readonly ProcessSpec[];
  /** What goes wrong, and when. */
  readonly faults?: readonly FaultSpec[];
  /** Programs from outside of the machine, by a path that leads to none of its own. */
  readonly outsideImage?: (path: string) => Image | undefined;
}
export interface Scenario extends ScenarioSpec {
  /** Starts the workload; called when the machine first runs. */
  start(m: Machine): void;
}
