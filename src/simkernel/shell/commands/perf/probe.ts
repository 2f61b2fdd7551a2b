import type { Machine } from '../../../machine.ts';
import { printType } from '../../../../btf/print.ts';
import { traceableFunctions } from '../../../listing.ts';
import { isBlacklisted } from '../../../probes/kprobes.ts';
import { prototypeNamed } from '../../../probes/symbols.ts';
import { fileImage } from '../../../programs/executables.ts';
import { layoutOf } from '../../../programs/image-layout.ts';
import { glob } from '../../../tracefs/glob.ts';
import { probeEvents } from '../../../tracefs/probe-events.ts';
import type { ProbeEvent } from '../../../tracefs/probe-events.ts';
import { traceArray } from '../../../tracefs/trace-array.ts';
import type { TraceArray } from '../../../tracefs/trace-array.ts';
import { errorText } from '../../error-text.ts';
import { joinLines, type CommandContext, type Steps } from '../command.ts';
import { misuse, readPerfOptions } from './options.ts';
import type { Given, OptionRows } from './options.ts';
import { O_WRONLY, O_APPEND } from '../../../fs/fcntl.ts';

const FILES = { kprobe: '/sys/kernel/tracing/kprobe_events', uprobe: '/sys/kernel/tracing/uprobe_events' } as const;

const OPTIONS: OptionRows = {
  add: { names: ['-a', '--add'], value: true },
  del: { names: ['-d', '--del'], value: true },
  list: { names: ['-l', '--list'], value: false },
  vars: { names: ['-V', '--vars'], value: true },
  line: { names: ['-L', '--line'], value: true },
  funcs: { names: ['-F', '--funcs'], value: false },
  definition: { names: ['-D', '--definition'], value: true },
  exec: { names: ['-x', '--exec'], value: true },
  force: { names: ['-f', '--force'], value: false },
  dry: { names: ['-n', '--dry-run'], value: false },
  quiet: { names: ['-q', '--quiet'], value: false },
  verbose: { names: ['-v', '--verbose'], value: false },
};
const USAGE = `perf probe [<options>] 'PROBEDEF' ['PROBEDEF' ...]
    or: perf probe [<options>] --add 'PROBEDEF' [--add 'PROBEDEF' ...]
    or: perf probe [<options>] --del '[GROUP:]EVENT' ...
    or: perf probe --list [GROUP:]EVENT ...
    or: perf probe [<options>] --line 'LINEDESC'
    or: perf probe [<options>] --vars 'PROBEPOINT'
    or: perf probe [<options>] --funcs`;

/** The registers of arguments by the names of kprobe_events. */
function argumentRegisters({ abi }: Machine): readonly string[] {
  const names = new Map(Object.entries(abi.registers).map(([name, offset]) => [offset, `%${name}`]));
  return abi.arguments.map((offset) => names.get(offset)!);
}

