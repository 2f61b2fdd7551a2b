import type { Allowance, IoGroup } from '../../block/io-groups.ts';
import { EINVAL, ENODEV, ERANGE } from '../../errno.ts';
import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import type { Cgroup } from '../../tasks/cgroups.ts';
import { isLimited } from './blk-throttle.ts';
import type { CString } from '../fs/filename.ts';

/* block/blk-throttle.c: io.max, what a control group may read and write on each disk. */

/** Keys of a line in their order, and what each limits. */
const KEYS = {
  rbps: ({ read }) => read.bytes,
  wbps: ({ write }) => write.bytes,
  riops: ({ read }) => read.bios,
  wiops: ({ write }) => write.bios,
} as const satisfies Record<string, (group: IoGroup) => Allowance>;

const number = (limit: number): string => (limit === Infinity ? 'max' : String(limit));

/** `259:0 rbps=1048576 wbps=max riops=max wiops=max`: a line for each disk with a limit. */
export function ioMaxText(m: Machine, cgroup: Cgroup): string {
  let text = '';
  for (const [disk, group] of m.ioGroups.made(cgroup)) {
    if (!isLimited(group.read) && !isLimited(group.write)) continue;
    const limits = Object.entries(KEYS).map(([key, allowance]) => `${key}=${number(allowance(group).limit)}`);
    text += `${disk.major}:${disk.minor} ${limits.join(' ')}\n`;
  }
  return text;
}

interface OpenFileOf extends KernelObject {
  readonly to: Cgroup;
}
/** The new limit that a word of the line gives, as a change of the group; an error for what it cannot give. */
function change(group: IoGroup, word: string): (() => void) | number {
  const [key = '', value = ''] = word.split('=');
  const limit = value === 'max' ? Infinity : /^\d+$/.test(value) ? Number(value) : undefined;
  if (limit === undefined) return -EINVAL;
  if (limit === 0) return -ERANGE;
  if (!Object.hasOwn(KEYS, key)) return -EINVAL;
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
    const refused = changes.find((each) => typeof each === 'number');
    if (refused !== undefined) return refused;
    for (const each of changes) if (typeof each !== 'number') each();
    return bytes;
  },
);
export function writeIoMax(m: Machine, cgroup: Cgroup, text: string): number {
  const status = tgSetLimit(m, { address: m.scratch, to: cgroup }, { address: m.scratch, path: text }, text.length, 0);
  return Math.min(status, 0);
}
