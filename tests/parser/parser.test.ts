import { expect, test } from 'vitest';
import type { Expression, Statement } from '../../src/ast/nodes.ts';
import { createGrammar, parse, parseExpression } from '../../src/parser/parse.ts';
import { renderDiagnostics } from '../../src/source/render.ts';
import { createSource, spanText } from '../../src/source/source.ts';

function program(text: string) {
  const parsed = parse(createSource('t.bt', text));
  expect(renderDiagnostics(parsed.diagnostics)).toBe('');
  return parsed.program!;
}

const statements = (body: string): readonly Statement[] => program(`begin { ${body} }`).probes[0]!.body.statements;

/** An expression in prefix form, so that a table shows how it was grouped. */
function shape(node: Expression | undefined): string {
  switch (node?.kind) {
    case 'integer':
      return node.text ?? String(node.value);
    case 'string':
      return JSON.stringify(node.value);
    case 'boolean':
      return String(node.value);
    case 'identifier':
      return node.name;
    case 'variable':
      return `$${node.name}`;
    case 'map':
      return `@${node.name}`;
    case 'map_access':
      return `@${node.map.name}[${shape(node.key)}]`;
    case 'positional':
      return `$${node.index}`;
    case 'positional_count':
      return '$#';
    case 'binary':
      return `(${node.operator} ${shape(node.left)} ${shape(node.right)})`;
    case 'unary':
      return node.postfix
        ? `(post${node.operator} ${shape(node.operand)})`
        : `(${node.operator} ${shape(node.operand)})`;
    case 'ternary':
      return `(? ${shape(node.condition)} ${node.then ? shape(node.then) : '-'} ${shape(node.otherwise)})`;
    case 'field':
      return `${shape(node.base)}${node.arrow ? '->' : '.'}${node.field}`;
    case 'index':
      return `${shape(node.base)}[${shape(node.index)}]`;
    case 'tuple_access':
      return `${shape(node.base)}.${node.index}`;
    case 'cast':
      return `(cast ${spanText(node.type.span)} ${shape(node.operand)})`;
    case 'tuple':
      return `tuple(${node.elements.map(shape).join(' ')})`;
    case 'record':
      return `record(${node.fields.map((field) => `${field.name}=${shape(field.value)}`).join(' ')})`;
    case 'call':
      return `${node.name}(${node.args.map((arg) => (arg.kind === 'type' ? arg.name : shape(arg))).join(' ')})`;
    case 'sizeof':
    case 'typeof':
    case 'typeinfo':
      return `${node.kind}:${node.operand.kind}`;
    case 'offsetof':
      return `offsetof:${node.operand.kind}:${node.fields.join('.')}`;
    case 'address_of':
      return `(& ${shape(node.operand)})`;
    default:
      return node?.kind ?? 'nothing';
  }
}

test("the grammar passes chevrotain's validations", () => {
  expect(() => createGrammar(false)).not.toThrow();
});

test.each([
  ['1 + 2 * 3 - 4', '(- (+ 1 (* 2 3)) 4)'],
  ['1 | 2 ^ 3 & 4 == 5 < 6 << 7', '(| 1 (^ 2 (& 3 (== 4 (< 5 (<< 6 7))))))'],
  ['a && b || c && !d', '(|| (&& a b) (&& c (! d)))'],
  ['-$x ** 2', undefined],
  ['*$p->next.prev[1]', '(* $p->next.prev[1])'],
  ['$x++ + ++@m[1, "k"]', '(+ (post++ $x) (++ @m[tuple(1 "k")]))'],
  ['a ? b : c ? d : e', '(? a b (? c d e))'],
  ['a ?: b', '(? a - b)'],
  ['()', 'tuple()'],
  ['(1,)', 'tuple(1)'],
  ['(1, (2, 3),)', 'tuple(1 tuple(2 3))'],
  ['(1)', '1'],
  ['(if=1, b=(2))', 'record(if=1 b=2)'],
  ['(uint8)$x + 1', '(+ (cast uint8 $x) 1)'],
  ['(struct task_struct *)curtask', '(cast struct task_struct * curtask)'],
  ['(int8[4])$x', '(cast int8[4] $x)'],
  ['(typeof($x))1', '(cast typeof($x) 1)'],
  ['(x) - 1', '(cast x (- 1))'],
  ['(pid) - 1', '(- pid 1)'],
  ['(x) + 1', '(+ x 1)'],
  ['$t.0.1', '$t.0.1'],
  ['sizeof(struct a)', 'sizeof:type'],
  ['sizeof(x)', 'sizeof:identifier'],
  ['sizeof(x *)', 'sizeof:type'],
  ['sizeof($x + 1)', 'sizeof:binary'],
  ['offsetof(struct a, b.c)', 'offsetof:type:b.c'],
  ['f(typeof(int32), 1)', 'f(typeof:type 1)'],
  ['&$x == &@m', '(== (& $x) (& @m))'],
  ['args.return', 'args.return'],
  ['$1 + $#', '(+ $1 $#)'],
  ['comptime (1 + 2)', 'comptime'],
  ['if (a) { 1 } else { 2 }', 'if'],
  ['{ $x = 1; $x }', 'block_expression'],
])('%s is grouped as %s', (text, expected) => {
  const { value, diagnostics } = parseExpression(createSource('stdin', text));
  if (expected === undefined) expect(diagnostics).toEqual([]);
  else expect(shape(value)).toBe(expected);
});

