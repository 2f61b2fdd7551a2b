import { EACCES, ENOEXEC } from '../../errno.ts';
import { kernelFunction, sleepingFunction } from '../../execution/kernel-function.ts';
import { wait } from '../../execution/pending.ts';
import type { Result, Sleeping } from '../../execution/pending.ts';
import { AT_FDCWD } from '../../fs/fcntl.ts';
import { startTransfer, transferScratch } from '../../fs/file.ts';
import type { File, Position } from '../../fs/file.ts';
import type { Machine } from '../../machine.ts';
import type { KernelObject } from '../../memory/arena.ts';
import { storeWord } from '../../memory/arena.ts';
import { structFields } from '../../memory/layout.ts';
import { executableAt } from '../../programs/executables.ts';
import type { Image } from '../../programs/image.ts';
import { PROGRAM_INTERPRETER } from '../../programs/libraries.ts';
import { createProcess, setComm, setProgram } from '../../tasks/process.ts';
import { schedProcessExec } from '../../tracepoints/sched.ts';
import { getname, getnameKernel, putname } from './filename.ts';
import type { CString, Filename } from './filename.ts';
import { GFP_KERNEL } from '../mm/gfp.ts';
import { exitMmap } from '../mm/mmap.ts';
import { doFileOpen } from './open.ts';
import { callRcu } from '../kernel/rcu.ts';
import { kfree, kmalloc } from '../mm/slab.ts';
import { systemCall } from '../x86/syscall-table.ts';
import { fput } from './vfs.ts';

/* fs/exec.c and fs/binfmt_elf.c */

const BINPRM = structFields('linux_binprm', { file: 'file', filename: 'filename', interp: 'interp' });
const MAY_EXEC = 0o111;
/** include/linux/fs.h: __FMODE_EXEC */
const FMODE_EXEC = 0x20;
/** The ELF header and what fits behind it, and the program headers of the interpreter. */
const BINPRM_BUF_SIZE = 256;
const HEADERS_BYTES = 64 + 11 * 56;

/** struct linux_binprm: the program that is being started. */
interface Binary extends KernelObject {
  readonly path: string;
  readonly file: File;
  /** What the file holds; undefined: no program. */
  readonly image: Image | undefined;
}

// Opening.

const doOpenExecat = sleepingFunction(
  'do_open_execat',
  40,
  function* (m, fd: number, name: Filename, _flags: number): Sleeping<File | number> {
    const file = yield* wait(doFileOpen(m, fd, name, { address: m.scratch, flags: FMODE_EXEC, mode: 0 }));
    if (typeof file === 'number') return file;
    const { inode } = file;
    if (!inode.isDirectory && (inode.mode & MAY_EXEC) !== 0) return file;
    fput(m, file);
    return -EACCES;
  },
);
/** Of the interpreter that an executable names. */
const openExec = sleepingFunction('open_exec', 20, function* (m, name: CString): Sleeping<File | number> {
  const filename = getnameKernel(m, name);
  const file = yield* wait(doOpenExecat(m, AT_FDCWD, filename, 0));
  putname(m, filename);
  return file;
});
/** Reads into the kernel's memory; files that are made up when read are not read for that. */
const kernelRead = kernelFunction(
  'kernel_read',
  30,
  (m, file: File, _buf: KernelObject, count: number, pos: Position): Result => {
    const { operations, contents } = file.inode;
    if (contents !== null || operations.readIter === undefined) return count;
    const transfer = transferScratch(m, file);
    startTransfer(m, transfer, file, 0, count, pos.value);
    return operations.readIter(m, transfer.iocb, transfer.iter);
  },
);
const readHead = (m: Machine, file: File, count: number): Result =>
  kernelRead(m, file, { address: m.scratch }, count, { address: m.scratch, value: 0 });

// Loading.

/** The point of no return: the old memory goes, with what it was made from. */
const beginNewExec = kernelFunction('begin_new_exec', 19_000, (m, bprm: Binary): number => {
  const task = m.cpu.current;
  const { process } = task;
  if (process !== null) {
    exitMmap(m, process.mm);
    if (process.exeFile !== null) fput(m, process.exeFile);
    process.exeFile = null;
  }
  setComm(m, task, bprm.path.slice(bprm.path.lastIndexOf('/') + 1));
  return 0;
});
const setupNewExec = kernelFunction('setup_new_exec', 900, (_m, _bprm: Binary): void => {});
const setupArgPages = kernelFunction(
  'setup_arg_pages',
  3_500,
  (_m, _bprm: Binary, _stackTop: number, _executableStack: number): number => 0,
);
const finalizeExec = kernelFunction('finalize_exec', 60, (_m, _bprm: Binary): void => {});
const MAP_SEGMENTS_NS = 38_000;
const STACK_TOP = 0x7fff_ffff_f000;

