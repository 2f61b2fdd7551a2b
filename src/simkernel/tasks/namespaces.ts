import type { Machine } from '../machine.ts';
import type { KernelObject } from '../memory/arena.ts';
import { storeText, storeWord } from '../memory/arena.ts';
import { structFields } from '../memory/layout.ts';
import { HOST_NAME } from '../version.ts';

const NSPROXY = structFields('nsproxy', {
  uts: 'uts_ns',
  pidForChildren: 'pid_ns_for_children',
  net: 'net_ns',
});
const PID_NAMESPACE = structFields('pid_namespace', { inum: 'ns.inum' });
const UTS_NAMESPACE = structFields('uts_namespace', { inum: 'ns.inum', node: 'name.nodename', system: 'name.sysname' });

/** Inode numbers of the initial namespaces (include/linux/proc_ns.h). */
const PROC_UTS_INIT_INO = 0xeffffffe;
const PROC_PID_INIT_INO = 0xeffffffc;
const NAME_SIZE = 65;

/** What all tasks of the machine share: the initial namespaces. */
export interface Namespaces {
  readonly nsproxy: KernelObject;
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
  return { nsproxy: { address: nsproxy } };
}
