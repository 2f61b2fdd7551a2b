import type { IoGroup, ThrottleQueue } from '../block/io-groups.ts';
import { EINVAL, ENODEV } from '../errno.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import type { Cgroup } from '../tasks/cgroups.ts';
import type { CString } from './filename.ts';

/* block/blk-throttle.c: io.max, what a control group may read and write on each disk. */

/** Keys of a line, and the direction that each limits; operations a second cannot be limited here. */
const KEYS = {
  rbps: (group: IoGroup) => group.read,
  wbps: (group: IoGroup) => group.write,
} as const satisfies Record<string, (group: IoGroup) => ThrottleQueue>;
const OPERATIONS = /^[rw]iops$/;

const number = (limit: number): string => (limit === Infinity ? 'max' : String(limit));

/** `259:0 rbps=1048576 wbps=max riops=max wiops=max`: a line for each disk with a limit. */
export function ioMaxText(m: Machine, cgroup: Cgroup): string {
  let text = '';
  for (const [disk, { read, write }] of m.ioGroups.made(cgroup)) {
    if (read.limit === Infinity && write.limit === Infinity) continue;
    text += `${disk.major}:${disk.minor} rbps=${number(read.limit)} wbps=${number(write.limit)} riops=max wiops=max\n`;
  }
  return text;
}

interface OpenFileOf extends KernelObject {
  readonly to: Cgroup;
}
/** The new limit that a word of the line gives, as a change of the group; an error for what it cannot give. */
function change(group: IoGroup, word: string): (() => void) | undefined {
  const [key = '', value = ''] = word.split('=');
  const limit = value === 'max' ? Infinity : /^\d+$/.test(value) && Number(value) > 0 ? Number(value) : undefined;
  if (limit === undefined) return undefined;
  if (OPERATIONS.test(key)) return limit === Infinity ? () => {} : undefined;
  if (!Object.hasOwn(KEYS, key)) return undefined;
  return () => {
    KEYS[key as keyof typeof KEYS](group).limit = limit;
  };
}
const tgSetLimit = kernelFunction(
  'tg_set_limit',
  900,
  (m, of: OpenFileOf, buf: CString, bytes: number, _off: number): number => {
    const [device = '', ...words] = buf.path.trim().split(/\s+/);
    if (!/^\d+:\d+$/.test(device)) return -EINVAL;
    const disk = m.disks.find(({ major, minor }) => device === `${major}:${minor}`);
    if (disk === undefined) return -ENODEV;
    const group = m.ioGroups.of(of.to, disk);
    const changes = words.map((word) => change(group, word));
    if (!changes.every((each) => each !== undefined)) return -EINVAL;
    for (const each of changes) each();
    return bytes;
  },
);
export function writeIoMax(m: Machine, cgroup: Cgroup, text: string): number {
  const status = tgSetLimit(m, { address: m.scratch, to: cgroup }, { address: m.scratch, path: text }, text.length, 0);
  return Math.min(status, 0);
}