test.each([
  ['@ = 1', 'assignment'],
  ['@a[1] <<= 2;', 'assignment'],
  ['_ = f();', 'assignment'],
  ['let $x: typeof(1) = 2', 'variable_declaration'],
  ['let $x : struct a *;', 'variable_declaration'],
  ['unroll 3 { }', 'unroll'],
  ['unroll(3) { }', 'unroll'],
  ['while ($x < 3) { break; continue; return 1 }', 'while'],
  ['for $kv : @map { }', 'for'],
  ['for ($i : 0..$n) { }', 'for'],
  ['import "lib";', 'import'],
  ['if pid { } else if (1) { } else { }', 'expression_statement'],
  ['{ 1 }', 'expression_statement'],
  ['return;', 'jump'],
  ['@a[1]', 'expression_statement'],
])('the statement %s is of kind %s', (text, kind) => {
  expect(statements(text)[0]?.kind).toBe(kind);
});

test('only blocks that are values keep a last expression as their result', () => {
  const [declaration, last] = statements('let $a = { 1; 2 }; if (1) { 3 }');
  expect(declaration).toMatchObject({ value: { kind: 'block_expression', result: { value: 2n } } });
  expect(last).toMatchObject({ expression: { then: { statements: [{ kind: 'expression_statement' }] } } });
  expect(last).not.toHaveProperty('expression.then.result');
});

test('a script has its parts in their lists', () => {
  const text = `#!/usr/bin/env bpftrace
#include <linux/sched.h>
struct pair { int a; struct { char b[4]; } c; };
config = { max_strlen = 64; stack_mode = perf; lazy = true; s = "x" }
import "lib";
let @counts = lruhash(1_024);
macro twice($x, @m, e) { e + e }
fn add($a : int32, $b : typeof($a)): int64 { return 1; }
kprobe:vfs_*,
uprobe:"/bin/a:b":main, /* both */ /pid == 1 / 2/ { }
END { }`;
  const { header, cStatements, config, imports, mapDeclarations, macros, subprograms, probes } = program(text);
  expect(header).toBe('#!/usr/bin/env bpftrace\n');
  expect(cStatements.map((statement) => statement.text)).toEqual([
    '#include <linux/sched.h>',
    'struct pair { int a; struct { char b[4]; } c; };',
  ]);
  expect(config?.assignments.map(({ name, value }) => [name, value])).toEqual([
    ['max_strlen', 64n],
    ['stack_mode', 'perf'],
    ['lazy', true],
    ['s', 'x'],
  ]);
  expect(imports.map(({ name }) => name)).toEqual(['lib']);
  expect(mapDeclarations).toMatchObject([{ map: { name: 'counts' }, type: 'lruhash', maxEntries: 1024n }]);
  expect(macros[0]?.parameters.map(({ mode, name }) => [mode, name])).toEqual([
    ['variable', 'x'],
    ['map', 'm'],
    ['expression', 'e'],
  ]);
  expect(subprograms).toMatchObject([{ name: 'add', returns: { name: 'int64' }, parameters: [{}, {}] }]);
  expect(probes.map(({ attachPoints }) => attachPoints.map(({ parts }) => parts))).toEqual([
    [
      ['kprobe', 'vfs_*'],
      ['uprobe', '/bin/a:b', 'main'],
    ],
    [['END']],
  ]);
  expect(probes[0]?.attachPoints[1]?.quoted).toEqual([false, true, false]);
  expect(shape(probes[0]?.predicate)).toBe('(== pid (/ 1 2))');
});

