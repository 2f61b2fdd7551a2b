import type { Image, UsdtProbe } from '../../src/simkernel/programs/image.ts';
import type { CValue } from '../../src/simkernel/programs/image-data.ts';
import { userFunction } from '../../src/simkernel/programs/user-function.ts';
import type { UserFunction, UserWord } from '../../src/simkernel/programs/user-function.ts';
import type { UserContext } from '../../src/simkernel/programs/user.ts';
import type { UserBody } from '../../src/simkernel/programs/image.ts';

/*
 * What the checkout's testprogs do, as far as probes see it: functions with their prototypes, the values that they are called
 * with, global variables and static probes. Declared from what the tests expect; nothing is compiled.
 */

const MAIN = 'int main(int argc, char **argv)';
const NS_PER_MS = 1_000_000;
const EPOCH_SECONDS = 1_767_225_660;

const at = (name: string): string => `./testprogs/${name}`;
type Body = (u: UserContext, argv: readonly string[]) => UserBody;

/** A function that does nothing but return a value. */
function plain(prototype: string, result: UserWord | ((...args: UserWord[]) => UserWord) = 0): UserFunction {
  return userFunction(prototype, function* (u, ...args) {
    yield u.work(40);
    return typeof result === 'function' ? result(...args) : result;
  });
}

interface Shape {
  readonly name: string;
  readonly structs?: Readonly<Record<string, readonly string[]>>;
  readonly functions?: readonly (UserFunction | string)[];
  readonly main: Body;
}

function program({ name, structs = {}, functions = [], main, ...rest }: Shape & Partial<Image>): Image {
  return { path: at(name), symbols: ['main', '_start', ...functions], mainPrototype: MAIN, structs, main, ...rest };
}

/** A program that makes one value and calls one function with it. */
function caller(
  name: string,
  structs: Readonly<Record<string, readonly string[]>>,
  calls: readonly (readonly [prototype: string, ...args: (readonly [type: string, value: CValue] | UserWord)[]])[],
): Image {
  const functions = calls.map(([prototype]) => plain(prototype));
  const distinct = functions.filter((fn, i) => functions.findIndex(({ facts }) => facts.name === fn.facts.name) === i);
  return program({
    name,
    structs,
    functions: distinct,
    *main(u) {
      yield u.work(60_000);
      for (const [i, [, ...args]] of calls.entries()) {
        const words = args.map((arg) =>
          Array.isArray(arg) ? u.value(arg[0] as string, arg[1] as CValue) : (arg as UserWord),
        );
        yield* distinct.find(({ facts }) => facts.name === functions[i]!.facts.name)!(u, ...words);
      }
      return 0;
    },
  });
}

const FOO = { Foo: ['int a', 'char b[10]', 'int c[3]', '__int128 d'] };
const BAR = { Bar: ['int x', 'struct Foo *foos[2]', 'struct Foo nested'] };

function uprobeTest(path: string): Image {
  const uprobeFunction1 = plain('int uprobeFunction1(int *n, char c)', 13);
  const uprobeFunction2 = plain('struct Foo *uprobeFunction2(struct Foo *foo1, struct Foo *foo2)', (foo) => foo);
  const branching = plain('int uprobeFunctionBranching(int n)', 3);
  const bar = plain('struct Bar *uprobeFunctionBar(struct Bar *bar)', (value) => value);
  const wide = plain(
    '__uint128_t uprobeFunctionUint128(__uint128_t x, __uint128_t y, __uint128_t z, __uint128_t w)',
    (...args) => BigInt(args[0] ?? 0) + BigInt(args[6] ?? 0),
  );
  const init = userFunction(
    'void _init(void)',
    function* (u) {
      yield u.work(20);
      return 0;
    },
    { size: 0 },
  );
  return {
    path,
    symbols: [init, 'main', '_start', uprobeFunction1, uprobeFunction2, branching, bar, wide],
    mainPrototype: MAIN,
    structs: { ...FOO, ...BAR },
    variables: [
      { name: 'GLOBAL_A', type: 'int', value: 0x55555555 },
      { name: 'GLOBAL_B', type: 'int', value: 0x88888888 },
      { name: 'GLOBAL_C', type: 'int', value: 0x33333333 },
      { name: 'GLOBAL_D', type: 'char', value: 8 },
    ],
    *main(u) {
      yield* init(u);
      const n = u.value('int', 13);
      const foo1 = u.value('struct Foo', { a: 123, b: 'hello', c: [1, 2, 3], d: 0x123456789abcdef0n });
      const foo2 = u.value('struct Foo', { a: 456, b: 'world', c: [4, 5, 6], d: 0xfedcba9876543210n });
      const nested: CValue = { a: 123, b: 'hello', c: [1, 2, 3], d: 0x123456789abcdef0n };
      const both = u.value('struct Bar', { x: 42, foos: [foo1, foo2], nested });
      for (;;) {
        yield* uprobeFunction1(u, n, 0x78);
        yield* uprobeFunction2(u, foo1, foo2);
        yield* branching(u, 13);
        yield* bar(u, both);
        yield* wide(
          u,
          ...[0x123456789abcdef0n, 0xefefefefefefefefn, 0xcdcdcdcdcdcdcdcdn, 0xababababababababn].flatMap((low) => [
            low,
            0n,
          ]),
        );
        yield u.nanosleep(100 * NS_PER_MS);
      }
    },
  };
}