/** `do_sys_openat2 filename:string dfd`, `readline%return $retval`: what is asked for, and the command for the file of events. */
interface Definition {
  readonly kind: 'kprobe' | 'uprobe';
  readonly group: string;
  readonly name: string;
  readonly fn: string;
  /** As it is shown. */
  readonly place: string;
  readonly line: string;
}
function define(c: CommandContext, array: TraceArray, spec: string, given: Given): Definition | string {
  const m = c.machine;
  const named = /^(?:(\w+):)?(\w+)=/.exec(spec);
  const [place = '', ...args] = spec.slice(named?.[0].length ?? 0).split(/\s+/);
  const isReturn = place.endsWith('%return');
  const target = place.replace(/%return$/, '');
  const fn = target.replace(/\+.*$/, '');
  const exec = given.options.get('exec')?.at(-1);
  const group =
    named?.[1] ??
    (exec === undefined ? 'probe' : `probe_${exec.slice(exec.lastIndexOf('/') + 1).replace(/\W.*$/, '')}`);
  const wanted = named?.[2] ?? (isReturn ? `${fn}__return` : fn);
  const name = given.options.has('force') ? unusedName(array, group, wanted) : wanted;
  if (name !== wanted && named !== null) return `Error: event "${wanted}" already exists.`;
  if (array.event(group, name) !== undefined) {
    return [
      `Error: event "${name}" already exists.`,
      " Hint: Remove existing event by 'perf probe -d'",
      "       or force duplicates by 'perf probe -f'",
      "       or set 'force=yes' in BPF source.",
    ].join('\n');
  }
  const letter = isReturn ? 'r' : 'p';
  if (exec !== undefined) {
    const image = fileImage(m, exec);
    if (image === undefined) return `Failed to find path of ${exec}\nTarget file '${exec}': No such file or directory`;
    const layout = layoutOf(image);
    const symbol = layout.functions.find((row) => row.name === fn);
    if (symbol === undefined) return `Probe point '${fn}' not found.`;
    const segment = layout.segments.find(
      ({ offset, size }) => symbol.offset >= offset && symbol.offset < offset + size,
    );
    const fileOffset = symbol.offset - (segment?.offset ?? 0) + (segment?.fileOffset ?? 0);
    const line = [`${letter}:${group}/${name}`, `${exec}:0x${fileOffset.toString(16)}`, ...args].join(' ');
    return { kind: 'uprobe', group, name, fn, place: `${place} in ${exec}`, line };
  }
  const parameters = prototypeNamed(m, fn)?.parameters ?? [];
  const registers = argumentRegisters(m);
  const missing = args.find(
    (arg) =>
      /^[A-Za-z_]\w*(:\w+)?$/.test(arg) && !parameters.some(({ name: known }) => known === arg.replace(/:.*$/, '')),
  );
  if (missing !== undefined && parameters.length > 0)
    return `Failed to find '${missing.replace(/:.*$/, '')}' in this function.`;
  const words = args.map((arg) => {
    const [variable = '', type] = arg.split(':');
    const index = parameters.findIndex((parameter) => parameter.name === variable);
    if (index < 0) return arg;
    const register = registers[index] ?? registers[0];
    const isText = type === 'string' || type === 'ustring';
    return `${variable}${isText ? '_string' : ''}=${isText ? `+0(${register})` : register}${type === undefined ? '' : `:${type}`}`;
  });
  const line = [`${letter}:${group}/${name}`, target, ...words].join(' ');
  return { kind: 'kprobe', group, name, fn, place, line };
}
/** `do_sys_openat2_1` */
function unusedName(array: TraceArray, group: string, name: string): string {
  for (let i = 0; ; i += 1) {
    const candidate = i === 0 ? name : `${name}_${i}`;
    if (array.event(group, candidate) === undefined) return candidate;
  }
}

function* write(c: CommandContext, kind: keyof typeof FILES, line: string): Steps<number> {
  const fd = yield c.u.openat(FILES[kind], O_WRONLY | O_APPEND);
  if (fd < 0) return fd;
  const error = yield c.u.write(fd, c.u.string(line), line.length);
  yield c.u.close(fd);
  return error;
}

function* add(c: CommandContext, given: Given, specs: readonly string[]): Steps<number> {
  const array = traceArray(c.machine);
  const added: Definition[] = [];
  for (const spec of specs) {
    const definition = define(c, array, spec, given);
    const problem = typeof definition === 'string' ? definition : yield* register(c, given, definition);
    if (problem !== undefined) {
      yield* c.report(`${problem}\n  Error: Failed to add events.\n`);
      return 254;
    }
    added.push(definition as Definition);
  }
  if (given.options.has('quiet')) return 0;
  const lines = added.map(({ group, name, place }) => `  ${`${group}:${name}`.padEnd(20)} (on ${place})\n`);
  const last = added.at(-1)!;
  yield* c.report(
    `Added new event${added.length > 1 ? 's' : ''}:\n${lines.join('')}\nYou can now use it in all perf tools, such as:\n\n` +
      `\tperf record -e ${last.group}:${last.name} -aR sleep 1\n\n`,
  );
  return 0;
}
/** Writes it to the file of events; a text says why the kernel does not take it. */
function* register(c: CommandContext, given: Given, { kind, fn, line }: Definition): Steps<string | undefined> {
  if (kind === 'kprobe') {
    const isThere = prototypeNamed(c.machine, fn) !== undefined || c.machine.kernelSymbolAddress(fn) !== undefined;
    const isRefused = isBlacklisted(c.machine.arch.declaredName(fn));
    if (isRefused) return `${fn} is blacklisted function, skip it.\nProbe point '${fn}' not found.`;
    if (!isThere) return `Probe point '${fn}' not found.`;
  }
  if (given.options.has('dry')) return undefined;
  const error = yield* write(c, kind, `${line}\n`);
  return error < 0 ? `Failed to write event: ${errorText(error)}` : undefined;
}

const matching = (array: TraceArray, spec: string): readonly ProbeEvent[] => {
  const [system, name] = spec.includes(':') ? (spec.split(':') as [string, string]) : ['*', spec];
  const all = [...probeEvents(array, 'kprobe'), ...probeEvents(array, 'uprobe')];
  return all.filter((event) => glob(system).test(event.system) && glob(name).test(event.name));
};

