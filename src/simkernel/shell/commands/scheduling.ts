import type { Task } from '../../tasks/task.ts';
import { errorText } from '../error-text.ts';
import { command, readOptions } from './command.ts';
import type { CommandContext, MakeCommand, Steps } from './command.ts';
import { become, missing, NOT_FOUND } from './launch.ts';

/** taskset, nice, renice, chrt: where tasks run, and before whom. */

const cannotExecute = (name: string): string => `failed to execute ${name}: No such file or directory`;

/** `0,2-3` or a mask as bits; undefined: neither. */
function cpuMask(text: string, isList: boolean): number | undefined {
  if (!isList) return /^(0x)?[\da-f]+$/i.test(text) ? Number.parseInt(text, 16) : undefined;
  let mask = 0;
  for (const part of text.split(',')) {
    const [first = Number.NaN, last = first] = part.split('-').map(Number);
    if (!Number.isInteger(first) || !Number.isInteger(last) || first > last) return undefined;
    for (let cpu = first; cpu <= last; cpu += 1) mask |= 1 << cpu;
  }
  return mask;
}
const maskText = (task: Task, all: number): string =>
  (task.boundTo === null ? 2 ** all - 1 : 1 << task.boundTo).toString(16);

const TASKSET: MakeCommand = command('taskset', function* (c, args) {
  const { options, operands } = readOptions(args, '', true);
  const { machine, u } = c;
  const isShow = options.has('p') && operands.length === 1;
  const pid = options.has('p') ? Number(operands.at(-1)) : u.task.pid;
  const task = machine.tasks.get(pid);
  if (operands.length === 0) return yield* c.complain("bad usage\nTry 'taskset --help' for more information.");
  if (task === undefined) return yield* c.complain(`failed to get pid ${operands.at(-1)!}'s affinity: No such process`);
  const before = maskText(task, machine.cpus);
  if (isShow) {
    yield* c.print(`pid ${pid}'s current affinity mask: ${before}\n`);
    return 0;
  }
  const mask = cpuMask(operands[0]!, options.has('c'));
  if (mask === undefined)
    return yield* c.complain(`failed to parse CPU ${options.has('c') ? 'list' : 'mask'}: ${operands[0]!}`);
  const at = u.buffer(8);
  u.store(at, 8, mask);
  const error = yield u.call('sched_setaffinity', pid, 8, at);
  if (error < 0) return yield* c.complain(`failed to set pid ${pid}'s affinity: ${errorText(error)}`);
  if (options.has('p')) {
    yield* c.print(
      `pid ${pid}'s current affinity mask: ${before}\npid ${pid}'s new affinity mask: ${maskText(task, machine.cpus)}\n`,
    );
    return 0;
  }
  const argv = operands.slice(1);
  if (yield* missing(c, argv, cannotExecute)) return NOT_FOUND;
  return yield* become(machine, u, argv);
});

const PRIO_PROCESS = 0;
const DEFAULT_NICE = 10;
const NICE: MakeCommand = command('nice', function* (c, args) {
  const { options, operands } = readOptions(
    args.map((arg, i) => (args[i - 1] === '-n' ? arg : arg.replace(/^-(-?\d+)$/, '-n$1'))),
    'n',
    true,
  );
  const nice = Number(options.get('n') ?? DEFAULT_NICE);
  if (!Number.isInteger(nice)) return yield* c.complain(`invalid adjustment '${options.get('n') ?? ''}'`);
  if (operands.length === 0) {
    yield* c.print(`${c.u.task.prio - 120}\n`);
    return 0;
  }
  if (yield* missing(c, operands, (name) => `'${name}': No such file or directory`)) return NOT_FOUND;
  yield c.u.call('setpriority', PRIO_PROCESS, 0, nice);
  return yield* become(c.machine, c.u, operands);
});
const RENICE: MakeCommand = command('renice', function* (c, args) {
  const { options, operands } = readOptions(args, 'np');
  const nice = Number(options.get('n') ?? operands[0]);
  const pid = Number(options.get('p') ?? operands.at(-1));
  const task = c.machine.tasks.get(pid);
  if (!Number.isInteger(nice) || task === undefined)
    return yield* c.complain(
      `failed to get priority for ${options.get('p') ?? operands.at(-1) ?? ''} (process ID): No such process`,
    );
  const before = task.prio - 120;
  yield c.u.call('setpriority', PRIO_PROCESS, pid, nice);
  yield* c.print(`${pid} (process ID) old priority ${before}, new priority ${task.prio - 120}\n`);
  return 0;
});