function looping(name: string, before?: (u: UserContext, spin: () => UserBody) => UserBody): Image {
  const uprobeFunction1 = plain('int uprobeFunction1(int *n, char c)', 13);
  const spin = userFunction('void spin()', function* (u) {
    const n = u.value('int', 13);
    for (;;) {
      yield* uprobeFunction1(u, n, 0x78);
      yield u.nanosleep(NS_PER_MS / 2);
    }
  });
  return program({
    name,
    functions: [uprobeFunction1, spin],
    *main(u) {
      if (before !== undefined) return yield* before(u, () => spin(u));
      return yield* spin(u);
    },
  });
}

function symres(name: string, main: (u: UserContext, test2: () => UserBody) => UserBody): Image {
  const test = plain('int test()', 42);
  const test2 = userFunction('int test2()', function* (u) {
    return yield* test(u);
  });
  return program({ name, functions: [test, test2], main: (u) => main(u, () => test2(u)) });
}

const NEGATIVE = plain('int function1(int x)', (x = 0) => x);
const NO_FRAMES = ['funcD', 'funcC', 'funcB', 'funcA'].reduce<UserFunction[]>((made, name) => {
  const inner = made.at(-1);
  return [
    ...made,
    userFunction(`void ${name}(void)`, function* (u) {
      yield u.work(30);
      return inner === undefined ? 0 : yield* inner(u);
    }),
  ];
}, []);

/** Static probes of one provider, all in one function. */
function probes(
  within: string,
  rows: readonly (readonly [provider: string, name: string, operands: string])[],
): readonly UsdtProbe[] {
  return rows.map(([provider, name, operands]) => ({ provider, name, operands, in: within }));
}
const TIME_AND_TEXT = '-8@%rax 8@-8(%rbp)';

type Firing = readonly [provider: string, name: string, place: number, ...values: (UserWord | string)[]];

function* fire(u: UserContext, rows: readonly Firing[]): UserBody {
  for (const [provider, name, place, ...values] of rows) {
    yield* u.usdtAt(
      place,
      provider,
      name,
      ...values.map((value) => (typeof value === 'string' ? u.string(value) : value)),
    );
  }
  return 0;
}

/** A program whose myclock() has static probes, again and again. */
function clockProgram(name: string, usdt: readonly UsdtProbe[], rows: readonly Firing[], pause: number): Image {
  const myclock = userFunction('long myclock()', function* (u) {
    yield u.work(900);
    yield* fire(u, rows);
    return EPOCH_SECONDS;
  });
  return program({
    name,
    functions: [myclock],
    usdt,
    *main(u) {
      for (;;) {
        yield* myclock(u);
        yield u.nanosleep(pause);
      }
    },
  });
}

const USDT_TEST_ROWS: readonly Firing[] = [
  ['tracetest', 'testprobe', 0, EPOCH_SECONDS, 'Hello World1'],
  ['tracetest', 'testprobe2', 0, EPOCH_SECONDS, 'Hello World2'],
  ['tracetest2', 'testprobe2', 0, EPOCH_SECONDS, 'Hello World3'],
];
const usdtTest = (name: string): Image =>
  clockProgram(
    name,
    probes(
      'myclock',
      USDT_TEST_ROWS.map(([provider, probe]) => [provider, probe, TIME_AND_TEXT] as const),
    ),
    USDT_TEST_ROWS,
    100 * NS_PER_MS,
  );