function* list(c: CommandContext, specs: readonly string[]): Steps<number> {
  const array = traceArray(c.machine);
  const events = (specs.length === 0 ? ['*'] : specs).flatMap((spec) => matching(array, spec));
  const lines = events.flatMap(({ system, name, isReturn, sources }) =>
    sources.map(({ args, place: { text } }) => {
      const names = args.map((arg) => arg.name);
      const what = names.length === 0 ? '' : ` with ${names.join(' ')}`;
      return `  ${`${system}:${name}`.padEnd(20)} (on ${text}${isReturn ? '%return' : ''}${what})`;
    }),
  );
  yield* c.print(joinLines(lines));
  return 0;
}

function* remove(c: CommandContext, specs: readonly string[]): Steps<number> {
  const array = traceArray(c.machine);
  let status = 0;
  for (const spec of specs) {
    const gone = matching(array, spec);
    if (gone.length === 0) yield* c.report(`"${spec}" does not hit any event.\n`);
    for (const event of gone) {
      const error = yield* write(
        c,
        event.probe === 'uprobe' ? 'uprobe' : 'kprobe',
        `-:${event.system}/${event.name}\n`,
      );
      if (error >= 0) yield* c.report(`Removed event: ${event.system}:${event.name}\n`);
      else {
        status = 254;
        yield* c.report(`Failed to delete event: ${errorText(error)}\n`);
      }
    }
    if (gone.length === 0) status = 254;
  }
  if (status !== 0) yield* c.report('  Error: Failed to delete events.\n');
  return status;
}

/** The parameters, as the kernel's BTF knows them; local variables would need its debugging information. */
function* variables(c: CommandContext, fn: string): Steps<number> {
  const prototype = prototypeNamed(c.machine, fn);
  if (prototype === undefined) {
    yield* c.report(`Failed to find the address of ${fn}\n  Error: Failed to show vars.\n`);
    return 254;
  }
  const rows = prototype.parameters.map(
    ({ name, type }) => `                ${printType(type).replace(/ (\*+)/g, '$1')}\t${name}\n`,
  );
  yield* c.print(
    `Available variables at ${fn}\n        @<${fn}+0>\n${rows.length === 0 ? '                (No matched variables)\n' : rows.join('')}`,
  );
  return 0;
}

/** Functions that can be probed: of the kernel, or of a file. */
function* functions(c: CommandContext, given: Given): Steps<number> {
  const pattern = glob(given.operands[0] ?? '*');
  const exec = given.options.get('exec')?.at(-1);
  const image = exec === undefined ? undefined : fileImage(c.machine, exec);
  if (exec !== undefined && image === undefined) {
    yield* c.report(`Failed to find symbols in ${exec}\n  Error: Failed to show functions.\n`);
    return 254;
  }
  const names =
    image === undefined
      ? traceableFunctions(c.machine.arch).map(({ name }) => name)
      : layoutOf(image).functions.map(({ name }) => name);
  yield* c.print(joinLines([...new Set(names)].filter((name) => pattern.test(name)).sort()));
  return 0;
}

/** perf probe: events at functions of the kernel and of programs, by the names of parameters. */
export function* perfProbe(c: CommandContext, args: readonly string[]): Steps<number> {
  const given = readPerfOptions(OPTIONS, args, false);
  if (typeof given === 'string') return yield* misuse(c, given, USAGE);
  const { options, operands } = given;
  if (options.has('list')) return yield* list(c, operands);
  if (options.has('funcs')) return yield* functions(c, given);
  const removed = options.get('del');
  if (removed !== undefined)
    return yield* remove(
      c,
      [...removed, ...operands].flatMap((spec) => spec.split(',')),
    );
  const shown = options.get('vars')?.at(-1);
  if (shown !== undefined) return yield* variables(c, shown);
  if (options.has('line')) {
    yield* c.report(
      "The machine's kernel has no source files and no debugging information of lines.\n  Error: Failed to show lines.\n",
    );
    return 254;
  }
  const wanted = options.get('definition')?.at(-1);
  if (wanted !== undefined) {
    const definition = define(c, traceArray(c.machine), [wanted, ...operands].join(' '), given);
    if (typeof definition === 'string') {
      yield* c.report(`${definition}\n  Error: Failed to show event definitions.\n`);
      return 254;
    }
    yield* c.print(`${definition.line}\n`);
    return 0;
  }
  // Without quotes the words of one definition come apart.
  const added = options.get('add') ?? [];
  const specs =
    added.length === 0
      ? operands.length === 0
        ? []
        : [operands.join(' ')]
      : operands.length === 0
        ? added
        : [...added.slice(0, -1), [added.at(-1)!, ...operands].join(' ')];
  if (specs.length === 0) return yield* misuse(c, '', USAGE);
  return yield* add(c, given, specs);
}