const POLICIES = { o: 'SCHED_OTHER', f: 'SCHED_FIFO', r: 'SCHED_RR' } as const;
const POLICY_LETTERS = Object.keys(POLICIES) as readonly (keyof typeof POLICIES)[];
const SCHED_FIFO = 1;
const SCHED_RR = 2;
const POLICY_NUMBERS: Record<keyof typeof POLICIES, number> = { o: 0, f: SCHED_FIFO, r: SCHED_RR };
/** struct sched_param */
const PARAM_SIZE = 4;

function* policyText(c: CommandContext, pid: number): Steps<string | number> {
  const { u } = c;
  const at = u.buffer(PARAM_SIZE);
  const policy = yield u.call('sched_getscheduler', pid);
  const error = policy < 0 ? policy : yield u.call('sched_getparam', pid, at);
  if (error < 0) return error;
  const name = POLICIES[POLICY_LETTERS.find((letter) => POLICY_NUMBERS[letter] === policy) ?? 'o'];
  return `scheduling policy: ${name}\npid ${pid}'s current scheduling priority: ${u.load(at, PARAM_SIZE)}\n`;
}
/** The valid priorities of each policy (chrt -m). */
const RANGES =
  'SCHED_OTHER min/max priority\t: 0/0\nSCHED_FIFO min/max priority\t: 1/99\nSCHED_RR min/max priority\t: 1/99\n';

const CHRT: MakeCommand = command('chrt', function* (c, args) {
  const { options, operands } = readOptions(args, '', true);
  const { u, machine } = c;
  if (options.has('m')) {
    yield* c.print(RANGES);
    return 0;
  }
  const letter = POLICY_LETTERS.find((candidate) => options.has(candidate));
  const ofPid = options.has('p');
  if (operands.length === 0 || (!ofPid && operands.length < 2))
    return yield* c.complain("bad usage\nTry 'chrt --help' for more information.");
  const pid = ofPid ? Number(operands.at(-1)) : 0;
  if (!Number.isInteger(pid)) return yield* c.complain(`invalid PID argument: '${operands.at(-1)!}'`);
  if (ofPid && operands.length === 1) {
    const text = yield* policyText(c, pid);
    if (typeof text === 'number') return yield* c.complain(`failed to get pid ${pid}'s policy: ${errorText(text)}`);
    yield* c.print(`pid ${pid}'s current ${text}`);
    return 0;
  }
  const priority = /^-?\d+$/.test(operands[0]!) ? Number(operands[0]) : undefined;
  if (priority === undefined) return yield* c.complain(`invalid priority argument: '${operands[0]!}'`);
  const policy = POLICY_NUMBERS[letter ?? 'r'];
  const isValid = policy === 0 ? priority === 0 : priority >= 1 && priority <= 99;
  if (!isValid)
    return yield* c.complain('unsupported priority value for the policy: ' + `${priority}: see --max for valid range`);
  const at = u.buffer(PARAM_SIZE);
  u.store(at, PARAM_SIZE, priority);
  const error = yield u.call('sched_setscheduler', pid, policy, at);
  if (error < 0) return yield* c.complain(`failed to set pid ${pid}'s policy: ${errorText(error)}`);
  if (ofPid) return 0;
  const argv = operands.slice(1);
  if (yield* missing(c, argv, cannotExecute)) return NOT_FOUND;
  return yield* become(machine, u, argv);
});

export const SCHEDULING_COMMANDS: readonly MakeCommand[] = [TASKSET, NICE, RENICE, CHRT];
