import { describe, expect, test } from 'vitest';
import { alignOf, findMember, resolveForward } from '../../../src/btf/layout.ts';
import { printDeclaration, printDefinition } from '../../../src/btf/print.ts';
import { C_INTS } from '../../../src/btf/type-text.ts';
import { createTypeSet } from '../../../src/btf/type-set.ts';
import type { StructType, TypeSet, UnionType } from '../../../src/btf/types.ts';
import { parseCPreamble } from '../../../src/typecheck/c/preamble.ts';
import type { PreambleInput } from '../../../src/typecheck/c/preamble.ts';

const path: StructType = {
  kind: 'struct',
  name: 'path',
  size: 16,
  members: [
    { name: 'mnt', type: { kind: 'pointer', to: { kind: 'void' } }, offsetBits: 0 },
    { name: 'dentry', type: { kind: 'pointer', to: { kind: 'void' } }, offsetBits: 64 },
  ],
};
const kernel: TypeSet = createTypeSet({
  types: [path, { kind: 'typedef', name: 'u32', type: C_INTS.unsignedInt }],
});

function parse(text: string, more: Partial<PreambleInput> = {}) {
  return parseCPreamble({ statements: [{ text }], types: kernel, ...more });
}

function aggregate(text: string, name = 's'): StructType | UnionType {
  const { types, diagnostics } = parse(text);
  expect(diagnostics).toEqual([]);
  return types.struct(name) ?? types.union(name)!;
}

// Sizes, alignments and bit offsets that gcc 14 gives on x86-64.
describe('layout', () => {
  test.each<[string, number, number, Readonly<Record<string, number>>]>([
    ['struct s { char a; int b; char c; long long d; };', 24, 8, { b: 32, c: 64, d: 128 }],
    ['struct s { char a; int b; char c; long long d; } __attribute__((packed));', 14, 1, { b: 8, c: 40, d: 48 }],
    ['struct __attribute__((packed)) s { char a; int b; };', 5, 1, { b: 8 }],
    ['union s { char bytes[10]; int word; };', 12, 4, { word: 0 }],
    ['struct s { char a; char b __attribute__((aligned(8))); char c; };', 16, 8, { b: 64, c: 72 }],
    ['struct s { int a; } __attribute__((aligned(16)));', 16, 16, { a: 0 }],
    ['struct s { char a; int b __attribute__((packed)); };', 5, 1, { b: 8 }],
    ['struct s { int a[2][3]; short b[0]; };', 24, 4, { b: 192 }],
    ['struct s { char a; _Bool b; void *p; double d; };', 24, 8, { b: 8, p: 64, d: 128 }],
    ['struct s { char a; struct { short x; char y; } in; char z; };', 8, 2, { in: 16, z: 48 }],
    ['struct s { char a; union { int x; long y; }; struct { char z; }; };', 24, 8, { x: 64, y: 64, z: 128 }],
    ['enum e { A, B = 5 }; struct s { char c; enum e v; };', 8, 4, { v: 32 }],
    ['struct s { int (*call)(int, void *); char c; };', 16, 8, { c: 64 }],
    ['struct s { long double d; char c; };', 32, 16, { c: 128 }],
    ['struct s { __int128 w; char c; };', 32, 16, { c: 128 }],
  ])('%s', (text, size, align, offsets) => {
    const type = aggregate(text);
    expect([type.size, alignOf(type)]).toEqual([size, align]);
    for (const [name, offset] of Object.entries(offsets))
      expect([name, findMember(type, name)!.offsetBits]).toEqual([name, offset]);
  });

  test.each<[string, number, Readonly<Record<string, readonly [number, number]>>]>([
    [
      'struct s { unsigned a : 3; unsigned b : 5; unsigned c : 8; unsigned d : 16; };',
      4,
      { a: [0, 3], b: [3, 5], c: [8, 8], d: [16, 16] },
    ],
    ['struct s { unsigned a : 30; unsigned b : 4; };', 8, { b: [32, 4] }],
    ['struct s { unsigned a : 30; unsigned b : 4; } __attribute__((packed));', 5, { b: [30, 4] }],
    ['struct s { char a : 4; int b : 8; char c : 6; };', 4, { b: [4, 8], c: [16, 6] }],
    ['struct s { int a : 3; int : 0; int b : 3; };', 8, { b: [32, 3] }],
    ['struct s { char a : 3; int : 20; char b; };', 4, { b: [24, 8] }],
    ['struct s { short a : 15; char b : 4 __attribute__((packed)); };', 4, { b: [15, 4] }],
    ['enum e { A }; struct s { enum e : 5; enum e b : 2; };', 4, { b: [5, 2] }],
    ['union s { int a : 5; char b : 3; };', 4, { a: [0, 5], b: [0, 3] }],
    ['struct s { _Bool a : 1; _Bool b : 1; long c : 40; };', 8, { b: [1, 1], c: [2, 40] }],
  ])('bit fields: %s', (text, size, fields) => {
    const type = aggregate(text);
    expect(type.size).toBe(size);
    for (const [name, [offset, width]] of Object.entries(fields)) {
      const { member, offsetBits } = findMember(type, name)!;
      expect([name, offsetBits, member.bitfieldSize ?? 8]).toEqual([name, offset, width]);
    }
  });
});

