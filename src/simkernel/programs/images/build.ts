import type { Image, UserBody, UserStep } from '../image.ts';
import type { UserContext } from '../user.ts';
import { MS } from '../../time/units.ts';
import { O_RDONLY, O_WRONLY, O_CREAT, O_TRUNC } from '../../fs/fcntl.ts';

/** Directories in which a header is looked for, in this order. */
const INCLUDE_PATH = ['/src/include', '/usr/local/include', '/usr/include'];
const HEADERS = ['stdio.h', 'stdlib.h', 'string.h', 'config.h', 'errno.h', 'unistd.h', 'project.h', 'table.h'];
const SOURCES = 48;
const JOBS = 5;
const STAT_BYTES = 256;

function* readAll(u: UserContext, path: string, buffer: number): UserBody {
  const fd = (yield u.openat(path, O_RDONLY)) as number;
  if (fd < 0) return -1;
  yield u.call('fstat', fd, u.sharedBuffer('stat', STAT_BYTES));
  while (((yield u.read(fd, buffer, 16_384)) as number) > 0) yield u.work(u.random.logNormal(9_000, 0.4));
  yield u.close(fd);
  return 0;
}
function* writeFile(u: UserContext, path: string, buffer: number, bytes: number): UserBody {
  const fd = (yield u.openat(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)) as number;
  if (fd < 0) return 1;
  for (let left = bytes; left > 0; left -= 4096) yield u.write(fd, buffer, Math.min(4096, left));
  yield u.close(fd);
  return 0;
}
/** Number of the source file that a command line is about. */
const number = (argv: readonly string[]): string => /file(\d+)/.exec(argv.join(' '))?.[1] ?? '0';
const compileLine = (n: number): readonly string[] => [
  'cc',
  '-O2',
  '-Iinclude',
  '-c',
  `file${n}.c`,
  '-o',
  `obj/file${n}.o`,
];

/** The compiler proper: reads the source and its headers, thinks, writes assembler. */
const CC1: Image = {
  path: '/usr/libexec/gcc/cc1',
  symbols: ['main', 'toplev_main', 'c_parse_file', 'execute_pass_list'],
  *main(u, argv) {
    const buffer = u.buffer(16_384);
    u.in('main', 'toplev_main', 'c_parse_file');
    yield* readAll(u, `/src/file${number(argv)}.c`, buffer);
    for (let i = u.random.between(3, HEADERS.length); i > 0; i -= 1) {
      const header = u.random.pick(HEADERS);
      for (const directory of INCLUDE_PATH) if ((yield* readAll(u, `${directory}/${header}`, buffer)) === 0) break;
    }
    const heap = (yield u.mmap(2 * 1_048_576, 3, 0x22)) as number;
    for (let page = 0; page < 160; page += 1) yield* u.access(heap + 4096 * page);
    u.in('main', 'toplev_main', 'execute_pass_list');
    yield u.work(u.random.logNormal(38 * MS, 0.5));
    yield* writeFile(u, `/tmp/cc${number(argv)}.s`, buffer, u.random.between(6_000, 60_000));
    return 0;
  },
};
const AS: Image = {
  path: '/usr/bin/as',
  symbols: ['main', 'perform_an_assembly_pass', 'write_object_file'],
  *main(u, argv) {
    const buffer = u.buffer(16_384);
    yield* readAll(u, `/tmp/cc${number(argv)}.s`, buffer);
    u.in('main', 'perform_an_assembly_pass');
    yield u.work(u.random.logNormal(4 * MS, 0.4));
    u.in('main', 'write_object_file');
    yield* writeFile(u, `/src/obj/file${number(argv)}.o.tmp`, buffer, u.random.between(3_000, 40_000));
    return 0;
  },
};
/** The driver: runs compiler and assembler, moves the result into place, removes what is left. */
const CC: Image = {
  path: '/usr/bin/cc',
  symbols: ['main', 'execute', 'delete_temp_files'],
  *main(u, argv) {
    const n = number(argv);
    const lines = [
      [CC1.path, '-quiet', '-I', 'include', `file${n}.c`, '-O2', '-o', `/tmp/cc${n}.s`],
      [AS.path, '--64', '-o', `obj/file${n}.o.tmp`, `/tmp/cc${n}.s`],
    ];
    for (const line of lines) {
      u.in('main', 'execute');
      const child = (yield u.fork(function* (v) {
        yield v.execve(line[0]!, line);
        return 127;
      })) as number;
      yield u.wait4(child);
    }
    yield u.paths('rename', [`/src/obj/file${number(argv)}.o.tmp`, `/src/obj/file${number(argv)}.o`]);
    u.in('main', 'delete_temp_files');
    yield u.paths('unlink', [`/tmp/cc${number(argv)}.s`]);
    return 0;
  },
};
const LD: Image = {
  path: '/usr/bin/ld',
  symbols: ['main', 'load_symbols', 'ldwrite'],
  *main(u) {
    const buffer = u.buffer(16_384);
    u.in('main', 'load_symbols');
    for (let i = 0; i < SOURCES; i += 4) yield* readAll(u, `/src/obj/file${i}.o`, buffer);
    yield u.work(25 * MS);
    u.in('main', 'ldwrite');
    yield* writeFile(u, '/src/program', buffer, 400_000);
    return 0;
  },
};

