import type { Machine } from '../../../machine.ts';
import { prototypeNamed } from '../../../probes/symbols.ts';
import { glob } from '../../../tracefs/filter.ts';
import { probeEvents } from '../../../tracefs/probe-events.ts';
import { traceArray } from '../../../tracefs/trace-array.ts';
import { errorText } from '../../error-text.ts';
import { joinLines, type CommandContext, type Steps } from '../command.ts';

const KPROBE_EVENTS = '/sys/kernel/tracing/kprobe_events';
const O_APPEND_WRITE = 0o2001;

/** The registers of arguments by the names of kprobe_events. */
function argumentRegisters({ abi }: Machine): readonly string[] {
  const names = new Map(Object.entries(abi.registers).map(([name, offset]) => [offset, `%${name}`]));
  return abi.arguments.map((offset) => names.get(offset)!);
}

/** `do_sys_openat2 filename:string dfd`, `do_sys_openat2%return $retval`: the command for kprobe_events. */
function probeDefinition(
  m: Machine,
  spec: string,
): { readonly name: string; readonly line: string; readonly place: string } {
  const equals = /^(\w+)=/.exec(spec);
  const [place = '', ...args] = spec.slice(equals?.[0].length ?? 0).split(/\s+/);
  const isReturn = place.endsWith('%return');
  const fn = place.replace(/%return$/, '').replace(/\+.*$/, '');
  const name = equals?.[1] ?? (isReturn ? `${fn}__return` : fn);
  const parameters = prototypeNamed(m, fn)?.parameters ?? [];
  const registers = argumentRegisters(m);
  const words = args.map((arg) => {
    const [variable = '', type] = arg.split(':');
    const index = parameters.findIndex((parameter) => parameter.name === variable);
    if (index < 0) return arg;
    const register = registers[index] ?? registers[0];
    const isText = type === 'string' || type === 'ustring';
    return `${variable}${isText ? '_string' : ''}=${isText ? `+0(${register})` : register}${type === undefined ? '' : `:${type}`}`;
  });
  const target = place.replace(/%return$/, '');
  return { name, place, line: [`${isReturn ? 'r' : 'p'}:probe/${name}`, target, ...words].join(' ') };
}

function* writeProbes(c: CommandContext, line: string): Steps<number> {
  const fd = yield c.u.openat(KPROBE_EVENTS, O_APPEND_WRITE);
  if (fd < 0) return fd;
  const error = yield c.u.write(fd, c.u.string(line), line.length);
  yield c.u.close(fd);
  return error;
}

/** perf probe: kprobe events by the names of a function's parameters. */
export function* perfProbe(c: CommandContext, args: readonly string[]): Steps<number> {
  const [option = '', spec = ''] = args[0]?.startsWith('--add=') === true ? ['-a', args[0].slice(6)] : args;
  const array = traceArray(c.machine);
  if (option === '-l' || option === '--list') {
    const lines = probeEvents(array, 'kprobe').map((event) => {
      const { system, name, isReturn } = event;
      const {
        args: fetched,
        place: { text: place },
      } = event.sources[0]!;
      const names = fetched.map((arg) => arg.name);
      const what = names.length === 0 ? '' : ` with ${names.join(' ')}`;
      return `  ${`${system}:${name}`.padEnd(20)} (on ${place}${isReturn ? '%return' : ''}${what})`;
    });
    yield* c.print(joinLines(lines));
    return 0;
  }
  if (option === '-d' || option === '--del') {
    const [system, name] = spec.includes(':') ? spec.split(':') : ['*', spec];
    const gone = probeEvents(array, 'kprobe').filter(
      (event) => glob(system!).test(event.system) && glob(name!).test(event.name),
    );
    if (gone.length === 0)
      return yield* c.complain(`"${spec}" does not hit any event.\n  Error: Failed to delete events.`);
    for (const event of gone) {
      yield* writeProbes(c, `-:${event.system}/${event.name}\n`);
      yield* c.print(`Removed event: ${event.system}:${event.name}\n`);
    }
    return 0;
  }
  const wanted = option === '-a' || option === '--add' ? args.slice(1).join(' ') : args.join(' ');
  if (wanted === '') return yield* c.complain('probe: give a probe with -a, or -l, or -d');
  const { name, line, place } = probeDefinition(c.machine, wanted);
  const error = yield* writeProbes(c, `${line}\n`);
  if (error < 0) {
    const fn = place.replace(/[%+].*$/, '');
    return yield* c.complain(
      error === -22
        ? `Failed to write event: Invalid argument\nProbe point '${fn}' not found, or it may not be probed.\n  Error: Failed to add events.`
        : `Failed to write event: ${errorText(error)}\n  Error: Failed to add events.`,
    );
  }
  yield* c.print(
    `Added new event:\n  ${`probe:${name}`.padEnd(20)} (on ${place})\n\n` +
      `You can now use it in all perf tools, such as:\n\n\tperf record -e probe:${name} -aR sleep 1\n\n`,
  );
  return 0;
}
