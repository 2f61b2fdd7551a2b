import { insertModule, loadedModules, removeModule } from '../../modules/loader.ts';
import { LAB_MODULES } from '../../modules/lab/index.ts';
import type { ModuleSource } from '../../modules/module-api.ts';
import { errorText } from '../error-text.ts';
import { command, joinLines } from './command.ts';
import type { MakeCommand, Steps } from './command.ts';
import type { CommandContext } from './command.ts';
import { moduleSource } from '../module-source.ts';

const POLL_NS = 5_000_000;
const EINVAL = -22;
const MODULE_SIZE = 16_384;
const nameOf = (path: string): string =>
  path
    .slice(path.lastIndexOf('/') + 1)
    .replace(/\.(ko|ts|mts|js|mjs)$/, '')
    .replace(/-/g, '_');

/** A module of the lab, or the user's own file, which the host loads. */
function* findModule(c: CommandContext, path: string): Steps<ModuleSource | string> {
  const name = nameOf(path);
  if (Object.hasOwn(LAB_MODULES, name) && !/\.(ts|mts|js|mjs)$/.test(path)) return LAB_MODULES[name]!();
  const request = moduleSource(c.machine, path);
  for (;;) {
    if (request.answer !== undefined) return request.answer;
    yield c.u.nanosleep(POLL_NS);
  }
}

export const MODULE_COMMANDS: readonly MakeCommand[] = [
  command(
    'insmod',
    function* (c, [path = '']) {
      const source = yield* findModule(c, path);
      if (typeof source === 'string') return yield* c.complain(`ERROR: could not load module ${path}: ${source}`);
      yield c.u.work(300_000);
      const error = insertModule(c.machine, nameOf(path), source);
      if (error >= 0) return 0;
      const why = error === EINVAL ? 'Invalid parameters' : errorText(error);
      return yield* c.complain(`ERROR: could not insert module ${path}: ${why}`);
    },
    '/usr/sbin',
  ),
  command(
    'rmmod',
    function* (c, [name = '']) {
      yield c.u.work(100_000);
      const error = removeModule(c.machine, nameOf(name));
      return error === 0 ? 0 : yield* c.complain(`ERROR: Module ${name} is not currently loaded`);
    },
    '/usr/sbin',
  ),
  command('lsmod', function* (c) {
    const rows = [...loadedModules(c.machine).keys()].map(
      (name) => `${name.padEnd(19)} ${String(MODULE_SIZE).padStart(8)}  0`,
    );
    yield* c.print(`Module                  Size  Used by\n${joinLines(rows)}`);
    return 0;
  }),
];