const LOCATION_ROWS: readonly Firing[] = [
  ['tracetest', 'testprobe', 0, EPOCH_SECONDS, 'Hello world'],
  ['tracetest', 'testprobe', 1, EPOCH_SECONDS, 'Hello world2'],
  ['tracetest', 'testprobe2', 0, EPOCH_SECONDS, 'Hello world3'],
  ['tracetest', 'testprobe3', 0, EPOCH_SECONDS, 'Hello world4'],
  ['tracetest', 'testprobe3', 1, EPOCH_SECONDS, 'Hello world5'],
  ['tracetest', 'testprobe3', 2, EPOCH_SECONDS, 'Hello world6'],
];

const SEMAPHORE_TEST = ((): Image => {
  const myclock = userFunction('long myclock()', function* (u) {
    yield u.work(900);
    const active = u.listeners('tracetest', 'testprobe');
    if (active > 0) yield* u.usdt('tracetest', 'testprobe', EPOCH_SECONDS, u.string(`USDT semaphore: ${active}\n`));
    return EPOCH_SECONDS;
  });
  return program({
    name: 'usdt_semaphore_test',
    functions: [myclock],
    usdt: [{ provider: 'tracetest', name: 'testprobe', operands: TIME_AND_TEXT, in: 'myclock', semaphore: true }],
    *main(u) {
      for (;;) {
        yield* myclock(u);
        yield u.nanosleep(NS_PER_MS);
      }
    },
  });
})();

const TEST_VALUE = 0xf7f6f5f4f3f2f1f0n;
const SIZED = [64, 32, 16, 8].flatMap((bits) => [
  { name: `u${bits}`, size: bits / 8, signed: false },
  { name: String(bits), size: bits / 8, signed: true },
]);
const REGISTERS: Readonly<Record<number, string>> = { 8: 'rax', 4: 'eax', 2: 'ax', 1: 'al' };
const USDT_ARGS = ((): Image => {
  const operand = (size: number, signed: boolean, text: string): string => `${signed ? '-' : ''}${size}@${text}`;
  const constant = (size: number, signed: boolean): bigint =>
    (signed ? BigInt.asIntN : BigInt.asUintN)(size * 8, TEST_VALUE);
  const rows = [
    ...SIZED.map(
      ({ name, size, signed }) =>
        [`const_${name}`, operand(size, signed, `$${BigInt.asIntN(64, constant(size, signed))}`)] as const,
    ),
    ...SIZED.map(({ name, size, signed }) => [`reg_${name}`, operand(size, signed, `%${REGISTERS[size]!}`)] as const),
    ...SIZED.map(({ name, size, signed }) => [`addr_${name}`, operand(size, signed, '-72(%rbp)')] as const),
  ];
  return program({
    name: 'usdt_args',
    functions: ['constants', 'registers', 'addresses'],
    usdt: rows.map(([name, operands]) => ({
      provider: 'usdt_args',
      name,
      operands,
      in: name.startsWith('const') ? 'constants' : name.startsWith('reg') ? 'registers' : 'addresses',
    })),
    *main(u) {
      yield u.work(80_000);
      return yield* fire(
        u,
        rows.map(([name]): Firing => ['usdt_args', name, 0, TEST_VALUE]),
      );
    },
  });
})();

const MULTI_VALUES = [
  0xdeadbeef,
  1,
  -1n,
  0xcafebabe,
  0x8badf00d,
  0xfeedface,
  0x0123456789abcdefn,
  0n,
  0x7fffffffffffffffn,
  0x5555555555555555n,
  42,
  0xaaaaaaaaaaaaaaaan,
];
const MULTI_SIZES = [4, 4, 8, 4, 4, 4, 8, 8, 8, 8, 4, 8];

const USDT_INLINED = ((): Image => {
  const mywrapper = userFunction('void mywrapper()', function* (u) {
    yield* u.usdtAt(1, 'tracetest', 'testprobe', EPOCH_SECONDS, 100);
    return 0;
  });
  const loop = userFunction('void loop()', function* (u) {
    for (;;) {
      yield* u.usdtAt(0, 'tracetest', 'testprobe', EPOCH_SECONDS, 999);
      yield* mywrapper(u);
      yield u.nanosleep(1_000 * NS_PER_MS);
    }
  });
  return program({
    name: 'usdt_inlined',
    functions: [mywrapper, loop],
    usdt: [
      { provider: 'tracetest', name: 'testprobe', operands: '-8@%rax -4@-20(%rbp)', in: 'loop' },
      { provider: 'tracetest', name: 'testprobe', operands: '-8@%rax -4@-36(%rbp)', in: 'mywrapper' },
    ],
    *main(u) {
      return yield* loop(u);
    },
  });
})();

