import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readScenario } from '../../src/pipeline/scenario-file/read-scenario.ts';
import { renderDiagnostics } from '../../src/source/render.ts';
import { createMachine } from '../../src/simkernel/machine.ts';
import { fieldOffset, runFor, SECOND } from '../simkernel/support.ts';

const messages = (yaml: string): string => renderDiagnostics(readScenario('my.yaml', yaml).diagnostics);
const HEAD = 'name: mine\nprocesses:\n';

test.each<[mistake: string, yaml: string, message: string]>([
  [
    'an unknown key of the scenario',
    'name: mine\nsed: 7\nprocesses: []\n',
    "my.yaml:2:1-4: ERROR: a scenario has no 'sed'\nsed: 7\n~~~\nHINT: did you mean 'seed'?\n",
  ],
  [
    'a time without a unit',
    'name: mine\nlength: 20\nprocesses: []\n',
    "my.yaml:2:9-11: ERROR: this must be a time, not '20'\nlength: 20\n        ~~\n" +
      'HINT: for example 40us, 2.5ms, 10s (units: ns, us, ms, s, min)\n',
  ],
  [
    'a container that there is not',
    'name: mine\ncontainers:\n  - { name: shop }\nprocesses:\n  - { name: a, container: shp, does: [sync: true] }\n',
    "my.yaml:5:27-30: ERROR: there is no container 'shp'\n" +
      '  - { name: a, container: shp, does: [sync: true] }\n                          ~~~\nHINT: known: shop\n',
  ],
  [
    'two containers of one name',
    'name: mine\ncontainers:\n  - name: shop\n  - name: shop\nprocesses: []\n',
    "my.yaml:4:11-15: ERROR: there is another container 'shop'\n  - name: shop\n          ~~~~\n",
  ],
  [
    'a limit that is no size',
    'name: mine\ncontainers:\n  - { name: shop, read-limit: fast }\nprocesses: []\n',
    "my.yaml:3:31-35: ERROR: this must be a size, not 'fast'\n" +
      '  - { name: shop, read-limit: fast }\n                              ~~~~\n' +
      'HINT: for example 512, 4 KiB, 1.5 GiB (units: B, KiB, MiB, GiB)\n',
  ],
  [
    'an unknown step',
    `${HEAD}  - does:\n      - opn: /a\n`,
    "my.yaml:4:9-12: ERROR: 'opn' is not a step\n      - opn: /a\n        ~~~\nHINT: did you mean 'open'?\n",
  ],
  [
    'a step without its colon',
    `${HEAD}  - does:\n      - sleep 5ms\n`,
    "my.yaml:4:9-18: ERROR: a step is written as 'name: value'\n      - sleep 5ms\n        ~~~~~~~~~\nHINT: write 'sleep: …'\n",
  ],
  [
    'two steps in one',
    `${HEAD}  - does:\n      - work: 5ms\n        sleep: 3ms\n`,
    'my.yaml:5:9-14: ERROR: a step has one key only\n        sleep: 3ms\n        ~~~~~\n' +
      'HINT: is a "- " missing in front of this line?\n',
  ],
  [
    'a key that is missing',
    `${HEAD}  - does:\n      - read: { file: db }\n`,
    "my.yaml:4:15-27: ERROR: a read needs 'bytes'\n      - read: { file: db }\n              ~~~~~~~~~~~~\n" +
      'HINT: keys: file, bytes, [at]\n',
  ],
  [
    'a relative path',
    'name: mine\nfiles: [{ path: data, size: 4 KiB }]\nprocesses: []\n',
    "my.yaml:2:17-21: ERROR: 'data' is not an absolute path\nfiles: [{ path: data, size: 4 KiB }]\n                ~~~~\n" +
      'HINT: write it from the root: /data\n',
  ],
  [
    'an unknown kind of disk',
    'name: mine\ndisks: [{ kind: nvm, mount: /d }]\nprocesses: []\n',
    "my.yaml:2:17-20: ERROR: 'nvm' is not known here\ndisks: [{ kind: nvm, mount: /d }]\n                ~~~\n" +
      "HINT: did you mean 'nvme'?\n",
  ],
  [
    'a process that does nothing',
    `${HEAD}  - name: idle\n`,
    "my.yaml:1:1-11: ERROR: process 1 has neither 'does' nor 'program'\nname: mine\n~~~~~~~~~~\n" +
      "HINT: a process 'does' steps or runs a 'program'\n",
  ],
  [
    'an unknown fault',
    'name: mine\nfaults: [{ flood: 3 }]\nprocesses: []\n',
    "my.yaml:2:12-17: ERROR: 'flood' is not a fault\nfaults: [{ flood: 3 }]\n           ~~~~~\n" +
      'HINT: known: disk-errors, slow-disk, signal\n',
  ],
])('%s is reported with its line and what would be right', (_, yaml, message) => {
  expect(messages(yaml)).toBe(message);
  expect(readScenario('my.yaml', yaml).scenario).toBeUndefined();
});

test('text that is no YAML is reported where it stops being YAML', () => {
  expect(messages('name: "mine\nprocesses: []\n')).toMatch(/^my\.yaml:\d+:\d+-\d+: ERROR: .*quote/);
  expect(messages('- a\n- b\n')).toContain("holds no keys and values: start with 'name: …'");
});