test.each<[string, string]>([
  ['unsigned long int x', 'long unsigned int x'],
  ['int long unsigned x', 'long unsigned int x'],
  ['signed char x', 'signed char x'],
  ['const char *x', 'const char *x'],
  ['char const *x', 'const char *x'],
  ['char *const x', 'char * const x'],
  ['int x[2][3]', 'int x[2][3]'],
  ['int (*x)[3]', 'int (*x)[3]'],
  ['int *x[3]', 'int *x[3]'],
  ['void (*x)(int, ...)', 'void (*x)(int, ...)'],
  ['char *(*x[2])(struct path *, char buf[4])', 'char * (*x[2])(struct path *, char *buf)'],
  ['u32 x', 'u32 x'],
  ['struct path x', 'struct path x'],
  ['struct later *x', 'struct later *x'],
])('member declaration %s is read as %s', (declaration, printed) => {
  const [member] = aggregate(`struct s { ${declaration}; };`).members;
  expect(printDeclaration(member!.type, member!.name)).toBe(printed);
});

test('a pointer to a struct defined further on, or to itself, is a pointer to that definition', () => {
  const { types } = parse('struct a { struct b *b; }; struct b { struct a *a; struct b *next; };');
  const a = types.struct('a')!;
  const b = types.struct('b')!;
  const target = (type: StructType, name: string) => {
    const pointer = findMember(type, name)!.member.type;
    return pointer.kind === 'pointer' ? pointer.to : undefined;
  };
  expect(target(a, 'b')).toBe(b);
  expect(target(b, 'next')).toBe(b);
  expect(target(b, 'a')).toBe(a);
});

test('a type of the kernel is taken from it, and an own one of that name shadows it', () => {
  expect(aggregate('struct s { struct path p; };').members[0]!.type).toBe(path);
  const own = parse('struct s { struct path *p; }; struct path { char c; };').types;
  const pointer = own.struct('s')!.members[0]!.type;
  expect(pointer.kind === 'pointer' && resolveForward(pointer.to, own)).toBe(own.struct('path'));
});

test('several declarators, nested definitions and typedefs are all declared', () => {
  const { types } = parse(
    'typedef struct in { int a, *b; } in_t, *in_p; typedef struct { in_t x; in_p y; } out_t; struct out { out_t o; };',
  );
  expect(printDefinition(types.struct('in')!)).toBe('struct in {\n\tint a;\n\tint *b;\n};');
  expect(types.struct('out')!.size).toBe(24);
  expect([...types.names('typedef')]).toEqual(['in_t', 'in_p', 'out_t']);
});

test('enums count up, take constant expressions and choose a size that fits', () => {
  const { types, enumerators } = parse(
    '#define BASE 0x10\nenum a { A, B = BASE << 1, C, D = sizeof(long) * C, E = -1 }; enum b { BIG = 0x100000000 }; enum c : unsigned char { SMALL };',
  );
  expect([...enumerators].map(([name, { value }]) => `${name}=${value}`)).toEqual([
    'A=0',
    'B=32',
    'C=33',
    'D=264',
    'E=-1',
    'BIG=4294967296',
    'SMALL=0',
  ]);
  expect(types.enum('a')).toMatchObject({ size: 4, signed: true });
  expect(types.enum('b')).toMatchObject({ size: 8, signed: false });
  expect(types.enum('c')).toMatchObject({ size: 1, signed: false });
});

test('functions of a real header are passed over, their types are not', () => {
  const { types, diagnostics } = parse(
    'static inline int f(struct arg { int x; } *p) { if (p) { return 1; } return 0; }\nextern int g(void);\nint h = { 1 };\nstruct s { int a; };',
  );
  expect(diagnostics).toEqual([]);
  expect(types.struct('s')!.size).toBe(4);
});

test('macros keep their tokens without the blanks between them', () => {
  const { macros } = parse(
    '#define A (1 * 4 + B)\n#define B "x  y"\n#define EMPTY\n#define F(x, y) ((x) + y)\n#define C 1\n#undef C',
  );
  expect(Object.fromEntries(macros)).toEqual({ A: '(1*4+B)', B: '"x  y"', F: '(x,y)((x)+y)', C: '1' });
});