test('comments are handed out beside the program', () => {
  const { comments } = parse(createSource('t.bt', '// a\nbegin { /* b */ }'));
  expect(comments.map(spanText)).toEqual(['// a', '/* b */']);
});

/** `LINE:COLUMN-COLUMN message` of each mistake. */
function mistakes(text: string): string[] {
  const { program, diagnostics } = parse(createSource('t.bt', text));
  expect(program).toBeUndefined();
  const lines = renderDiagnostics(diagnostics).split('\n');
  return lines.flatMap((line) => /^t\.bt:(\S+): ERROR: syntax: (.*)$/.exec(line)?.slice(1).join(' ') ?? []);
}

test.each<[string, string[]]>([
  ['begin { $a = 1 $b = 2; }', ["1:16-18 expected ';'"]],
  ['begin { print(1);; }', ['1:18-19 expected expression']],
  ['begin { f("a" 5); }', ["1:15-16 expected ')'", "1:15-16 expected ';'"]],
  ['begin { if $n > 3 { } }', ["1:15-16 expected '{'", "1:19-20 expected ';'"]],
  ['begin { $a == 1 ? f() : g(); }', ["1:17-18 expected ';'"]],
  [
    'begin { $t.0 = 5; }',
    [
      `1:9-17 ${'Tuples and records are immutable once created. Consider creating a new value and assigning it instead.'}`,
    ],
  ],
  ['begin { $a[0] = 1; }', ['1:9-18 invalid assignment target']],
  ['begin { $x = 5++; }', ['1:15-17 increment/decrement requires a variable or map']],
  ['begin { let @m = 1; }', ["1:13-15 expected variable after 'let'"]],
  ['begin { ) }', ['1:9-10 expected expression', "1:9-10 expected ';'", '1:9-10 unexpected input in block']],
  ['begin { $ }', ["1:9-10 expected identifier after '$'", '1:9-10 unexpected input in block']],
  ['begin { for ($i : -3..3) { } }', ['1:19-20 expected expression', "1:19-20 expected ')'"]],
  ['begin { for ($x : $y) { } }', ['1:23-24 expected map or range in for loop']],
  ['begin { $x = (a=1, a=2); }', ['1:20-23 Named argument list already contains name: a']],
  ['begin { $x = &5; }', ['1:15-16 address-of operator (&) can only be used on a map or variable']],
  ['begin { $x = $0; }', ['1:14-16 param $0 is out of integer range [1, 9223372036854775807]']],
  ['begin { $x = 1_; }', ['1:15-16 trailing underscore in integer literal']],
  ['begin { $x = 5xy; }', ["1:15-17 invalid integer suffix 'xy'"]],
  [String.raw`begin { f("\777"); }`, [String.raw`1:12-16 octal escape sequence out of range '\777'`]],
  ['begin { f("a\n}', ['2:1-2 unterminated string', "2:1-2 expected ')'", "2:1-2 expected ';'"].slice(0, 2)],
  ['begin { f();', ["1:13-13 expected '}'"]],
  ['begin /1 == 1 { }', ["1:15-16 expected '/' to close predicate"]],
  ['begin // 1 == 1 // { }', ["1:23-23 expected '{'"]],
  ['let $x = 1;', ['1:1-4 root-level let statements need to be map declarations, e.g. let @a = hash(2);']],
  ['let @x = hash(-1);', ['1:15-16 expected positive integer for map declaration max entries']],
  ['macro m { 1 }', ["1:9-10 expected '('"]],
  ['macro m(pid) { 1 }', ["1:9-12 builtin 'pid' can't be used as a macro argument"]],
  ['begin { } config = { }', ['1:11-17 config must appear before probes and functions']],
  ['begin { } import "a";', ['1:11-17 root imports must appear before probes and functions']],
  ['config = { } config = { }', ['1:14-20 duplicate config block']],
  ['{ }', ['1:1-2 expected attach point', '1:1-2 unexpected input']],
  ['typedef int a;', ["1:9-12 expected '{'"]],
])('%s is refused as bpftrace does', (text, expected) => {
  expect(mistakes(text)).toEqual(expected);
});

test('nesting that would overflow the stack is refused', () => {
  expect(mistakes(`begin { $x = ${'('.repeat(5000)}1 }`)).toHaveLength(1);
  expect(mistakes(`begin { ${'{'.repeat(5000)} }`)).toHaveLength(1);
});
