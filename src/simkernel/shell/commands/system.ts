import { HOST_NAME, unameParts } from '../../version.ts';
import { formatLogLine } from '../../printk.ts';
import { command, joinLines, readOptions } from './command.ts';
import type { MakeCommand } from './command.ts';
import { readPath } from '../output.ts';
import { USERS } from '../../tasks/users.ts';
import { SECOND } from '../../time/units.ts';

/** What seq writes at a time, so that a reader who has enough ends it. */
const LINES_AT_ONCE = 512;

/** `uid=0(root) gid=0(root) groups=0(root)`, or one of them; every user has a group of his name. */
function identity(uid: number, options: ReadonlyMap<string, string>): string {
  const name = USERS.get(uid) ?? String(uid);
  if (options.size > 0) return options.has('n') ? name : String(uid);
  return `uid=${uid}(${name}) gid=${uid}(${name}) groups=${uid}(${name})`;
}

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
  command('hostname', function* (c, args) {
    const { options, operands } = readOptions(args);
    if (operands.length > 0) return yield* c.complain('this machine keeps its name');
    if (yield* c.refusesOptions(options, 'fs')) return 255;
    yield* c.print(`${HOST_NAME}\n`);
    return 0;
  }),
  command('id', function* (c, args) {
    const { options, operands } = readOptions(args);
    if (yield* c.refusesOptions(options, 'ugGn')) return 1;
    let status = 0;
    for (const name of operands.length === 0 ? ['root'] : operands) {
      const uid = [...USERS].find(([id, user]) => user === name || String(id) === name)?.[0];
      if (uid === undefined) status = yield* c.complain(`'${name}': no such user`);
      else yield* c.print(`${identity(uid, options)}\n`);
    }
    return status;
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
];
