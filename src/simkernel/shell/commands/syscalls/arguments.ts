import { fileName } from '../../../fs/d-path.ts';
import type { Machine } from '../../../machine.ts';
import { loadText } from '../../../memory/arena.ts';
import type { Syscall } from '../../../syscalls.ts';
import type { Task } from '../../../tasks/task.ts';
import { constantText } from './symbols.ts';
import type { ConstantName } from './symbols.ts';

/** How somebody writes system calls. */
export interface CallStyle {
  /** `O_RDONLY`, not `RDONLY`. */
  readonly prefixes: boolean;
  /** Characters of a text. */
  readonly textLimit: number;
  /** What is in buffers and structures, where a pointer would do. */
  readonly contents: boolean;
  /** `3</etc/passwd>` */
  readonly descriptorPaths: boolean;
}
interface Seen {
  readonly machine: Machine;
  readonly task: Task;
  readonly args: readonly bigint[];
  readonly style: CallStyle;
  /** What the call returned; undefined: it is only beginning. */
  readonly result: number | undefined;
}
type Show = (value: bigint, seen: Seen) => string;

const s32 = (value: bigint): number => Number(BigInt.asIntN(32, value));
const pointer = (value: bigint): string => (value === 0n ? 'NULL' : `0x${value.toString(16)}`);
const AT_FDCWD = -100;

/** Arena offset of user memory, or -1. */
const find = ({ task }: Seen, address: bigint, size: number): number =>
  task.process?.mm.find(Number(address), size) ?? -1;

/** As strace escapes what is no printable character of ASCII. */
function quoted(text: string, limit: number, isCut: boolean): string {
  let out = '';
  const shown = text.slice(0, limit);
  for (let i = 0; i < shown.length; i += 1) {
    const code = shown.charCodeAt(i);
    const named = ESCAPES[code];
    if (named !== undefined) out += named;
    else if (code >= 0x20 && code < 0x7f) out += shown[i]!;
    else out += `\\${/[0-7]/.test(shown[i + 1] ?? '') ? code.toString(8).padStart(3, '0') : code.toString(8)}`;
  }
  return `"${out}"${isCut || text.length > limit ? '...' : ''}`;
}
const ESCAPES: Readonly<Record<number, string>> = {
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};
const PATH_LIMIT = 4096;

const text: Show = (value, seen) => {
  const at = find(seen, value, 1);
  return at < 0 ? pointer(value) : quoted(loadText(seen.machine.arena.bytes, at, PATH_LIMIT), PATH_LIMIT, false);
};
/** So many bytes at an address. */
function bytesText(value: bigint, count: number, seen: Seen): string {
  const { style, machine } = seen;
  const shown = Math.min(count, style.textLimit);
  const at = find(seen, value, shown);
  if (at < 0) return pointer(value);
  return quoted(String.fromCharCode(...machine.arena.bytes.subarray(at, at + shown)), shown, count > shown);
}
/** A buffer that the call reads: its length is another argument. */
const inBuffer =
  (length: number): Show =>
  (value, seen) =>
    seen.style.contents ? bytesText(value, Number(seen.args[length]), seen) : pointer(value);
/** A buffer that the call fills: its length is what the call returns. */
const outBuffer: Show = (value, seen) =>
  seen.style.contents && seen.result !== undefined && seen.result >= 0
    ? bytesText(value, seen.result, seen)
    : pointer(value);

const descriptor: Show = (value, { task, style, machine }) => {
  const fd = s32(value);
  if (fd === AT_FDCWD) return style.prefixes ? 'AT_FDCWD' : 'CWD';
  const file = (style.descriptorPaths && task.process?.files.get(fd)) || null;
  return file === null ? String(fd) : `${fd}<${fileName(machine, file)}>`;
};
const constants =
  (name: ConstantName): Show =>
  (value, { style }) =>
    constantText(name, s32(value), style.prefixes);
const octal: Show = (value) => (value === 0n ? '000' : `0${(value & 0xffffn).toString(8)}`);

