import { EINVAL } from '../../errno.ts';
import { SETTING_FILES } from '../../functions/fs/proc-sys.ts';
import type { Machine } from '../../machine.ts';
import { loadedModules } from '../../modules/loader.ts';
import { allowOptimizing, optimizingAllowed } from '../../probes/register-kprobe.ts';
import { MAX_STACK_DEPTH } from '../../probes/stack.ts';
import { HOST_NAME, KERNEL_RELEASE, KERNEL_VERSION } from '../../version.ts';
import type { FileSystem } from '../file-system.ts';

/** A file of /proc/sys: what the machine is set to, and, where it can be, how it is set otherwise. */
export interface Setting {
  read(m: Machine): string | number;
  /** 0 or a negative error number. */
  write?(m: Machine, text: string): number;
}
const fixed = (value: string | number): Setting => ({ read: () => value });
/** proc_dointvec_minmax() between 0 and 1. */
const onOff = (read: (m: Machine) => boolean, write: (m: Machine, on: boolean) => void): Setting => ({
  read: (m) => (read(m) ? 1 : 0),
  write(m, text) {
    if (!/^[01]$/.test(text.trim())) return -EINVAL;
    write(m, text.trim() === '1');
    return 0;
  },
});

/** TAINT_OOT_MODULE: a module that did not come with the kernel. */
const TAINT_OUT_OF_TREE = 4096;
/** DEFAULT_MAX_SAMPLE_RATE */
const MAX_SAMPLE_RATE = 100_000;
/** PID_MAX_LIMIT */
const PID_MAX = 4_194_304;

/** All of them by the names that sysctl(8) has. */
export const SETTINGS: Readonly<Record<string, Setting>> = {
  'debug.kprobes-optimization': onOff(optimizingAllowed, allowOptimizing),
  'kernel.dmesg_restrict': fixed(0),
  'kernel.hostname': fixed(HOST_NAME),
  'kernel.kptr_restrict': fixed(0),
  'kernel.osrelease': fixed(KERNEL_RELEASE),
  'kernel.ostype': fixed('Linux'),
  'kernel.perf_event_max_sample_rate': fixed(MAX_SAMPLE_RATE),
  'kernel.perf_event_max_stack': fixed(MAX_STACK_DEPTH),
  'kernel.perf_event_paranoid': fixed(-1),
  'kernel.pid_max': fixed(PID_MAX),
  'kernel.randomize_va_space': fixed(0),
  'kernel.tainted': {
    read: (m) => ([...loadedModules(m).values()].some(({ isOutOfTree }) => isOutOfTree) ? TAINT_OUT_OF_TREE : 0),
  },
  'kernel.unprivileged_bpf_disabled': fixed(2),
  'kernel.version': fixed(KERNEL_VERSION),
};
export const settingPath = (name: string): string => `/proc/sys/${name.replaceAll('.', '/')}`;

export function addSettings(fileSystem: FileSystem): void {
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const inode = fileSystem.procFile(settingPath(name), (m) => `${setting.read(m)}\n`, SETTING_FILES);
    inode.channel = setting;
  }
}
