import { ABIS, type AbiName } from '../../src/btf/abi/abis.ts';
import { NO_TYPES } from '../../src/btf/type-set.ts';
import { type Generated, generate } from '../../src/bytecode/generate.ts';
import type { Target } from '../../src/lang/target.ts';
import type { TypedProgram } from '../../src/lang/typed-program.ts';
import { parse, parseExpression } from '../../src/parser/parse.ts';
import { createSource } from '../../src/source/source.ts';
import { check } from '../../src/typecheck/check.ts';

const TARGET: Target = {
  abi: ABIS.x86_64,
  types: NO_TYPES,
  cpus: 4,
  functions: () => [{ name: 'vfs_read', module: 'vmlinux' }],
  functionNamed: (name) => (name === 'vfs_read' ? { name, module: 'vmlinux' } : undefined),
  tracepoints: () => [],
  tracepointRecord: () => undefined,
  rawTracepoint: () => undefined,
  rawTracepoints: () => [],
  userFiles: () => [],
  userFile: () => undefined,
  processFiles: () => undefined,
  syscalls: () => [],
  kernelSymbol: () => undefined,
  cgroupId: () => undefined,
  tracerPid: 1,
};

/** Takes a script through the front end, on a machine that has vfs_read and no types. */
export function typed(text: string, arch: AbiName = 'x86_64'): TypedProgram {
  const parsed = parse(createSource('script.bt', text));
  if (parsed.program === undefined) throw new Error(parsed.diagnostics.map((found) => found.message).join('\n'));
  const checked = check(parsed.program, {
    target: { ...TARGET, abi: ABIS[arch] },
    positional: [],
    named: [],
    env: {},
    unsafe: true,
    parse,
    parseExpression,
  });
  if (checked.typed === undefined) throw new Error(checked.diagnostics.map((found) => found.message).join('\n'));
  return checked.typed;
}

/** Compiles a script. */
export function compileScript(text: string, arch?: AbiName): Generated {
  return generate(typed(text, arch));
}
