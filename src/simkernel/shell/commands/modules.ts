import { loadedModules, MODULE_BYTES, placeModule } from '../../modules/loader.ts';
import { LAB_MODULES } from '../../modules/lab/index.ts';
import type { ModuleSource } from '../../modules/module-api.ts';
import { KERNEL_RELEASE } from '../../version.ts';
import { errorText } from '../error-text.ts';
import { command, joinLines } from './command.ts';
import type { MakeCommand, Steps } from './command.ts';
import type { CommandContext } from './command.ts';
import { moduleSource } from '../module-source.ts';
import { O_NONBLOCK } from '../../fs/fcntl.ts';
import { EINVAL } from '../../errno.ts';

const POLL_NS = 5_000_000;
/** Where the lab's own modules lie. */
export const LAB_FOLDER = `/usr/lib/modules/${KERNEL_RELEASE}/extra`;
/** Where those of the user are put. */
export const HOST_FOLDER = '/root';
const nameOf = (path: string): string =>
  path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.(ko|[cm]?[jt]s)$/, '')
    .replace(/-/g, '_');

/** A module of the lab, or the user's own file, which the host loads. */
function* findModule(c: CommandContext, path: string): Steps<ModuleSource | string> {
  const name = nameOf(path);
  if (Object.hasOwn(LAB_MODULES, name) && !/\.[cm]?[jt]s$/.test(path)) return LAB_MODULES[name]!();
  const request = moduleSource(c.machine, path);
  for (;;) {
    if (request.answer !== undefined) return request.answer;
    yield c.u.nanosleep(POLL_NS);
  }
}

export const MODULE_COMMANDS: readonly MakeCommand[] = [
  command(
    'insmod',
    function* (c, [path]) {
      if (path === undefined) return yield* c.complain('ERROR: missing filename.');
      const source = yield* findModule(c, path);
      if (typeof source === 'string') return yield* c.complain(`ERROR: could not load module ${path}: ${source}`);
      yield c.u.work(300_000);
      const name = nameOf(path);
      const file = `${Object.hasOwn(LAB_MODULES, name) ? LAB_FOLDER : HOST_FOLDER}/${name}.ko`;
      placeModule(c.machine, file, source);
      const fd = yield c.u.openat(file);
      const error = yield c.u.call('finit_module', fd, c.u.string(''), 0);
      yield c.u.close(fd);
      if (error >= 0) return 0;
      const why = error === -EINVAL ? 'Invalid parameters' : errorText(error);
      return yield* c.complain(`ERROR: could not insert module ${path}: ${why}`);
    },
    '/usr/sbin',
  ),
  command(
    'rmmod',
    function* (c, [name]) {
      if (name === undefined) return yield* c.complain('ERROR: missing module name.');
      yield c.u.work(100_000);
      const error = yield c.u.call('delete_module', c.u.string(nameOf(name)), O_NONBLOCK);
      return error === 0 ? 0 : yield* c.complain(`ERROR: Module ${name} is not currently loaded`);
    },
    '/usr/sbin',
  ),
  command('lsmod', function* (c) {
    const rows = [...loadedModules(c.machine).keys()].map(
      (name) => `${name.padEnd(19)} ${String(MODULE_BYTES).padStart(8)}  0`,
    );
    yield* c.print(`Module                  Size  Used by\n${joinLines(rows)}`);
    return 0;
  }),
];