test('what the keys say is what the machine gets', () => {
  const { scenario, diagnostics } = readScenario(
    'my.yaml',
    `
name: mine
cpus: 3
length: 1.5s
memory: 512 MiB
disks: [{ kind: hard-disk, mount: /d, filesystem: xfs }]
files: [{ path: /d/a, size: 8 KiB, cached: 25% }]
processes:
  - { name: twin, count: 2, pid: 1234, user: mysql, does: [work: 1ms] }
  - { name: late, start: 10ms, does: [sleep: 1ms] }
`,
  );
  expect(diagnostics).toEqual([]);
  expect(scenario).toMatchObject({
    cpus: 3,
    lengthNs: 1.5e9,
    memoryBytes: 512 * 1_048_576,
    disks: [{ kind: 'hard-disk', mountedAt: '/d', fileSystem: 'xfs' }],
    files: [{ path: '/d/a', size: 8192, warm: 0.25 }],
    processes: [
      { pid: 1234, comm: 'twin', uid: 110 },
      { pid: 1000, comm: 'twin', uid: 110 },
      { pid: 1001, comm: 'late', startNs: 10e6 },
    ],
  });
});

test('the steps are the system calls that the process makes, in their order', () => {
  const { scenario } = readScenario(
    'my.yaml',
    `
name: mine
files: [{ path: /data, size: 64 KiB }]
processes:
  - name: worker
    does:
      - open: { path: /data, as: d }
      - repeat: { times: 2, steps: [{ read: { file: d, bytes: 100 } }] }
      - read: { file: d, bytes: 4 KiB, at: random }
      - close: d
      - exit: 3
`,
  );
  const m = createMachine({ scenario: scenario! });
  const calls: number[] = [];
  m.attach({ kind: 'tracepoint', category: 'raw_syscalls', name: 'sys_enter' }, (record) => {
    calls.push(m.words[(record + 8) >> 2]!);
  });
  runFor(m, 0.1 * SECOND);
  expect(calls).toEqual([257, 0, 0, 17, 3, 231]);
});

test('a machine of another architecture makes its own system calls, and gets its registers', () => {
  const { scenario, diagnostics } = readScenario(
    'arm.yaml',
    `
name: arm
arch: arm64
files: [{ path: /data, size: 64 KiB }]
processes:
  - name: worker
    does:
      - open: { path: /data, as: d }
      - read: { file: d, bytes: 100 }
      - close: d
`,
  );
  expect(diagnostics).toEqual([]);
  const m = createMachine({ scenario: scenario! });
  expect(m.abi.machine).toBe('aarch64');
  const calls = new Set<number>();
  m.attach({ kind: 'tracepoint', category: 'raw_syscalls', name: 'sys_enter' }, (record) => {
    calls.add(m.words[(record + 8) >> 2]!);
  });
  runFor(m, 0.1 * SECOND);
  expect([...calls]).toEqual(expect.arrayContaining([56, 63, 57]));
});

test('an unknown architecture is told with those that there are', () => {
  const { diagnostics } = readScenario('arm.yaml', 'name: arm\narch: armv7\nprocesses: []\n');
  expect(renderDiagnostics(diagnostics)).toMatch(/x86_64.*arm64/);
});

test('every scenario in examples can be read and runs', () => {
  const folder = join(import.meta.dirname, '../../examples/scenarios');
  const names = readdirSync(folder);
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    const { scenario, diagnostics } = readScenario(name, readFileSync(join(folder, name), 'utf8'));
    expect(renderDiagnostics(diagnostics)).toBe('');
    const m = createMachine({ scenario: scenario! });
    runFor(m, 0.1 * SECOND);
    expect(m.halted).toBeUndefined();
  }
});

test('containers have roots, host names, control groups and limits of their own', () => {
  const path = join(import.meta.dirname, '../../examples/scenarios/two-shops.yaml');
  const m = createMachine({ scenario: readScenario('two-shops.yaml', readFileSync(path, 'utf8')).scenario! });
  const read = new Map<string, number>();
  m.attach({ kind: 'tracepoint', category: 'block', name: 'block_rq_issue' }, (record) => {
    const at = record + fieldOffset('block:block_rq_issue', 'bytes');
    const { path: group } = m.currentTask.cgroup;
    read.set(group, (read.get(group) ?? 0) + m.words[at >> 2]!);
  });
  runFor(m, SECOND);
  const groups = [1000, 1002, 1003].map((pid) => m.tasks.get(pid)!.cgroup.path);
  expect(groups[0]).toMatch(/^\/system\.slice\/docker-[0-9a-f]{64}\.scope$/);
  expect(groups[2]).toBe('/system.slice/backup.service');
  expect(new Set(groups).size).toBe(3);
  const [shop, outlet] = [m.tasks.get(1000)!, m.tasks.get(1002)!];
  // Compared here: a matcher would walk through all that the two lead to, which is the machine.
  expect(shop.fs!.root === outlet.fs!.root).toBe(false);
  expect(shop.namespaces === outlet.namespaces).toBe(false);
  // What waited for its turn is sent by a worker; nothing of it may exceed the limit by more than what one slice allows.
  expect(read.get(groups[0]!)).toBeGreaterThan(800 * 1024);
  expect(read.get(groups[1]!) ?? 0).toBeLessThan(450 * 1024);
});
