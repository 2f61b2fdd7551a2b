import { describe, expect, test } from 'vitest';
import type { EnginePrograms, ExecutionEnvironment } from '../../src/abi/execution.ts';
import type { MapDefinition, Program, ProgramType } from '../../src/abi/program-image.ts';
import type { AttachTarget } from '../../src/lang/attach-target.ts';
import type { Action, MapResource } from '../../src/lang/resources.ts';
import { INT32, INT64, UINT32, intType } from '../../src/lang/types.ts';
import { runSession, type RunSessionOptions } from '../../src/runtime/run-session.ts';
import { createSource } from '../../src/source/source.ts';
import { captureStreams, DEFAULT_CONFIG, testResources } from './output/fixtures.ts';
import { createTestMachine, type TestMachine } from './test-machine.ts';

const source = createSource('script.bt', 'begin { @x = 1; }\n');
const span = { source, start: 8, end: 14 };

interface Probe {
  readonly target: AttachTarget;
  readonly body: (toolbox: Toolbox) => void;
  readonly type?: ProgramType;
}
/** What a program body in these tests may do: the helpers, as generated code calls them. */
interface Toolbox {
  readonly environment: ExecutionEnvironment;
  /** Sends an event: the action's index, then words of 4 bytes. */
  emit(action: number, ...words: number[]): void;
  /** @map[key] = value in map 1, with 8-byte key and value. */
  set(key: number, value: number): number;
}

const RING: MapDefinition = { name: 'ringbuf', type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096, flags: 0 };
const HASH: MapDefinition = { name: 'AT_x', type: 'hash', keySize: 8, valueSize: 8, maxEntries: 4, flags: 0 };

async function run(
  probes: readonly Probe[],
  actions: readonly Action[],
  options: {
    maps?: readonly MapResource[];
    session?: Partial<RunSessionOptions>;
    machine?: TestMachine;
    config?: Partial<typeof DEFAULT_CONFIG>;
  } = {},
) {
  const machine = options.machine ?? createTestMachine();
  const streams = captureStreams();
  const programs: EnginePrograms = new Map(
    probes.map(({ body }, i) => [
      `program_${i}`,
      (environment: ExecutionEnvironment) => {
        const view = new DataView(environment.buffer);
        const scratch = machine.kernel.memory.allocate(64, 8);
        const { helpers, maps } = environment;
        const toolbox: Toolbox = {
          environment,
          emit(action, ...words) {
            const record = helpers.ringbuf_reserve(maps[0]!.address, 8 + words.length * 4, 0, 0, 0);
            if (record === 0) return;
            view.setBigUint64(record, BigInt(action), true);
            words.forEach((word, n) => view.setInt32(record + 8 + n * 4, word, true));
            helpers.ringbuf_submit(record, 0, 0);
          },
          set(key, value) {
            view.setBigInt64(scratch, BigInt(key), true);
            view.setBigInt64(scratch + 8, BigInt(value), true);
            return helpers.map_update_elem(maps[1]!.address, scratch, scratch + 8, 0, 0);
          },
        };
        return () => {
          body(toolbox);
          return 0;
        };
      },
    ]),
  );
  const { exitCode } = await runSession({
    image: {
      programs: probes.map(({ type = 'kprobe' }, i): Program => ({
        name: `program_${i}`,
        type,
        insns: [],
        relocations: [],
        functions: [],
        lines: [],
      })),
      maps: [RING, HASH],
    },
    resources: testResources({
      config: { ...DEFAULT_CONFIG, ...options.config },
      attachments: probes.map(({ target }, i) => ({
        program: `program_${i}`,
        probeName: 'function' in target ? `${target.kind}:${target.function}` : target.kind,
        target,
        span,
      })),
      maps: [undefined, ...(options.maps ?? [])],
      actions,
    }),
    programs,
    kernel: machine.kernel,
    output: streams,
    format: 'text',
    durationNs: 1_000_000_000,
    pause: () => Promise.resolve(),
    ...options.session,
  });
  return { exitCode, out: streams.out(), err: streams.err(), machine };
}

const kprobe = (name: string): AttachTarget => ({ kind: 'kprobe', function: name, offset: 0 });
const NUMBER: Action = { kind: 'printf', format: 'n=%d\n', args: [{ type: INT32, offset: 8 }], span };
const EXIT: Action = { kind: 'exit', code: { type: intType(1, false), offset: 8 } };

