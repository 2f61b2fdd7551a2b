import { HOST_NAME, unameParts } from '../../version.ts';
import { formatLogLine } from '../../printk.ts';
import { errorText } from '../error-text.ts';
import { command, joinLines, readOptions } from './command.ts';
import type { MakeCommand } from './command.ts';
import { readPath } from '../output.ts';
import { SECOND } from '../../time/units.ts';
import { PATH_MAX } from '../../functions/filename.ts';

/** What seq writes at a time, so that a reader who has enough ends it. */
const LINES_AT_ONCE = 512;

export const SYSTEM_COMMANDS: readonly MakeCommand[] = [
  command('true', function* (c) {
    yield c.u.work(5_000);
    return 0;
  }),
  command('false', function* (c) {
    yield c.u.work(5_000);
    return 1;
  }),
  command('sleep', function* (c, args) {
    const seconds = args.reduce((sum, text) => sum + Number(text.replace(/s$/, '')), 0);
    if (args.length === 0 || !(seconds >= 0) || seconds === Infinity)
      return yield* c.complain(`invalid time interval '${args.join(' ')}'`);
    yield c.u.nanosleep(seconds * SECOND);
    return 0;
  }),
  command('seq', function* (c, args) {
    if (args.length === 0) return yield* c.complain('missing operand');
    const wrong = args.find((text) => text === '' || !Number.isFinite(Number(text)));
    if (wrong !== undefined) return yield* c.complain(`invalid floating point argument: '${wrong}'`);
    const numbers = args.map(Number);
    const [first, step, last] = [
      args.length === 1 ? 1 : numbers[0]!,
      args.length === 3 ? numbers[1]! : 1,
      numbers.at(-1)!,
    ];
    if (step === 0) return yield* c.complain(`invalid Zero increment value: '${args[1]}'`);
    const count = Math.max(0, Math.floor((last - first) / step) + 1);
    for (let from = 0; from < count; from += LINES_AT_ONCE) {
      const length = Math.min(LINES_AT_ONCE, count - from);
      yield* c.print(joinLines(Array.from({ length }, (_, i) => String(first + (from + i) * step))));
    }
    return 0;
  }),
  command('uname', function* (c, args) {
    const extra = args.find((arg) => !arg.startsWith('-'));
    if (extra !== undefined) return yield* c.complain(`extra operand '${extra}'`);
    const letters = args.join('');
    const parts = unameParts(c.machine.abi.machine);
    const wanted = parts.filter(([letter]) => letters.includes('a') || letters.includes(letter));
    yield* c.print(`${(wanted.length === 0 ? parts.slice(0, 1) : wanted).map(([, text]) => text).join(' ')}\n`);
    return 0;
  }),
  command('hostname', function* (c) {
    yield* c.print(`${HOST_NAME}\n`);
    return 0;
  }),
  command('id', function* (c) {
    yield* c.print('uid=0(root) gid=0(root) groups=0(root)\n');
    return 0;
  }),
  command('uptime', function* (c) {
    const uptime = yield* readPath(c.u, '/proc/uptime');
    const load = yield* readPath(c.u, '/proc/loadavg');
    const minutes = Math.floor(Number.parseFloat(String(uptime)) / 60);
    yield* c.print(` up ${minutes} min,  load average: ${String(load).split(' ').slice(0, 3).join(', ')}\n`);
    return 0;
  }),
  command('dmesg', function* (c, args) {
    const { options } = readOptions(args);
    const { kernelLog } = c.machine;
    if (!options.has('C'))
      yield* c.print(kernelLog.map((line) => (options.has('t') ? `${line.text}\n` : formatLogLine(line))).join(''));
    if (options.has('C') || options.has('c')) kernelLog.splice(0);
    return 0;
  }),
  command('rm', function* (c, args) {
    let status = 0;
    const { options, operands } = readOptions(args);
    for (const path of operands) {
      const error = yield c.u.paths('unlink', [path]);
      if (error < 0 && !options.has('f')) status = yield* c.complain(`cannot remove '${path}': ${errorText(error)}`);
    }
    return status;
  }),
  command('mkdir', function* (c, args) {
    let status = 0;
    for (const path of readOptions(args).operands) {
      const error = yield c.u.call('mkdir', c.u.string(path), 0o755);
      if (error < 0) status = yield* c.complain(`cannot create directory '${path}': ${errorText(error)}`);
    }
    return status;
  }),
  command('rmdir', function* (c, args) {
    let status = 0;
    for (const path of readOptions(args).operands) {
      const error = yield c.u.paths('rmdir', [path]);
      if (error < 0) status = yield* c.complain(`failed to remove '${path}': ${errorText(error)}`);
    }
    return status;
  }),
  command('ln', function* (c, args) {
    const { options, operands } = readOptions(args);
    const [target = '', name = target.slice(target.lastIndexOf('/') + 1)] = operands;
    const kind = options.has('s') ? 'symlink' : 'link';
    const error = yield c.u.paths(kind, [target, name]);
    const what = kind === 'symlink' ? 'symbolic link' : 'hard link';
    return error < 0 ? yield* c.complain(`failed to create ${what} '${name}': ${errorText(error)}`) : 0;
  }),
  command('readlink', function* (c, args) {
    let status = 0;
    const buffer = c.u.buffer(PATH_MAX);
    for (const path of readOptions(args).operands) {
      const length = (yield c.u.call('readlink', c.u.string(path), buffer, PATH_MAX)) as number;
      if (length < 0) status = 1;
      else yield* c.print(`${c.u.text(buffer, length)}\n`);
    }
    return status;
  }),
  command('dd', function* (c, args) {
    const of = (key: string, fallback: string): string =>
      args.find((arg) => arg.startsWith(`${key}=`))?.slice(key.length + 1) ?? fallback;
    const size = Number(of('bs', '512').replace(/k$/i, '')) * (/k$/i.test(of('bs', '512')) ? 1024 : 1);
    const fd = yield c.u.openat(of('if', '/dev/zero'));
    if (fd < 0) return yield* c.complain(`failed to open '${of('if', '')}': ${errorText(fd)}`);
    const buffer = c.u.buffer(size);
    const started = c.machine.now();
    let bytes = 0;
    let records = 0;
    for (const blocks = Number(of('count', '1')); records < blocks; records += 1) {
      const count = yield c.u.read(fd, buffer, size);
      if (count <= 0) break;
      bytes += count;
    }
    const seconds = (c.machine.now() - started) / SECOND;
    yield* c.print(`${records}+0 records in\n${bytes} bytes copied, ${seconds.toFixed(6)} s\n`);
    return 0;
  }),
];
