import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeNumber, storeText, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import { HOST_NAME } from '../version.ts';

const NSPROXY = structFields('nsproxy', {
  uts: 'uts_ns',
  pidForChildren: 'pid_ns_for_children',
  net: 'net_ns',
});
const PID_NAMESPACE = structFields('pid_namespace', { inum: 'ns.inum' });
const UTS_NAMESPACE = structFields('uts_namespace', { inum: 'ns.inum', node: 'name.nodename', system: 'name.sysname' });
const CSS_SET = structFields('css_set', { defaultCgroup: 'dfl_cgrp' });
const CGROUP = structFields('cgroup', { kn: 'kn', self: 'self.cgroup' });
const KERNFS_NODE = structFields('kernfs_node', { id: 'id' });

/** Inode numbers of the initial namespaces (include/linux/proc_ns.h). */
const PROC_UTS_INIT_INO = 0xeffffffe;
const PROC_PID_INIT_INO = 0xeffffffc;
/** Inode number of the root of the cgroup v2 tree. */
const ROOT_CGROUP = 1;
const NAME_SIZE = 65;

/** What all tasks of the machine share: the initial namespaces and the root cgroup. */
export interface Namespaces {
  readonly nsproxy: KernelObject;
  readonly cssSet: KernelObject;
}

export function createNamespaces(m: Machine): Namespaces {
  const { arena, words } = m;
  const make = (size: number): number => arena.allocate(size, 64);
  const pid = make(PID_NAMESPACE.size);
  words[(pid + PID_NAMESPACE.inum) >> 2] = PROC_PID_INIT_INO;
  const uts = make(UTS_NAMESPACE.size);
  words[(uts + UTS_NAMESPACE.inum) >> 2] = PROC_UTS_INIT_INO;
  storeText(arena.bytes, uts + UTS_NAMESPACE.system, 'Linux', NAME_SIZE);
  storeText(arena.bytes, uts + UTS_NAMESPACE.node, HOST_NAME, NAME_SIZE);
  const nsproxy = make(NSPROXY.size);
  storeWord(words, nsproxy + NSPROXY.uts, { address: uts });
  storeWord(words, nsproxy + NSPROXY.pidForChildren, { address: pid });
  storeWord(words, nsproxy + NSPROXY.net, m.network.initNet);
  const node = make(KERNFS_NODE.size);
  storeNumber(words, node + KERNFS_NODE.id, ROOT_CGROUP);
  const cgroup = make(CGROUP.size);
  storeWord(words, cgroup + CGROUP.kn, { address: node });
  storeWord(words, cgroup + CGROUP.self, { address: cgroup });
  const cssSet = make(CSS_SET.size);
  storeWord(words, cssSet + CSS_SET.defaultCgroup, { address: cgroup });
  return { nsproxy: { address: nsproxy }, cssSet: { address: cssSet } };
}
