import { ABIS } from '../../src/btf/abi/abis.ts';
import { createTypeSet } from '../../src/btf/type-set.ts';
import type { IntType, StructType } from '../../src/btf/types.ts';
import type { Target } from '../../src/lang/target.ts';
import { typeName } from '../../src/lang/type-name.ts';
import { parse, parseExpression } from '../../src/parser/parse.ts';
import { hasErrors } from '../../src/source/diagnostic.ts';
import type { Diagnostic } from '../../src/source/diagnostic.ts';
import { createSource, spanText } from '../../src/source/source.ts';
import { check } from '../../src/typecheck/check.ts';
import type { CheckResult } from '../../src/typecheck/check.ts';
import type { CheckInput } from '../../src/typecheck/context.ts';

const int = (name: string, size: number, signed: boolean): IntType => ({
  kind: 'int',
  name,
  size,
  signed,
  bool: false,
  char: false,
});
const INT = int('int', 4, true);
const CHAR = int('char', 1, true);
const LONG = int('long unsigned int', 8, false);

const task: StructType = { kind: 'struct', name: 'task_struct', size: 40, members: [] };
task.members = [
  { name: 'pid', type: INT, offsetBits: 0 },
  { name: 'comm', type: { kind: 'array', element: CHAR, length: 16 }, offsetBits: 32 },
  { name: 'real_parent', type: { kind: 'pointer', to: task }, offsetBits: 192 },
];
const openRecord: StructType = {
  kind: 'struct',
  name: 'trace_event_raw_sys_enter_openat',
  size: 32,
  members: [
    { name: 'common_type', type: INT, offsetBits: 0 },
    { name: 'dfd', type: LONG, offsetBits: 128 },
    { name: 'filename', type: { kind: 'pointer', to: CHAR }, offsetBits: 192 },
  ],
};
const FUNCTIONS = ['vfs_open', 'vfs_read', 'vfs_write'];

/** A small machine: one struct, three functions, two tracepoints. */
export const target: Target = {
  abi: ABIS.x86_64,
  types: createTypeSet({
    types: [task, INT, CHAR, LONG],
    functions: new Map(
      FUNCTIONS.map((name) => [
        name,
        {
          kind: 'function' as const,
          returns: INT,
          parameters: [
            { name: 'task', type: { kind: 'pointer' as const, to: task } },
            { name: 'count', type: LONG },
          ],
          variadic: false,
        },
      ]),
    ),
  }),
  cpus: 4,
  functions: () => FUNCTIONS.map((name) => ({ name, module: 'vmlinux' })),
  functionNamed: (name) => (FUNCTIONS.includes(name) ? { name, module: 'vmlinux' } : undefined),
  tracepoints: () => [
    { category: 'syscalls', name: 'sys_enter_openat' },
    { category: 'syscalls', name: 'sys_exit_openat' },
  ],
  tracepointRecord: () => openRecord,
  rawTracepoint: () => undefined,
  rawTracepoints: () => ['sched_switch'],
  syscalls: () => [],
  userFiles: () => ['/bin/sh'],
  userFile: (path) =>
    path === '/bin/sh'
      ? {
          path,
          symbols: [{ name: 'main', address: 0x1000, size: 64 }],
          variables: [],
          usdt: [],
          fileOffset: (address) => address,
          prototype: () => undefined,
          isInstruction: () => true,
        }
      : undefined,
  processFiles: () => undefined,
  kernelSymbol: (name) => (name === 'jiffies' ? 0xffffffff82000000n : undefined),
  cgroupId: () => undefined,
  tracerPid: 100,
};

export function checkText(text: string, input: Partial<CheckInput> = {}): CheckResult {
  const parsed = parse(createSource('test.bt', text));
  if (parsed.program === undefined || hasErrors(parsed.diagnostics)) {
    throw new Error(`does not parse: ${parsed.diagnostics.map((each) => each.message).join('; ')}`);
  }
  return check(parsed.program, { target, parse, parseExpression, ...input });
}

/** Messages with the text that they point at: `error at $x: ...`. */
export function messages(text: string, input: Partial<CheckInput> = {}): readonly string[] {
  return checkText(text, input).diagnostics.map(describe);
}

function describe({ severity, span, message }: Diagnostic): string {
  return span === undefined ? `${severity}: ${message}` : `${severity} at ${spanText(span)}: ${message}`;
}

/** Types of the maps that a script without mistakes uses: `{ '@a': 'int8', '@b[]': 'string[2]' }`. */
export function mapTypes(text: string, input: Partial<CheckInput> = {}): Readonly<Record<string, string>> {
  const { typed, diagnostics } = checkText(text, input);
  if (typed === undefined) throw new Error(diagnostics.map(describe).join('; '));
  const types: Record<string, string> = {};
  for (const [name, map] of typed.maps) {
    types[`@${name}`] = typeName(map.value);
    if (map.key !== undefined) types[`@${name}[]`] = typeName(map.key);
  }
  return types;
}
