import type { HelperFunctions } from '../../abi/helpers.ts';
import { ERRNO } from '../errno.ts';
import { MAP_OBJECT } from '../maps/bpf-map.ts';
import { STORAGE_CREATE, type TaskStorageMap } from '../maps/task-storage-map.ts';
import { returnPair, returnSigned, returnWord64, type HelperHost } from './helper-host.ts';
import { TASK_COMM_LEN } from '../../abi/linux.ts';

type TaskHelpers = Pick<
  HelperFunctions,
  | 'get_smp_processor_id'
  | 'get_current_pid_tgid'
  | 'get_current_uid_gid'
  | 'get_current_comm'
  | 'get_current_task'
  | 'get_numa_node_id'
  | 'get_current_cgroup_id'
  | 'get_current_task_btf'
  | 'get_current_ancestor_cgroup_id'
  | 'get_ns_current_pid_tgid'
  | 'get_attach_cookie'
  | 'send_signal'
  | 'send_signal_thread'
  | 'override_return'
  | 'get_func_ip'
  | 'session_is_return'
  | 'task_from_pid'
  | 'task_release'
  | 'task_storage_get'
  | 'task_storage_delete'
  | 'current_task_under_cgroup'
>;

/** PROC_PID_INIT_INO, on the device that stat shows for /proc/self/ns/pid. */
const PID_NAMESPACE = 0xefff_fffc | 0;
const NSFS_DEVICE = 4;

export function taskHelpers(host: HelperHost): TaskHelpers {
  const { kernel, arena, maps } = host;
  const { bytes, words } = arena;
  const { current, abi } = kernel;
  const mapIndexAt = (object: number): number => words[(object + MAP_OBJECT.index) >> 2]!;
  // The verifier admits only task storage as the map of these helpers.
  const storageAt = (object: number): TaskStorageMap => maps[mapIndexAt(object)] as TaskStorageMap;
  const taskAt = (low: number, high: number): number =>
    (low | high) === 0 ? -1 : arena.memory.kernelAddress(low, high, 8);
  return {
    get_smp_processor_id: () => returnPair(host, words[current.cpu >> 2]!, 0),
    get_current_pid_tgid: () => returnWord64(host, current.pidTgid),
    get_current_uid_gid: () => returnWord64(host, current.uidGid),
    get_current_task: () => returnWord64(host, current.task),
    get_current_task_btf: () => returnWord64(host, current.task),
    // strscpy_pad: always ended, and the rest zeroed.
    get_current_comm(to, size) {
      const length = Math.min(size - 1, TASK_COMM_LEN - 1);
      bytes.fill(0, to, to + size);
      for (let i = 0; i < length && bytes[current.comm + i] !== 0; i++) bytes[to + i] = bytes[current.comm + i]!;
      return returnSigned(host, 0);
    },
    get_func_ip: () => returnWord64(host, current.probedFunction),
    session_is_return: () => returnPair(host, host.run.atReturn ? 1 : 0, 0),
    // The task cannot go away while the program runs, so that its count of references need not change.
    task_from_pid(pid) {
      const task = kernel.taskAddress?.(pid) ?? 0;
      return returnPair(host, task, task === 0 ? 0 : kernel.memory.kernelHigh);
    },
    task_release: () => 0,
    task_storage_get(map, low, high, initial, flags, flagsHigh) {
      if (flagsHigh !== 0 || (flags & ~STORAGE_CREATE) !== 0) return 0;
      const task = taskAt(low, high);
      return task < 0 ? 0 : storageAt(map).valueOf(task, flags === STORAGE_CREATE, initial);
    },
    task_storage_delete(map, low, high) {
      const task = taskAt(low, high);
      return returnSigned(host, task < 0 ? -ERRNO.EINVAL : storageAt(map).remove(task));
    },
    // The index counts 32 bits of its argument; no element holds a group.
    current_task_under_cgroup: (map, index) =>
      returnSigned(host, index >>> 0 >= maps[mapIndexAt(map)]!.definition.maxEntries ? -ERRNO.E2BIG : -ERRNO.EAGAIN),
    get_numa_node_id: () => returnPair(host, 0, 0),
    get_current_cgroup_id: () => returnPair(host, kernel.currentCgroup?.() ?? ROOT_CGROUP, 0),
    get_current_ancestor_cgroup_id(level, levelHigh) {
      if (levelHigh !== 0) return returnPair(host, 0, 0);
      return returnPair(host, kernel.ancestorCgroup?.(level) ?? (level === 0 ? ROOT_CGROUP : 0), 0);
    },
    // All processes live in the first PID namespace.
    get_ns_current_pid_tgid(device, deviceHigh, inode, inodeHigh, to, size) {
      const isOurs = device === NSFS_DEVICE && deviceHigh === 0 && inode === PID_NAMESPACE && inodeHigh === 0;
      if (!isOurs || size !== 8) {
        bytes.fill(0, to, to + size);
        return returnSigned(host, -ERRNO.EINVAL);
      }
      // struct bpf_pidns_info: pid, tgid.
      bytes.copyWithin(to, current.pidTgid, current.pidTgid + 8);
      return returnSigned(host, 0);
    },
    // Nobody attaches with a cookie.
    get_attach_cookie: () => returnPair(host, host.run.cookie, 0),
    send_signal_thread: (signal) => returnSigned(host, kernel.sendSignal(words[current.pidTgid >> 2]!, signal)),
    // The high half of pid_tgid, the thread group, gets the signal.
    send_signal: (signal) => returnSigned(host, kernel.sendSignal(words[(current.pidTgid >> 2) + 1]!, signal)),
    // Returns at once from the probed function: its ip becomes that of a lone `ret` (arch/x86/lib/error-inject.c), or the
    // return address where a register has it (arch/arm64/lib/error-inject.c).
    override_return(context, low, high) {
      const link = abi.link === undefined ? undefined : (context + abi.link) >> 2;
      const target =
        link === undefined
          ? kernel.kernelSymbolAddress('just_return_func')
          : { low: words[link]!, high: words[link + 1]! };
      words[(context + abi.result) >> 2] = low;
      words[(context + abi.result + 4) >> 2] = high;
      if (target !== undefined) {
        words[(context + abi.ip) >> 2] = target.low;
        words[(context + abi.ip + 4) >> 2] = target.high;
      }
      return returnSigned(host, 0);
    },
  };
}

/** Id (inode number) of the root of the cgroup v2 tree on Linux. */
const ROOT_CGROUP = 1;
