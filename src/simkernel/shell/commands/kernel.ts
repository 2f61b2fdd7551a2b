import { memoryInfo } from '../../memory/memory-info.ts';
import { mountRows } from '../../fs/proc/mounts.ts';
import { SETTINGS, settingPath } from '../../fs/proc/sysctl.ts';
import { O_TRUNC, O_WRONLY } from '../../fs/fcntl.ts';
import { LAB_MODULES } from '../../modules/lab/index.ts';
import { loadedModules } from '../../modules/loader.ts';
import { KERNEL_RELEASE } from '../../version.ts';
import { HOST_FOLDER, LAB_FOLDER } from './modules.ts';
import { glob } from '../../tracefs/glob.ts';
import { errorText } from '../error-text.ts';
import { readPath } from '../output.ts';
import { command, joinLines, readOptions } from './command.ts';
import type { CommandContext, MakeCommand, Steps } from './command.ts';
import { programPath } from './launch.ts';

/** Types of file systems that are there from the start, wherever somebody wants them mounted. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  tracefs: ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'],
  debugfs: ['/sys/kernel/debug'],
  sysfs: ['/sys'],
  proc: ['/proc'],
  cgroup2: ['/sys/fs/cgroup'],
};

const MOUNT: MakeCommand = command('mount', function* (c, args) {
  const { options, operands } = readOptions(args, 'to');
  const type = options.get('t');
  if (operands.length === 0) {
    const rows = mountRows(c.machine).filter(([, , kind]) => type === undefined || kind === type);
    yield* c.print(joinLines(rows.map(([source, path, kind]) => `${source} on ${path} type ${kind} (rw,relatime)`)));
    return 0;
  }
  const path = operands.at(-1)!.replace(/(.)\/$/, '$1');
  if (operands.length === 1) return yield* c.complain(`${path}: can't find in /etc/fstab.`);
  if (c.machine.fileSystem.find(path) === undefined) return yield* c.complain(`${path}: mount point does not exist.`);
  if (type === undefined || !Object.hasOwn(PLACES, type))
    return yield* c.complain(`${path}: unknown filesystem type '${type ?? 'auto'}'.`);
  // They are mounted where everybody looks for them.
  return PLACES[type]!.includes(path)
    ? yield* c.complain(`${path}: ${operands[0]!} already mounted on ${path}.`)
    : yield* c.complain(`${path}: this machine has ${type} at ${PLACES[type]![0]!} only.`);
});

function* showSetting(c: CommandContext, name: string, isBare: boolean): Steps<void> {
  const text = yield* readPath(c.u, settingPath(name));
  yield* c.print(isBare ? String(text) : `${name} = ${String(text)}`);
}
const SYSCTL: MakeCommand = command(
  'sysctl',
  function* (c, args) {
    const { options, operands } = readOptions(args);
    const isAll = options.has('a') || options.has('A');
    if (!isAll && operands.length === 0) {
      yield* c.report('Usage:\n sysctl [options] [variable[=value] ...]\n');
      return 1;
    }
    let status = 0;
    for (const word of isAll ? Object.keys(SETTINGS) : operands) {
      const [written = '', value] = word.split('=', 2);
      const name = written.trim().replaceAll('/', '.');
      const names = Object.keys(SETTINGS).filter(
        (known) => known === name || known.startsWith(`${name}.`) || glob(name).test(known),
      );
      if (names.length === 0) {
        status = 255;
        yield* c.report(`sysctl: cannot stat ${settingPath(name)}: No such file or directory\n`);
      } else if (value === undefined) for (const known of names) yield* showSetting(c, known, options.has('n'));
      else status = yield* writeSetting(c, name, value.trim(), options.has('q'));
    }
    return status;
  },
  '/usr/sbin',
);
function* writeSetting(c: CommandContext, name: string, value: string, isQuiet: boolean): Steps<number> {
  const fd = yield c.u.openat(settingPath(name), O_WRONLY | O_TRUNC);
  const error = fd < 0 ? fd : ((yield c.u.write(fd, c.u.string(`${value}\n`), value.length + 1)) as number);
  if (fd >= 0) yield c.u.close(fd);
  if (error >= 0) {
    if (!isQuiet) yield* c.print(`${name} = ${value}\n`);
    return 0;
  }
  yield* c.report(
    error === -1
      ? `sysctl: permission denied on key "${name}", ignoring\n`
      : `sysctl: setting key "${name}": ${errorText(error)}\n`,
  );
  return 255;
}

const MODINFO: MakeCommand = command(
  'modinfo',
  function* (c, args) {
    const { operands } = readOptions(args, 'F');
    if (operands.length === 0) return yield* c.complain('ERROR: missing module or filename.');
    let status = 0;
    for (const path of operands) {
      const name = path
        .slice(path.lastIndexOf('/') + 1)
        .replace(/\.ko$/, '')
        .replaceAll('-', '_');
      const isLab = Object.hasOwn(LAB_MODULES, name);
      const loaded = loadedModules(c.machine).get(name);
      if (!isLab && loaded === undefined) {
        status = yield* c.complain(`ERROR: Module ${path} not found.`);
        continue;
      }
      const rows: readonly (readonly [string, string])[] = [
        ['filename', `${isLab ? LAB_FOLDER : HOST_FOLDER}/${name}.ko`],
        ['name', name],
        ['vermagic', `${KERNEL_RELEASE} SMP preempt mod_unload `],
      ];
      yield* c.print(joinLines(rows.map(([key, value]) => `${`${key}:`.padEnd(16)}${value}`)));
    }
    return status;
  },
  '/usr/sbin',
);

/** free: in KiB, or with -m and -g in larger units. */
const FREE: MakeCommand = command('free', function* (c, args) {
  const { options } = readOptions(args);
  const unit = options.has('g') ? 1024 ** 2 : options.has('m') ? 1024 : 1;
  const info = new Map(memoryInfo(c.machine));
  const kib = (name: string): number => info.get(name) ?? 0;
  const line = (name: string, values: readonly number[]): string =>
    `${name.padEnd(8)}${values.map((value) => String(Math.floor(value / unit)).padStart(12)).join('')}`;
  const cache = kib('Buffers') + kib('Cached');
  yield* c.print(
    joinLines([
      `        ${['total', 'used', 'free', 'shared', 'buff/cache', 'available'].map((name) => name.padStart(12)).join('')}`,
      line('Mem:', [
        kib('MemTotal'),
        kib('MemTotal') - kib('MemAvailable'),
        kib('MemFree'),
        kib('Shmem'),
        cache,
        kib('MemAvailable'),
      ]),
      line('Swap:', [kib('SwapTotal'), kib('SwapTotal') - kib('SwapFree'), kib('SwapFree')]),
    ]),
  );
  return 0;
});

