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
/** __NEW_UTS_LEN and the zero behind it. */
export const UTS_NAME_SIZE = 65;

/** Those of a container come behind the initial ones: one each for mounts, UTS, IPC and PIDs. */
const FIRST_INUM = 0xf000_0199;
const INUMS_PER_CONTAINER = 4;

/** The namespaces of a task; processes number theirs alike in all of them. */
export interface Namespaces {
  readonly nsproxy: KernelObject;
  readonly hostName: string;
  /** Inode number of the PID namespace. */
  readonly pidInum: number;
}

/** The initial namespaces. */
export function createNamespaces(m: Machine): Namespaces {
  return create(m, HOST_NAME, PROC_UTS_INIT_INO, PROC_PID_INIT_INO);
}
/** What clone() with CLONE_NEWUTS and CLONE_NEWPID makes for the machine's n-th container, which shares the host's network. */
export function createContainerNamespaces(m: Machine, n: number, hostName: string): Namespaces {
  const first = FIRST_INUM + INUMS_PER_CONTAINER * n;
  return create(m, hostName, first + 1, first + 3);
}
function create(m: Machine, hostName: string, utsInum: number, pidInum: number): Namespaces {
  const { arena, words } = m;
  const make = (size: number): number => arena.allocate(size, 64);
  const pid = make(PID_NAMESPACE.size);
  words[(pid + PID_NAMESPACE.inum) >> 2] = pidInum;
  const uts = make(UTS_NAMESPACE.size);
  words[(uts + UTS_NAMESPACE.inum) >> 2] = utsInum;
  storeText(arena.bytes, uts + UTS_NAMESPACE.system, 'Linux', UTS_NAME_SIZE);
  storeText(arena.bytes, uts + UTS_NAMESPACE.node, hostName, UTS_NAME_SIZE);
  const nsproxy = make(NSPROXY.size);
  storeWord(words, nsproxy + NSPROXY.uts, { address: uts });
  storeWord(words, nsproxy + NSPROXY.pidForChildren, { address: pid });
  storeWord(words, nsproxy + NSPROXY.net, m.network.initNet);
  return { nsproxy: { address: nsproxy }, hostName, pidInum };
}