test('scripts see that BTF is there', () => {
  const { macros, types } = parse(
    '#ifndef BPFTRACE_HAVE_BTF\n#include <no/such.h>\n#else\n#define AF_INET 2\nstruct s { char c[AF_INET]; };\n#endif',
  );
  expect(macros.get('AF_INET')).toBe('2');
  expect(types.struct('s')!.size).toBe(2);
});

test.each([
  ['linux/socket.h', 'AF_INET6', '10'],
  ['net/sock.h', 'AF_INET', '2'],
  ['linux/sched.h', 'TASK_COMM_LEN', '16'],
  ['fcntl.h', 'O_CLOEXEC', '524288'],
  ['sys/stat.h', 'S_IFMT', '61440'],
  ['asm-generic/errno.h', 'EAGAIN', '11'],
])('<%s> supplies %s', (header, name, value) => {
  const { macros, diagnostics } = parse(`#include <${header}>\n#include <${header}>\n`);
  expect(diagnostics).toEqual([]);
  expect(macros.get(name)).toBe(value);
});

test('<syscall.h> numbers the system calls of the target', () => {
  const syscalls = () => [{ name: 'read', number: 63 }];
  const { macros } = parse('#include <syscall.h>', { syscalls });
  expect([macros.get('__NR_read'), macros.get('SYS_read')]).toEqual(['63', '__NR_read']);
});

test('a real header of the -I folders goes before a virtual one, and --include files come first', () => {
  const readInclude = (name: string) =>
    ({ 'linux/socket.h': '#define AF_INET OWN', 'first.h': '#define OWN 99' })[name];
  const { macros, types } = parse('#include <linux/socket.h>\nstruct s { char c[AF_INET]; };', {
    readInclude,
    includes: ['first.h'],
  });
  expect(macros.get('AF_INET')).toBe('OWN');
  expect(types.struct('s')!.size).toBe(99);
});

// Places count from a first line that bpftrace puts in front.
test.each<[string, readonly string[], number, string | undefined]>([
  ['#include <demo/no.h>\nstruct s { int a }', ["2:10: fatal error: 'demo/no.h' file not found"], 6, undefined],
  [
    'struct s {\n  foo_t a;\n  int b;\n};',
    ["3:3: error: unknown type name 'foo_t'"],
    7,
    'ERROR: Include headers with missing type definitions or install BTF information to your system.',
  ],
  [
    'struct s { int a; };\nstruct s { int b; };',
    ["3:8: error: redefinition of 's'", '2:8: note: previous definition is here'],
    2,
    'WARNING: Cannot take type definitions from BTF since there is a redefinition conflict with user-defined types.',
  ],
  ['struct s { int a char b; };', ["2:17: error: expected ';' at end of declaration list"], 6, undefined],
  [
    'struct s { struct none x; };',
    ["2:24: error: field has incomplete type 'struct none'", "2:19: note: forward declaration of 'struct none'"],
    6,
    undefined,
  ],
  [
    'struct s { struct s x; };',
    [
      "2:21: error: field has incomplete type 'struct s'",
      "2:8: note: definition of 'struct s' is not complete until the closing '}'",
    ],
    6,
    undefined,
  ],
  [
    'struct s { int a; char a; };',
    ["2:24: error: duplicate member 'a'", '2:16: note: previous declaration is here'],
    6,
    undefined,
  ],
  [
    'struct s { char c[N]; };',
    ["2:19: error: use of undeclared identifier 'N'"],
    7,
    'ERROR: Include headers with missing type definitions or install BTF information to your system.',
  ],
  [
    'struct s { char c : 9; };',
    ["2:17: error: width of bit-field 'c' (9 bits) exceeds the width of its type (8 bits)"],
    6,
    undefined,
  ],
])('%j is an error as clang and bpftrace print it', (text, lines, times, advice) => {
  const { diagnostics } = parse(text);
  const block = lines.map((line) => `definitions.h:${line}`);
  expect(diagnostics).toEqual([
    {
      code: 'clang-parse-error',
      severity: 'error',
      verbatim: true,
      message: [
        ...Array.from({ length: times }, () => block).flat(),
        ...(advice === undefined ? [] : [advice]),
        'Clang parse error',
      ].join('\n'),
      hints: [],
      related: [],
    },
  ]);
});

test.each([
  'struct s {',
  'struct',
  'enum e {',
  'typedef',
  'struct s { int (* }; };',
  '}',
  'int x[',
  '#define F(',
  '__attribute__((',
  'struct s { union { } } ;; }',
])('broken text %j is reported, not thrown', (text) => {
  expect(parse(text).diagnostics.map(({ message }) => message.split('\n').at(-1))).toEqual(['Clang parse error']);
});