const timespec: Show = (value, seen) => {
  const at = seen.style.contents || !seen.style.prefixes ? find(seen, value, 16) : -1;
  if (at < 0) return pointer(value);
  const { view } = seen.machine.arena;
  const [seconds, ns] = [view.getUint32(at, true), view.getUint32(at + 8, true)];
  return `{${seen.style.prefixes ? 'tv_sec=' : '.tv_sec: '}${seconds}, ${seen.style.prefixes ? 'tv_nsec=' : '.tv_nsec: '}${ns}}`;
};
const FAMILY_UNIX = 1;
const FAMILY_INET = 2;
const FAMILY_INET6 = 10;
const UNIX_PATH = 2;
const SOCKADDR_BYTES = 16;
/** struct sockaddr of what it is for. */
const socketAddress: Show = (value, seen) => {
  const at = seen.style.contents || !seen.style.prefixes ? find(seen, value, SOCKADDR_BYTES) : -1;
  if (at < 0) return pointer(value);
  const { bytes, view } = seen.machine.arena;
  const family = view.getUint16(at, true);
  const name = constantText('family', family, seen.style.prefixes);
  const port = view.getUint16(at + 2, false);
  if (family === FAMILY_UNIX)
    return `{sa_family=${name}, sun_path=${quoted(loadText(bytes, at + UNIX_PATH, 108), 108, false)}}`;
  if (family === FAMILY_INET) {
    const address = bytes.subarray(at + 4, at + 8).join('.');
    return `{sa_family=${name}, sin_port=htons(${port}), sin_addr=inet_addr("${address}")}`;
  }
  if (family !== FAMILY_INET6) return `{sa_family=${name}}`;
  return `{sa_family=${name}, sin6_port=htons(${port}), ...}`;
};
const STAT_MODE = 24;
const STAT_SIZE = 48;
const STAT_BYTES = 144;
const KINDS: Readonly<Record<number, string>> = {
  0o1: 'S_IFIFO',
  0o2: 'S_IFCHR',
  0o4: 'S_IFDIR',
  0o6: 'S_IFBLK',
  0o10: 'S_IFREG',
  0o12: 'S_IFLNK',
  0o14: 'S_IFSOCK',
};
const stat: Show = (value, seen) => {
  const at = seen.style.contents && seen.result === 0 ? find(seen, value, STAT_BYTES) : -1;
  if (at < 0) return pointer(value);
  const { view } = seen.machine.arena;
  const mode = view.getUint32(at + STAT_MODE, true);
  const kind = KINDS[mode >> 12];
  return `{st_mode=${kind === undefined ? '' : `${kind}|`}0${(mode & 0o7777).toString(8)}, st_size=${view.getUint32(at + STAT_SIZE, true)}, ...}`;
};
/** Of pipe(): both ends. */
const descriptorPair: Show = (value, seen) => {
  const at = seen.style.contents && seen.result === 0 ? find(seen, value, 8) : -1;
  const { view } = seen.machine.arena;
  return at < 0 ? pointer(value) : `[${view.getInt32(at, true)}, ${view.getInt32(at + 4, true)}]`;
};
const exitStatus: Show = (value, seen) => {
  const at = seen.style.contents && (seen.result ?? -1) > 0 ? find(seen, value, 4) : -1;
  if (at < 0) return pointer(value);
  const status = seen.machine.arena.view.getInt32(at, true);
  const signal = status & 0x7f;
  return signal === 0
    ? `[{WIFEXITED(s) && WEXITSTATUS(s) == ${(status >> 8) & 0xff}}]`
    : `[{WIFSIGNALED(s) && WTERMSIG(s) == ${constantText('signal', signal, true)}}]`;
};
const WORD = 8;
const MOST_WORDS = 32;
const textArray: Show = (value, seen) => {
  if (!seen.style.contents) return pointer(value);
  const words: string[] = [];
  for (let i = 0; i < MOST_WORDS; i += 1) {
    const at = find(seen, value + BigInt(WORD * i), WORD);
    const address = at < 0 ? 0n : seen.machine.arena.view.getBigUint64(at, true);
    if (address === 0n) break;
    words.push(text(address, seen));
  }
  return `[${words.join(', ')}]`;
};
const textCount: Show = (value, seen) => {
  let count = 0;
  for (; count < 1024; count += 1) {
    const at = find(seen, value + BigInt(WORD * count), WORD);
    if (at < 0 || seen.machine.arena.view.getBigUint64(at, true) === 0n) break;
  }
  return seen.style.contents ? `${pointer(value)} /* ${count} vars */` : pointer(value);
};

