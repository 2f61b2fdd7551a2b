import { HEADER_CONSTANTS } from './header-constants.ts';
import type { ConstantGroup } from './header-constants.ts';

/** What a header supplies: constants of the API, or the numbers of the target's system calls. */
type Supply = ConstantGroup | 'syscalls' | 'SYS';

/** Which constants a header supplies, its own includes counted in. An empty list: the header exists, and its types are BTF's. */
const VIRTUAL_HEADERS: Readonly<Record<string, readonly Supply[]>> = {
  'arpa/inet.h': ['socket', 'socketTypes', 'in'],
  'asm-generic/errno.h': ['errno'],
  'asm-generic/errno-base.h': ['errno'],
  'asm-generic/fcntl.h': ['fcntl'],
  'asm/errno.h': ['errno'],
  'asm/fcntl.h': ['fcntl'],
  'asm/page.h': ['mm'],
  'asm/ptrace.h': [],
  'asm/signal.h': ['signal'],
  'asm/types.h': [],
  'asm/unistd.h': ['syscalls'],
  'errno.h': ['errno'],
  'fcntl.h': ['fcntl', 'stat'],
  'inttypes.h': ['stdint'],
  'limits.h': ['limits', 'stdint'],
  'linux/bio.h': ['block', 'mm'],
  'linux/binfmts.h': ['sched', 'signal', 'limits'],
  'linux/blk-cgroup.h': ['block'],
  'linux/blk-mq.h': ['block'],
  'linux/blkdev.h': ['block', 'mm', 'sched', 'signal', 'time'],
  'linux/bpf.h': [],
  'linux/cgroup.h': ['sched', 'signal'],
  'linux/cgroup-defs.h': ['limits'],
  'linux/cpumask.h': [],
  'linux/cred.h': ['sched', 'signal'],
  'linux/dcache.h': ['fs', 'limits', 'time'],
  'linux/errno.h': ['errno'],
  'linux/fcntl.h': ['fcntl', 'stat'],
  'linux/fdtable.h': ['fs', 'sched'],
  'linux/fs.h': ['fs', 'stat', 'fcntl', 'limits', 'time', 'mm', 'errno', 'sched', 'signal'],
  'linux/genhd.h': ['block'],
  'linux/hrtimer.h': ['time'],
  'linux/icmp.h': ['icmp', 'in', 'netdevice', 'socket', 'socketTypes', 'time'],
  'linux/icmpv6.h': ['icmp6', 'in', 'netdevice', 'socket', 'socketTypes', 'time'],
  'linux/if_ether.h': ['netdevice'],
  'linux/in.h': ['in', 'errno', 'socket', 'socketTypes'],
  'linux/in6.h': ['in'],
  'linux/interrupt.h': [],
  'linux/ip.h': ['in', 'netdevice', 'socket', 'socketTypes'],
  'linux/ipv6.h': ['icmp6', 'in', 'netdevice', 'socket', 'socketTypes'],
  'linux/irq.h': [],
  'linux/irqdesc.h': [],
  'linux/kernel.h': ['stdint'],
  'linux/kprobes.h': [],
  'linux/ktime.h': ['time'],
  'linux/limits.h': ['limits'],
  'linux/mm.h': ['mm', 'mman', 'sched', 'signal', 'fs', 'limits'],
  'linux/mm_types.h': ['mm'],
  'linux/mman.h': ['mman'],
  'linux/module.h': ['stat', 'errno'],
  'linux/mount.h': ['fs'],
  'linux/netdevice.h': ['netdevice', 'socket', 'socketTypes', 'time'],
  'linux/nsproxy.h': ['sched', 'signal'],
  'linux/ns_common.h': [],
  'linux/nvme.h': ['block'],
  'linux/oom.h': ['sched', 'signal', 'mm'],
  'linux/path.h': [],
  'linux/pid.h': [],
  'linux/pid_namespace.h': ['sched', 'signal'],
  'linux/ptrace.h': ['sched', 'signal'],
  'linux/sched.h': ['sched', 'signal', 'limits', 'time'],
  'linux/signal.h': ['signal'],
  'linux/skbuff.h': ['netdevice', 'socket', 'socketTypes', 'time', 'mm'],
  'linux/slab.h': [],
  'linux/slab_def.h': [],
  'linux/slub_def.h': [],
  'linux/socket.h': ['socket', 'socketTypes'],
  'linux/stat.h': ['stat'],
  'linux/string.h': [],
  'linux/tcp.h': ['tcp', 'in', 'netdevice', 'socket', 'socketTypes', 'time'],
  'linux/time.h': ['time'],
  'linux/time64.h': ['time'],
  'linux/timer.h': ['time'],
  'linux/tty.h': ['signal'],
  'linux/types.h': ['stddef'],
  'linux/udp.h': ['in', 'netdevice', 'socket', 'socketTypes'],
  'linux/un.h': ['socket'],
  'linux/unistd.h': ['syscalls'],
  'linux/utsname.h': ['nodename', 'sched', 'signal'],
  'linux/workqueue.h': ['time'],
  'net/if.h': ['netdevice', 'socket'],
  'net/inet_sock.h': ['tcp', 'in', 'netdevice', 'socket', 'socketTypes', 'time'],
  'net/ip.h': ['in', 'netdevice', 'socket', 'socketTypes', 'time'],
  'net/ipv6.h': ['in', 'netdevice', 'socket', 'socketTypes', 'time'],
  'net/net_namespace.h': ['netdevice'],
  'net/mac80211.h': ['netdevice', 'socket', 'socketTypes', 'time'],
  'net/netfilter/nf_conntrack.h': ['in', 'netdevice', 'socket', 'socketTypes'],
  'net/sock.h': ['tcp', 'in', 'netdevice', 'socket', 'socketTypes', 'time', 'sched', 'signal', 'errno', 'mm'],
  'net/tcp.h': ['tcp', 'in', 'netdevice', 'socket', 'socketTypes', 'time'],
  'net/tcp_states.h': ['tcp'],
  'netinet/in.h': ['in', 'socket', 'socketTypes'],
  'netinet/ip.h': ['in'],
  'netinet/tcp.h': ['tcp'],
  'sched.h': ['sched'],
  'scsi/scsi_cmnd.h': ['block'],
  'signal.h': ['signal'],
  'stdbool.h': ['bool'],
  'stddef.h': ['stddef'],
  'stdint.h': ['stdint'],
  'stdio.h': ['stddef', 'fs'],
  'stdlib.h': ['stddef'],
  'string.h': ['stddef'],
  'sys/mman.h': ['mman'],
  'sys/resource.h': [],
  'sys/socket.h': ['socket', 'socketTypes'],
  'sys/stat.h': ['stat'],
  'sys/syscall.h': ['syscalls', 'SYS'],
  'sys/time.h': ['time'],
  'sys/types.h': ['stddef'],
  'sys/un.h': ['socket'],
  'sys/xattr.h': [],
  'syscall.h': ['syscalls', 'SYS'],
  'time.h': ['time', 'stddef'],
  'uapi/linux/fcntl.h': ['fcntl'],
  'uapi/linux/in.h': ['in'],
  'uapi/linux/ip.h': [],
  'uapi/linux/openat2.h': [],
  'uapi/linux/ptrace.h': [],
  'uapi/linux/tcp.h': ['tcp'],
  'unistd.h': ['stddef', 'fs'],
};