/** Endless rounds of a few static probes in main. */
function rounds(name: string, usdt: readonly UsdtProbe[], rows: readonly Firing[]): Image {
  return program({
    name,
    usdt,
    *main(u) {
      for (;;) {
        yield* fire(u, rows);
        yield u.nanosleep(NS_PER_MS);
      }
    },
  });
}

const LIBSIMPLE: Image = { path: './testlibs/libsimple.so', symbols: [plain('void fun()')], main: null, structs: {} };
const LIBUSDT = ((): { readonly image: Image; readonly myclock: UserFunction } => {
  const rows: readonly Firing[] = [
    ['tracetestlib', 'lib_probe_1', 0, EPOCH_SECONDS, 'Hello world'],
    ['tracetestlib', 'lib_probe_1', 1, EPOCH_SECONDS, 'Hello world2'],
    ['tracetestlib2', 'lib_probe_2', 0, EPOCH_SECONDS, 'Hello world3'],
  ];
  const myclock = userFunction('long myclock()', function* (u) {
    yield u.work(900);
    yield* fire(u, rows);
    return EPOCH_SECONDS;
  });
  const usdt = probes(
    'myclock',
    rows.map(([provider, name]) => [provider, name, TIME_AND_TEXT] as const),
  );
  return { myclock, image: { path: './testlibs/libusdt_tp.so', symbols: [myclock], main: null, usdt } };
})();

/** Threads are started one after the other by the function that names them. */
const sleeping = (name: string, seconds: number): Image =>
  program({
    name,
    *main(u) {
      yield u.nanosleep(seconds * 1e9);
      return 0;
    },
  });

const A = { x: [1, 2, 3, 4], y: [0xaa, 0xbb, 0xcc, 0xdd] };
const COMPLEX_BYTES = '\x09\x08\x07\x06';

const ARRAYS = ((): Image => {
  const structs = {
    A: ['int x[4]', 'uint8_t y[4]'],
    B: ['int y[2][2]'],
    C: ['int *z[4]'],
    D: ['int x', 'int y[0]', 'int z'],
  };
  const testStruct = plain('void test_struct(struct A *a, struct B *b)');
  const testArray = plain('void test_array(int *a)');
  const testPointers = plain('void test_ptr_array(struct C *c)');
  const testArrays = plain('void test_arrays(struct A *a, struct A *d)');
  const testVariable = plain('void test_variable_array(struct D *d)');
  return program({
    name: 'array_access',
    structs,
    functions: [testArray, testArrays, testStruct, testPointers, testVariable],
    *main(u) {
      yield u.work(60_000);
      const a = u.value('struct A', A);
      yield* testStruct(
        u,
        a,
        u.value('struct B', {
          y: [
            [5, 6],
            [7, 8],
          ],
        }),
      );
      yield* testArray(u, a);
      yield* testPointers(u, u.value('struct C', { z: [0, 1, 2, 3].map((i) => a + 4 * i) }));
      yield* testArrays(u, a, u.value('struct A', { x: [4, 3, 2, 1] }));
      yield* testVariable(u, u.value('struct D', { z: 1 }));
      return 0;
    },
  });
})();

const COMPLEX = ((): Image => {
  const func = plain('void func(struct Foo *foo)');
  return program({
    name: 'complex_struct',
    structs: {
      Foo: ['char *a', 'char b[4]', 'uint8_t c[4]', 'int d[4]', 'uint16_t e[4]', 'uint64_t f[4]'],
    },
    functions: [func],
    *main(u) {
      yield u.work(60_000);
      const a = u.value('char[4]', COMPLEX_BYTES);
      yield* func(
        u,
        u.value('struct Foo', {
          a,
          b: [5, 4, 3, 2],
          c: [1, 2, 3, 4],
          d: [5, 6, 7, 8],
          e: [9, 10, 11, 12],
          f: [13, 14, 15, 16],
        }),
      );
      return 0;
    },
  });
})();

const POINTERS = ((): Image => {
  const fn = plain('int function(struct Foo **f)', 123);
  return program({
    name: 'ptr_to_ptr',
    structs: { Foo: ['int a', 'char b[10]'] },
    functions: [fn],
    *main(u) {
      yield u.work(60_000);
      const foo = u.value('struct Foo', { a: 123, b: 'hello' });
      return yield* fn(u, u.value('struct Foo *', foo));
    },
  });
})();