const WHICH: MakeCommand = command('which', function* (c, args) {
  let status = 0;
  for (const name of readOptions(args).operands) {
    const path = programPath(c.machine, name);
    if (path === undefined) status = 1;
    else yield* c.print(`${path}\n`);
  }
  return status;
});

const MAN: MakeCommand = command('man', function* (c, args) {
  const { operands } = readOptions(args);
  const name = operands.at(-1);
  if (name === undefined) {
    yield* c.report("What manual page do you want?\nFor example, try 'man man'.\n");
    return 1;
  }
  if (programPath(c.machine, name) === undefined) {
    yield* c.report(`No manual entry for ${name}\n`);
    return 16;
  }
  yield* c.print(
    `${name}: this machine carries no manual pages. 'help' lists what the lab has; the manual of the command of this name\n` +
      'applies as far as the lab goes (docs/lab.md of tsbpftrace says how far).\n',
  );
  return 0;
});

const NPROC: MakeCommand = command('nproc', function* (c) {
  yield* c.print(`${c.machine.cpus}\n`);
  return 0;
});
const WHOAMI: MakeCommand = command('whoami', function* (c) {
  yield* c.print('root\n');
  return 0;
});

export const KERNEL_COMMANDS: readonly MakeCommand[] = [MOUNT, SYSCTL, MODINFO, FREE, WHICH, MAN, NPROC, WHOAMI];
