import { describe, expect, test } from 'vitest';
import { bug, InternalError } from '../../src/source/bug.ts';
import { EBADF, EEXIST, ENOENT, ENOEXEC, EPERM } from '../../src/simkernel/errno.ts';
import type { Machine } from '../../src/simkernel/machine.ts';
import { loadedModules, placeModule } from '../../src/simkernel/modules/loader.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import { fieldOffset, kernelFunctions, machineRunning, MILLISECOND, runFor, textAt } from './support.ts';

const EINVAL = 22;

function* insert(u: UserContext, path: string): UserBody {
  const fd = (yield u.openat(path)) as number;
  const status = (yield u.call('finit_module', fd, u.string(''), 0)) as number;
  yield u.close(fd);
  return status;
}
function running(main: (u: UserContext, note: (result: unknown) => void) => UserBody): {
  m: Machine;
  results: unknown[];
} {
  const results: unknown[] = [];
  const m = machineRunning([(u) => main(u, (result) => results.push(result))], {
    cpus: 1,
    files: [
      { path: '/lib/good-one.ko', size: 9_000 },
      { path: '/lib/bad.ko', size: 9_000 },
      { path: '/lib/text.ko', size: 10 },
    ],
  });
  return { m, results };
}

describe('modules', () => {
  test('are loaded and removed by system calls, and each is told', () => {
    const { m, results } = running(function* (u, note) {
      note(yield* insert(u, '/lib/good-one.ko'));
      note(yield* insert(u, '/lib/good-one.ko'));
      note([...loadedModules(m).keys()]);
      note(yield* insert(u, '/lib/bad.ko'));
      note(yield* insert(u, '/lib/text.ko'));
      note(yield* insert(u, '/lib/missing.ko'));
      note(yield u.call('delete_module', u.string('good_one'), 0));
      note(yield u.call('delete_module', u.string('good_one'), 0));
      note([...loadedModules(m).keys()]);
      yield u.call('setuid', 1000);
      note(yield* insert(u, '/lib/good-one.ko'));
      return 0;
    });
    const said: string[] = [];
    m.hasProcess(1);
    placeModule(m, '/lib/good-one.ko', { init: () => void said.push('init'), exit: () => void said.push('exit') });
    placeModule(m, '/lib/bad.ko', { inTree: true, init: () => -EINVAL });
    for (const name of ['module_load', 'module_free']) {
      m.attach({ kind: 'tracepoint', category: 'module', name }, (record) => {
        const at = m.words[(record + fieldOffset(`module:${name}`, 'name')) >> 2]! & 0xffff;
        said.push(`${name} ${textAt(m, record + at)}`);
      });
    }
    const stacks: string[][] = [];
    m.attach({ kind: 'kprobe', function: 'do_init_module', offset: 0 }, () =>
      stacks.push(kernelFunctions(m).slice(0, 5)),
    );
    runFor(m, 20 * MILLISECOND);
    expect(results).toEqual([0, -EEXIST, ['good_one'], -EINVAL, -ENOEXEC, -EBADF, 0, -ENOENT, [], -EPERM]);
    expect(said).toEqual([
      'module_load good_one',
      'init',
      'module_load bad',
      'module_free bad',
      'exit',
      'module_free good_one',
    ]);
    const path = [
      'do_init_module',
      'load_module',
      'init_module_from_file',
      'idempotent_init_module',
      '__x64_sys_finit_module',
    ];
    expect(stacks).toEqual([path, path]);
  });

  test('whose code fails take down who called it, and no mistake of ours passes for theirs', () => {
    const { m, results } = running(function* (u, note) {
      note(yield* insert(u, '/lib/bad.ko'));
      return 0;
    });
    m.hasProcess(1);
    placeModule(m, '/lib/bad.ko', { init: () => (undefined as unknown as { length: number }).length });
    const kernelLog = (): string => m.kernelLog.map(({ text }) => text).join('\n');
    runFor(m, 20 * MILLISECOND);
    expect(kernelLog()).toMatch(/bad: TypeError: [^]*BUG: kernel NULL pointer dereference/);
    expect(results).toEqual([]);

    const other = running(function* (u) {
      yield* insert(u, '/lib/bad.ko');
      return 0;
    });
    other.m.hasProcess(1);
    placeModule(other.m, '/lib/bad.ko', { init: () => bug('the machine is in disorder') });
    expect(() => runFor(other.m, 20 * MILLISECOND)).toThrow(InternalError);
  });
});