const LIBRARY_USER = program({
  name: 'uprobe_library',
  *main(u) {
    yield u.work(60_000);
    return 0;
  },
});

const SIMPLE = ((): Image => {
  const func = plain('int func(struct Foo *foo)', 2);
  const nFunc = plain('int n_func(int *n)', 3);
  return program({
    name: 'simple_struct',
    structs: { Foo: ['int m', 'int n'] },
    functions: [func, nFunc],
    *main(u) {
      yield u.work(60_000);
      const foo = u.value('struct Foo', { m: 2, n: 3 });
      yield* func(u, foo);
      yield* nFunc(u, foo + 4);
      return 0;
    },
  });
})();

const WATCHED = 0x1000_0000;
function* writes(u: UserContext, times: number): UserBody {
  for (let i = 0; i < times; i += 1) {
    yield u.poke(WATCHED, 1, i);
    yield u.nanosleep(250 * NS_PER_MS);
  }
  return 0;
}
const WATCHPOINTS: readonly Image[] = [
  program({ name: 'watchpoint', main: (u) => writes(u, 10) }),
  program({
    name: 'watchpoint_threaded',
    *main(u, argv) {
      if (argv.length > 1) yield u.nanosleep(Number(argv[1]) * 1e9);
      return yield* writes(u, 100);
    },
  }),
  program({
    name: 'watchpoint_exec',
    *main(u) {
      yield u.nanosleep(1e9);
      yield u.execute(WATCHED);
      return 0;
    },
  }),
  program({
    name: 'wait4_ru',
    *main(u) {
      const child = yield u.fork(function* () {
        return 0;
      });
      yield u.call('wait4', typeof child === 'number' ? child : -1, 0, 0, u.buffer(144));
      return 0;
    },
  }),
];

const FORKING = looping('uprobe_fork_loop', function* (u, spin) {
  const loop = looping('uprobe_fork_child');
  yield u.fork((child) => loop.main!(child, ['uprobe_fork_loop']));
  return yield* spin();
});

const stub = plain('void stub(void)');
const FAMILY = program({
  name: 'multi_procs',
  functions: [stub],
  *main(u) {
    const son = yield u.fork(function* (v) {
      yield* stub(v);
      const grandson = yield v.fork(function* (w) {
        yield* stub(w);
        return 0;
      });
      yield v.wait4(grandson);
      return 0;
    });
    yield u.wait4(son);
    return 0;
  },
});