const OBJECTS = Array.from({ length: SOURCES / 4 }, (_, i) => `obj/file${4 * i}.o`);

/** GNU make's job server: a pipe with a token for each job that may run; sub-makes would take theirs from it, too. */
interface JobServer {
  readonly readEnd: number;
  readonly writeEnd: number;
  readonly buffer: number;
}
function* openJobServer(u: UserContext): Generator<UserStep, JobServer, number> {
  const buffer = u.buffer(16);
  yield u.call('pipe2', buffer, 0);
  const [readEnd, writeEnd] = [u.load(buffer, 4), u.load(buffer + 4, 4)];
  for (let token = 0; token < JOBS; token += 1) yield u.write(writeEnd, buffer, 1);
  return { readEnd, writeEnd, buffer };
}

/** make -j: looks whether each target is there, runs a shell for each rule, never more than some at once. */
export const MAKE: Image = {
  path: '/usr/bin/make',
  symbols: ['main', 'update_goal_chain', 'file_mtime', 'start_job_command', 'reap_children'],
  *main(u) {
    const stat = u.buffer(STAT_BYTES);
    const tokens = yield* openJobServer(u);
    for (;;) {
      let running = 0;
      for (let i = 0; i < SOURCES; i += 1) {
        u.in('main', 'update_goal_chain', 'file_mtime');
        yield u.call('stat', u.string(`/src/obj/file${i}.o`), stat);
        yield u.call('stat', u.string(`/src/file${i}.c`), stat);
        if (running >= JOBS) {
          u.in('main', 'reap_children');
          yield u.wait4(-1);
          yield u.write(tokens.writeEnd, tokens.buffer, 1);
          running -= 1;
        }
        u.in('main', 'update_goal_chain', 'start_job_command');
        yield u.read(tokens.readEnd, tokens.buffer, 1);
        yield u.fork(function* (v) {
          // The shell looks along PATH.
          yield v.execve('/usr/local/bin/cc', compileLine(i));
          yield v.execve(CC.path, compileLine(i));
          return 127;
        });
        running += 1;
      }
      u.in('main', 'reap_children');
      for (; running > 0; running -= 1) {
        yield u.wait4(-1);
        yield u.write(tokens.writeEnd, tokens.buffer, 1);
      }
      const linker = (yield u.fork(function* (v) {
        yield v.execve(LD.path, ['ld', '-o', 'program', ...OBJECTS]);
        return 127;
      })) as number;
      yield u.wait4(linker);
      // make clean, and once more.
      for (let i = 0; i < SOURCES; i += 1) yield u.paths('unlink', [`/src/obj/file${i}.o`]);
    }
  },
};
export const TOOLCHAIN: readonly Image[] = [CC, CC1, AS, LD];
/** Where the headers are that the compiler finds. */
export const HEADER_FILES = HEADERS.map((name, i) => `${i < 4 ? '/usr/include' : '/src/include'}/${name}`);
export const SOURCE_FILES = Array.from({ length: SOURCES }, (_, i) => `/src/file${i}.c`);