const loadElfBinary = sleepingFunction('load_elf_binary', 7_000, function* (m, bprm: Binary) {
  yield* wait(readHead(m, bprm.file, HEADERS_BYTES));
  const interpreter = yield* wait(openExec(m, { address: m.scratch, path: PROGRAM_INTERPRETER }));
  if (typeof interpreter === 'number') return interpreter;
  yield* wait(readHead(m, interpreter, HEADERS_BYTES));
  beginNewExec(m, bprm);
  setupNewExec(m, bprm);
  setupArgPages(m, bprm, STACK_TOP, 0);
  m.spend(MAP_SEGMENTS_NS);
  fput(m, interpreter);
  finalizeExec(m, bprm);
  return 0;
});
const securityBprmCheck = kernelFunction('security_bprm_check', 30, (_m, _bprm: Binary): number => 0);

const allocBprm = sleepingFunction(
  'alloc_bprm',
  900,
  function* (m, fd: number, filename: Filename, flags: number): Sleeping<Binary | number> {
    const image = executableAt(m, filename.path);
    const file = yield* wait(doOpenExecat(m, fd, filename, flags));
    if (typeof file === 'number') return file;
    const bprm = Object.assign(kmalloc(m, BINPRM.size, GFP_KERNEL), { path: filename.path, file, image });
    storeWord(m.words, bprm.address + BINPRM.file, file);
    storeWord(m.words, bprm.address + BINPRM.filename, filename.name);
    storeWord(m.words, bprm.address + BINPRM.interp, filename.name);
    return bprm;
  },
);
const freeBprm = kernelFunction('free_bprm', 120, (m, bprm: Binary): void => {
  fput(m, bprm.file);
  kfree(m, bprm);
});

/** The program runs on in a process of its own; files, task and number stay. */
function enter(m: Machine, image: Image, bprm: Binary): void {
  const task = m.cpu.current;
  const process = task.process!;
  const argv = process.execArguments;
  const old = process.mm;
  const fresh = createProcess(m, task, image);
  process.files.files.forEach((file, fd) => fresh.files.install(fd, file));
  callRcu(m, () => {
    old.release();
    process.files.release();
  });
  // mm->exe_file
  bprm.file.references += 1;
  fresh.exeFile = bprm.file;
  setProgram(m, task, fresh, (u) => u.start(argv));
  schedProcessExec(m, task, task.pid, bprm);
}
const bprmExecve = sleepingFunction('bprm_execve', 8_000, function* (m, bprm: Binary) {
  const { image } = bprm;
  yield* wait(readHead(m, bprm.file, BINPRM_BUF_SIZE));
  const refused = securityBprmCheck(m, bprm);
  // No loader takes it: a library, text, or a program for another CPU.
  if (refused !== 0 || image === undefined || image.main === null) return refused !== 0 ? refused : -ENOEXEC;
  const loaded = yield* wait(loadElfBinary(m, bprm));
  if (loaded === 0) enter(m, image, bprm);
  return loaded;
});
const doExecveatCommon = sleepingFunction(
  'do_execveat_common.isra.0',
  3_000,
  function* (m, fd: number, filename: Filename, _argv: number, _envp: number) {
    const bprm = yield* wait(allocBprm(m, fd, filename, 0));
    if (typeof bprm === 'number') return bprm;
    const status = yield* wait(bprmExecve(m, bprm));
    freeBprm(m, bprm);
    return status;
  },
);
systemCall('execve', 25, (m, filename, argv, envp) => {
  const name = getname(m, filename, 0);
  if (typeof name === 'number') return name;
  return thenPut(m, name, doExecveatCommon(m, AT_FDCWD, name, argv, envp));
});
function thenPut(m: Machine, name: Filename, status: Result): Result {
  const put = (result: number): number => {
    putname(m, name);
    return result;
  };
  return typeof status === 'number' ? put(status) : status.then(put);
}
