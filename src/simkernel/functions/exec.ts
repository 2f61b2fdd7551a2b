import { EACCES, EFAULT, ENOENT, ENOEXEC } from '../errno.ts';
import { kernelFunction } from '../execution/kernel-function.ts';
import type { KernelObject } from '../memory/arena.ts';
import { loadText } from '../memory/arena.ts';
import { executableAt } from '../programs/executables.ts';
import { createProcess, setComm, setProgram } from '../tasks/process.ts';
import { schedProcessExec } from '../tracepoints/sched.ts';
import { PATH_MAX } from './filename.ts';
import { exitMmap } from './mmap.ts';
import { callRcu } from './rcu.ts';
import { systemCall } from './syscall-table.ts';

/* fs/exec.c */

const beginNewExec = kernelFunction('begin_new_exec', 24_000, (m, bprm: Binary): number => {
  setComm(m, m.cpu.current, bprm.path.slice(bprm.path.lastIndexOf('/') + 1));
  return 0;
});
const loadElfBinary = kernelFunction('load_elf_binary', 65_000, (m, bprm: Binary): number => {
  beginNewExec(m, bprm);
  return 0;
});
/** struct linux_binprm. */
interface Binary extends KernelObject {
  readonly path: string;
}
const bprmExecve = kernelFunction('bprm_execve', 12_000, (m, bprm: Binary): number => {
  const task = m.cpu.current;
  const { process } = task;
  const image = executableAt(m, bprm.path);
  if (process === null || image === undefined) return m.fileSystem.find(bprm.path) === undefined ? -ENOENT : -EACCES;
  // No loader takes it: a library, or a program for another CPU.
  if (image.main === null) return -ENOEXEC;
  const loaded = loadElfBinary(m, bprm);
  if (loaded < 0) return loaded;
  const argv = process.execArguments;
  const old = process.mm;
  exitMmap(m, old);
  const fresh = createProcess(m, task, image);
  process.files.files.forEach((file, fd) => fresh.files.install(fd, file));
  callRcu(m, () => {
    old.release();
    process.files.release();
  });
  setProgram(m, task, fresh, (u) => u.run(argv));
  schedProcessExec(m, task, task.pid, bprm);
  return 0;
});
const doExecveatCommon = kernelFunction(
  'do_execveat_common.isra.0',
  4_000,
  (m, _fd: number, filename: number, _argv: number, _envp: number): number => {
    const { process } = m.cpu.current;
    const from = process?.mm.find(filename, 1) ?? -1;
    if (from < 0) return -EFAULT;
    return bprmExecve(m, { address: m.scratch, path: loadText(m.arena.bytes, from, PATH_MAX) });
  },
);
systemCall('execve', 25, (m, filename, argv, envp) => doExecveatCommon(m, 0, filename, argv, envp));