/** A row of the target's system call table. */
export interface SyscallNumber {
  readonly name: string;
  readonly number: number;
}

/** Text of a header that the simulated machine has, or undefined. */
export function virtualHeader(name: string, syscalls: readonly SyscallNumber[]): string | undefined {
  const supplies = Object.hasOwn(VIRTUAL_HEADERS, name) ? VIRTUAL_HEADERS[name]! : undefined;
  return supplies?.map((supply) => guarded(supply, constantsOf(supply, syscalls))).join('');
}

function constantsOf(
  supply: Supply,
  syscalls: readonly SyscallNumber[],
): readonly (readonly [string, number | string])[] {
  if (supply === 'syscalls') return syscalls.map(({ name, number }) => [`__NR_${name}`, number]);
  if (supply === 'SYS') return syscalls.map(({ name }) => [`SYS_${name}`, `__NR_${name}`]);
  return Object.entries<number | string>(HEADER_CONSTANTS[supply]);
}

/** Guarded, since several headers supply one group. A script's own `#define` of a name simply comes later. */
function guarded(supply: Supply, constants: readonly (readonly [string, number | string])[]): string {
  const lines = constants.map(([name, value]) => `#define ${name} ${value}\n`);
  const guard = `_TSBPFTRACE_${supply.toUpperCase()}`;
  return `#ifndef ${guard}\n#define ${guard}\n${lines.join('')}#endif\n`;
}