describe('a session', () => {
  test('of begin and end runs both, prints the maps and ends at once', async () => {
    const result = await run(
      [
        { target: { kind: 'begin' }, body: ({ emit, set }) => (emit(0, 1), set(0, 42)) },
        { target: { kind: 'end' }, body: ({ emit }) => emit(0, 2) },
      ],
      [NUMBER],
      { maps: [{ name: '@x', value: INT64 }] },
    );
    expect(result).toMatchObject({ exitCode: 0, out: 'n=1\nn=2\n\n\n@x: 42\n', err: 'Attached 2 probes\n' });
    expect(result.machine.kernel.now()).toBe(0);
  });

  test('stops at exit() with its code, ignores events behind it and still runs end', async () => {
    const result = await run(
      [
        { target: { kind: 'interval', frequency: 1 }, body: () => undefined },
        { target: { kind: 'begin' }, body: ({ emit }) => (emit(0, 1), emit(1, 3), emit(0, 2)) },
        { target: { kind: 'end' }, body: ({ emit }) => emit(0, 9) },
      ],
      [NUMBER, EXIT],
    );
    expect(result).toMatchObject({ exitCode: 3, out: 'n=1\nn=9\n\n\n', err: 'Attached 3 probes\n' });
    expect(result.machine.attachedCount()).toBe(0);
  });

  test('reads events shortly after they happen and ends with its duration', async () => {
    const machine = createTestMachine();
    const seen: number[] = [];
    machine.kernel.at(5000, () => machine.fire({ kind: 'kprobe', function: 'f', offset: 0 }));
    machine.kernel.at(900_000, () => seen.push(1));
    const result = await run([{ target: kprobe('f'), body: ({ emit }) => emit(0, 7) }], [NUMBER], { machine });
    expect(result).toMatchObject({ exitCode: 0, out: 'n=7\n\n\n', err: 'Attached 1 probe\n' });
    expect(machine.kernel.now()).toBe(1_000_000_000);
  });

  test('detaches, runs end and prints maps when it is interrupted', async () => {
    const machine = createTestMachine();
    const interrupt = new AbortController();
    machine.kernel.at(1000, () => {
      machine.fire({ kind: 'kprobe', function: 'f', offset: 0 });
      interrupt.abort();
    });
    const result = await run(
      [
        { target: kprobe('f'), body: ({ emit }) => emit(0, 7) },
        { target: { kind: 'end' }, body: ({ emit }) => emit(0, 8) },
      ],
      [NUMBER],
      { machine, session: { signal: interrupt.signal } },
    );
    expect(result.out).toBe('n=7\nn=8\n\n\n');
    expect(machine.kernel.now()).toBe(1000);
    expect(machine.attachedCount()).toBe(0);
  });

  test('counts and reports events that did not fit', async () => {
    const flood: Probe = {
      target: kprobe('f'),
      body: ({ emit }) => {
        for (let i = 0; i < 300; i++) emit(0, i);
      },
    };
    const machine = createTestMachine();
    machine.kernel.at(1000, () => machine.fire({ kind: 'kprobe', function: 'f', offset: 0 }));
    const result = await run([flood], [NUMBER], { machine });
    expect(result.out.split('\n').filter((line) => line.startsWith('n='))).toHaveLength(170);
    expect(result.err).toBe('Attached 1 probe\nLost 130 events\nWARNING: Total lost event count: 130\n');
  });

  test('fails when a probe cannot be attached, or warns and goes on', async () => {
    const probes: Probe[] = [
      { target: kprobe('missing_one'), body: () => undefined },
      { target: { kind: 'end' }, body: () => undefined },
    ];
    const strict = await run(probes, []);
    expect(strict).toMatchObject({ exitCode: 255, out: '' });
    expect(strict.err).toBe(
      'ERROR: no such function\n' +
        "ERROR: Unable to attach probe: kprobe:missing_one. If this is expected, set the 'missing_probes' config variable to 'warn'.\n",
    );
    const lenient = await run(probes, [], { config: { missing_probes: 'warn' } });
    expect(lenient).toMatchObject({
      exitCode: 0,
      err: 'WARNING: no such function\nWARNING: Unable to attach probe: kprobe:missing_one. Skipping.\nAttached 1 probe\n',
    });
  });

  test('runs nothing when only test probes are there', async () => {
    const result = await run([{ target: { kind: 'test', name: 't' }, body: () => undefined }], []);
    expect(result).toMatchObject({
      exitCode: 255,
      err: 'ERROR: No probes attached; use --test to run test probes.\n',
    });
  });

  test('says nothing about attached probes when quiet, and no maps if configured so', async () => {
    const result = await run([{ target: { kind: 'begin' }, body: ({ set }) => set(0, 1) }], [], {
      maps: [{ name: '@x', value: INT64 }],
      session: { quiet: true },
      config: { print_maps_on_exit: false },
    });
    expect(result).toMatchObject({ out: '\n\n', err: '' });
  });
});