export const TESTPROGS: readonly Image[] = [
  ...['uprobe_test', 'uprobe_test-pie', 'uprobe_test-stripped'].map((name) => uprobeTest(at(name))),
  ...['dwo', 'dwp'].map((kind) => uprobeTest(at(`external_debug/${kind}/uprobe_test-split`))),
  looping('uprobe_loop'),
  looping('uprobe_loop-pie'),
  FORKING,
  symres('uprobe_symres', function* (u, test2) {
    yield* test2();
    yield u.nanosleep(5e9);
    return 0;
  }),
  symres('uprobe_symres_exited_process', function* (u, test2) {
    yield u.nanosleep(3e9);
    yield* test2();
    return 0;
  }),
  program({
    name: 'uprobe_negative_retval',
    functions: [NEGATIVE],
    *main(u) {
      for (let x = -120; x <= 100; x += 1) yield* NEGATIVE(u, x);
      return -100;
    },
  }),
  program({
    name: 'uprobe_nofp',
    functions: NO_FRAMES,
    *main(u) {
      for (;;) {
        yield* NO_FRAMES.at(-1)!(u);
        yield u.nanosleep(NS_PER_MS / 2);
      }
    },
  }),
  caller('uprobe_namesan', {}, [['int fn$()']]),
  caller('uprobe_separate_debug', {}, [['int fn(int n, const char *str)', 123, ['char[13]', 'Hello world!']]]),
  caller('uprobe_separate_debug-stripped', {}, [['int fn(int n, const char *str)', 123, ['char[13]', 'Hello world!']]]),
  ARRAYS,
  COMPLEX,
  POINTERS,
  caller(
    'bitfield_test',
    {
      Foo: ['unsigned int all'],
      Bar: ['unsigned int first', 'unsigned int second'],
    },
    [
      [
        'unsigned int func(struct Foo *foo)',
        ['struct Foo', { all: 1 | (2 << 4) | (5 << 12) | (0 << 15) | (0xffff << 16) }],
      ],
      [
        'short func2(struct Bar *bar)',
        [
          'struct Bar',
          {
            first: 1 + (217 << 4) + (5 << 12) + (1 << 15) + 500 * 65_536,
            second: 31_117 + (1 << 15) + (2 << 16) + 27 * 262_144,
          },
        ],
      ],
    ],
  ),
  caller('intptrcast', {}, [['int fn(uint16_t *nums)', ['uint16_t[6]', [0x123, 0x456, 0x789, 0xabc, 0xdef, 0xcba]]]]),
  caller('nested_struct_test', { Inner: ['int x', 'int y'], Foo: ['int m', 'struct Inner bar', 'int n'] }, [
    ['void test_nested_struct(struct Foo *foo)', ['struct Foo', { m: 10, bar: { x: 20, y: 30 }, n: 40 }]],
  ]),
  caller('signed_ints_test', { x: ['unsigned long x'] }, [
    ['void test_signed_ints(struct x *ptr)', ['struct x', { x: 0 }]],
  ]),
  SIMPLE,
  caller('string_args', {}, [['void print(char *a, char *b)', ['char[6]', 'hello'], ['char[6]', 'world']]]),
  caller(
    'struct_array',
    {
      T: ['uint32_t a', 'uint32_t b[2]'],
      W: ['uint32_t a', 'struct T t'],
      C: ['uint32_t a', 'void *b', 'struct W w[10]'],
    },
    [
      [
        'void clear(struct C *c)',
        [
          'struct C',
          {
            a: 0x55555555,
            b: 0x55555555,
            w: Array.from({ length: 10 }, (_, x) => ({ a: 100 + x, t: { a: x, b: [100 - x, 100 - 2 * x] } })),
          },
        ],
      ],
    ],
  ),
  caller('struct_walk', { C: ['uint32_t a', 'uint64_t b'] }, [
    [
      'void clear(struct C *c, size_t size)',
      ['struct C[10]', Array.from({ length: 10 }, (_, a) => ({ a, b: 100 }))],
      10,
    ],
  ]),
  caller('struct_with_union', { Foo: ['int m', 'int n'] }, [
    ['int func(struct Foo *foo)', ['struct Foo', { m: 2, n: 5 }]],
  ]),
  caller('stack_args', {}, [
    [
      'void too_many_args(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j)',
      ...[0, 1, 2, 4, 8, 16, 32, 64, 128, 256],
    ],
  ]),
  caller('helper_error_test', { foo: ['int a'] }, [['void test_helper_error(struct foo *ptr)', 0]]),
  LIBRARY_USER,
  FAMILY,
  ...WATCHPOINTS,
  sleeping('wait10', 10),
  usdtTest('usdt_test'),
  usdtTest('usdt_test-pie'),
  clockProgram(
    'usdt_multiple_locations',
    probes(
      'myclock',
      LOCATION_ROWS.map(([provider, name]) => [provider, name, TIME_AND_TEXT] as const),
    ),
    LOCATION_ROWS,
    NS_PER_MS,
  ),
  SEMAPHORE_TEST,
  USDT_ARGS,
  USDT_INLINED,
  rounds('usdt_quoted_probe', probes('main', [['test', '"probe1"', '-4@-4(%rbp)']]), [['test', '"probe1"', 0, 1]]),
  rounds(
    'usdt_sized_args',
    probes('main', [
      ['test', 'probe1', '4@-4(%rbp)'],
      ['test', 'probe2', '4@-8(%rbp)'],
      ['test', 'probe3', '8@-16(%rbp)'],
    ]),
    [
      ['test', 'probe1', 0, 0xdeadbeef],
      ['test', 'probe2', 0, 1],
      ['test', 'probe3', 0, -1n],
    ],
  ),
  rounds(
    'usdt_multi_args',
    probes('main', [
      ['usdt_multi_args', 'probe1', MULTI_SIZES.map((size, i) => `${size}@-${8 * (i + 1)}(%rbp)`).join(' ')],
    ]),
    [['usdt_multi_args', 'probe1', 0, ...MULTI_VALUES]],
  ),
  program({
    name: 'usdt_lib',
    libraries: [LIBUSDT.image],
    *main(u) {
      for (;;) {
        yield* LIBUSDT.myclock(u);
        yield u.nanosleep(NS_PER_MS);
      }
    },
  }),
  LIBSIMPLE,
];