/** Arguments that are more than a number or a pointer, by call and parameter or by parameter alone. */
const SHOWN: Readonly<Record<string, Show>> = {
  dfd: descriptor,
  olddfd: descriptor,
  newdfd: descriptor,
  fd: descriptor,
  in_fd: descriptor,
  out_fd: descriptor,
  epfd: descriptor,
  'read.buf': outBuffer,
  'pread64.buf': outBuffer,
  'readlink.buf': outBuffer,
  'recvfrom.ubuf': outBuffer,
  'write.buf': inBuffer(2),
  'pwrite64.buf': inBuffer(2),
  'sendto.buff': inBuffer(2),
  'open.flags': constants('open'),
  'openat.flags': constants('open'),
  'pipe2.flags': constants('closeOnExec'),
  'pipe2.fildes': descriptorPair,
  'pipe.fildes': descriptorPair,
  mode: octal,
  'access.mode': constants('access'),
  'faccessat.mode': constants('access'),
  'newfstatat.flag': constants('at'),
  'unlinkat.flag': constants('at'),
  'newfstatat.statbuf': stat,
  'fstat.statbuf': stat,
  'stat.statbuf': stat,
  'lstat.statbuf': stat,
  prot: constants('protection'),
  'mmap.flags': constants('map'),
  'mmap.fd': (value) => String(s32(value)),
  'mmap.addr': pointer,
  'mmap.off': (value) => (value === 0n ? '0' : pointer(value)),
  start: pointer,
  'munmap.addr': pointer,
  'brk.brk': pointer,
  'madvise.behavior': constants('advice'),
  whence: constants('whence'),
  sig: constants('signal'),
  'rt_sigprocmask.how': constants('sigmask'),
  'socket.family': constants('family'),
  'socket.type': constants('socketType'),
  'accept4.flags': constants('socketType'),
  'sendto.flags': constants('message'),
  'recvfrom.flags': constants('message'),
  'sendmsg.flags': constants('message'),
  'recvmsg.flags': constants('message'),
  uservaddr: socketAddress,
  umyaddr: socketAddress,
  'sendto.addr': socketAddress,
  'epoll_ctl.op': constants('epollOp'),
  'futex.op': constants('futexOp'),
  which_clock: constants('clock'),
  'clock_nanosleep.flags': constants('timerFlags'),
  rqtp: timespec,
  'futex.utime': timespec,
  'ppoll.tsp': timespec,
  'wait4.options': constants('wait'),
  'wait4.stat_addr': exitStatus,
  'clone.clone_flags': constants('clone'),
  'execve.argv': textArray,
  'execve.envp': textCount,
  'fcntl.cmd': constants('fcntl'),
  'getrandom.flags': constants('random'),
  'prlimit64.resource': constants('resource'),
  'arch_prctl.option': constants('archCode'),
};

/** Those that only the end of a call tells. */
const FILLED: ReadonlySet<Show> = new Set([outBuffer, stat, descriptorPair, exitStatus]);

function showOf({ name }: Syscall, { type, name: parameter }: Syscall['parameters'][number]): Show {
  const own = `${name}.${parameter}`;
  if (Object.hasOwn(SHOWN, own)) return SHOWN[own]!;
  if (Object.hasOwn(SHOWN, parameter)) return SHOWN[parameter]!;
  if (/^const char \*$/.test(type)) return text;
  if (type.includes('*')) return pointer;
  if (/^(unsigned int|u32|unsigned|uid_t|gid_t)$/.test(type)) return (value) => String(BigInt.asUintN(32, value));
  if (/^(int|pid_t|clockid_t|key_t|umode_t)$/.test(type)) return (value) => String(s32(value));
  return (value) => String(BigInt.asIntN(64, value));
}

const O_CREAT = 0o100n;
/** A file that is not made has no mode. */
function argumentCount({ parameters }: Syscall, args: readonly bigint[]): number {
  const flags = parameters.findIndex(({ name }) => name === 'flags');
  const isOpen = parameters[flags + 1]?.name === 'mode';
  return isOpen && ((args[flags] ?? 0n) & O_CREAT) === 0n ? flags + 1 : parameters.length;
}

/** The texts of a call's arguments from the first that `result` may have changed, or all before it. */
export function argumentTexts(
  call: Syscall,
  seen: Omit<Seen, 'result'>,
  result?: number,
): { readonly texts: readonly string[]; readonly known: number } {
  const shows = call.parameters.slice(0, argumentCount(call, seen.args)).map((parameter) => showOf(call, parameter));
  const first = shows.findIndex((show) => FILLED.has(show));
  const texts = shows.map((show, i) => show(seen.args[i] ?? 0n, { ...seen, result }));
  return { texts, known: first < 0 ? shows.length : first };
}