describe('actions', () => {
  const begin = (...events: [number, ...number[]][]): Probe => ({
    target: { kind: 'begin' },
    body: ({ emit, set }) => {
      set(1, 10);
      set(2, 20);
      for (const [action, ...words] of events) emit(action, ...words);
    },
  });
  const maps: MapResource[] = [{ name: '@x', key: INT64, value: INT64 }];
  const u32 = (offset: number) => ({ type: UINT32, offset });

  test.each<[string, Action, number[], string]>([
    ['print', { kind: 'print_map', map: 1 }, [], '@x[1]: 10\n@x[2]: 20\n'],
    ['print with top and div', { kind: 'print_map', map: 1, top: u32(8), div: u32(12) }, [1, 5], '@x[2]: 4\n'],
    ['print of a value', { kind: 'print_value', value: { type: INT32, offset: 8 } }, [-5], '-5\n'],
    ['time', { kind: 'time', format: '%Y%%|' }, [], '2023%|'],
    ['cat', { kind: 'cat', format: '/proc/%s', args: [], span }, [], ''],
    ['system', { kind: 'system', format: 'echo %d', args: [{ type: INT32, offset: 8 }], span }, [3], 'ran echo 3\n\n'],
    [
      'join',
      {
        kind: 'join',
        separator: ',',
        count: u32(8),
        strings: { type: { kind: 'array', element: { kind: 'string', size: 4 }, length: 4 }, offset: 12 },
      },
      [3, 0x61, 0x62, 0x63, 0x64],
      'a,b,c\n',
    ],
  ])('%s', async (_name, action, words, expected) => {
    const clear: Action = { kind: 'clear', map: 1 };
    const { out } = await run([begin([0, ...words], [1])], [action, clear], { maps });
    expect(out).toBe(`${expected}\n\n`);
  });

  test('cat reads files of the machine and cuts them', async () => {
    const machine = createTestMachine();
    machine.files.set('/proc/x', new TextEncoder().encode('0123456789'));
    const cat = (path: string): Action => ({ kind: 'cat', format: path, args: [], span });
    const result = await run([begin([0], [1])], [cat('/proc/x'), cat('/nowhere')], {
      machine,
      config: { max_cat_bytes: 4, print_maps_on_exit: false },
    });
    expect(result.out).toBe('0123\n\n');
    expect(result.err).toBe("Attached 1 probe\nERROR: failed to open file '/nowhere' (No such file or directory)\n");
  });

  test('zero keeps keys, print of an unset scalar shows zero', async () => {
    const zero: Action = { kind: 'zero', map: 1 };
    const print: Action = { kind: 'print_map', map: 1 };
    const clear: Action = { kind: 'clear', map: 1 };
    const keyed = await run([begin([0], [1], [2])], [zero, print, clear], { maps });
    expect(keyed.out).toBe('@x[1]: 0\n@x[2]: 0\n\n\n');
    const scalar = await run([{ target: { kind: 'begin' }, body: ({ emit }) => emit(0) }], [print], {
      maps: [{ name: '@x', value: { kind: 'stats', signed: true } }],
    });
    expect(scalar.out).toBe('@x: { .count = 0, .average = 0, .total = 0 }\n\n\n');
  });

  test('messages say where they come from', async () => {
    const actions: Action[] = [
      { kind: 'errorf', format: 'bad %d', args: [{ type: INT32, offset: 8 }], span },
      { kind: 'warnf', format: 'careful', args: [], span: { ...span, expandedFrom: { source, start: 0, end: 5 } } },
      { kind: 'helper_error', helper: 'map_update_elem', error: { type: INT32, offset: 8 }, span },
      { kind: 'runtime_error', error: 'Error reading kstack.', span },
    ];
    const { err } = await run([begin([0, -5], [1], [2, -7], [3])], actions);
    expect(err).toBe(`Attached 1 probe
script.bt:1:9-15: ERROR: bad -5
script.bt:1:9-15: WARNING: careful
script.bt:1:1-6: WARNING: expanded from
begin { @x = 1; }
~~~~~
script.bt:1:9-15: WARNING: Map full; can't update element. Try increasing max_map_keys config or manually setting the max entries in a map declaration e.g. \`let @a = hash(5000)\`
Additional Info - helper: map_update_elem, retcode: -7
begin { @x = 1; }
        ~~~~~~
script.bt:1:9-15: WARNING: Error reading kstack.
begin { @x = 1; }
        ~~~~~~
`);
  });
});

test('in JSON a message has its line and its column in bytes', async () => {
  const wide = createSource('wide.bt', 'begin {\n  "\u{e9}"; errorf("x");\n}\n');
  const at = wide.text.indexOf('errorf');
  const action: Action = { kind: 'errorf', format: 'x', args: [], span: { source: wide, start: at, end: at + 11 } };
  const { out } = await run([{ target: { kind: 'begin' }, body: ({ emit }) => emit(0) }], [action], {
    session: { format: 'json', quiet: true },
  });
  expect(out).toBe('{"type": "errorf", "msg": "x", "filename": "wide.bt", "line": 2, "col": 9}\n');
});

test('without warnings neither warnf nor failed helpers say anything', async () => {
  const actions: Action[] = [
    { kind: 'warnf', format: 'careful', args: [], span },
    { kind: 'helper_error', helper: 'map_update_elem', error: { type: INT32, offset: 8 }, span },
  ];
  const body = ({ emit }: Toolbox): void => (emit(0), emit(1, -7));
  const { err } = await run([{ target: { kind: 'begin' }, body }], actions, { session: { warnings: false } });
  expect(err).toBe('Attached 1 probe\n');
});

describe('programs that interrupt others', () => {
  const nested = async (outer: ProgramType, inner: ProgramType, target: 'inner' | 'outer'): Promise<string> => {
    const machine = createTestMachine();
    const hook = (name: string) => ({ kind: 'kprobe', function: name, offset: 0 }) as const;
    machine.kernel.at(1000, () => machine.fire(hook('outer')));
    let depth = 0;
    const stacks = new Set<number>();
    const { out } = await run(
      [
        {
          target: kprobe('outer'),
          type: outer,
          body: ({ emit, environment }) => {
            stacks.add(environment.stackTop);
            emit(0, depth);
            depth++;
            if (depth < 4) machine.fire(hook(target));
            depth--;
          },
        },
        {
          target: kprobe('inner'),
          type: inner,
          body: ({ emit, environment }) => {
            stacks.add(environment.stackTop);
            emit(0, 100 + depth);
          },
        },
      ],
      [NUMBER],
      { machine },
    );
    return `${out.trim().replaceAll('\n', ' ')}, ${stacks.size} stacks`;
  };
  test('of the types that share a guard are skipped', async () => {
    expect(await nested('kprobe', 'tracepoint', 'inner')).toBe('n=0, 1 stacks');
    expect(await nested('perf_event', 'kprobe', 'inner')).toBe('n=0, 1 stacks');
  });
  test('with a guard of their own run on the next stack', async () => {
    expect(await nested('kprobe', 'raw_tracepoint', 'inner')).toBe('n=0 n=101, 2 stacks');
    expect(await nested('tracing', 'tracing', 'inner')).toBe('n=0 n=101, 2 stacks');
  });
  test('never enter themselves', async () => {
    expect(await nested('tracing', 'tracing', 'outer')).toBe('n=0, 1 stacks');
  });
});

test('a map that does not fit into memory ends the session with an error', async () => {
  const machine = createTestMachine();
  const streams = captureStreams();
  const { exitCode } = await runSession({
    image: { programs: [], maps: [RING, { ...HASH, maxEntries: 100_000_000 }] },
    resources: testResources({
      attachments: [{ program: 'p', probeName: 'begin', target: { kind: 'begin' }, span }],
      maps: [],
    }),
    programs: new Map(),
    kernel: machine.kernel,
    output: streams,
    format: 'text',
    durationNs: 1,
  });
  expect(exitCode).toBe(255);
  expect(streams.err()).toBe("ERROR: Failed to create map 'AT_x': Cannot allocate memory\n");
});
