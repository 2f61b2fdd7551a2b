import type { Call, Expression } from '../../ast/nodes.ts';
import { FUNCTIONS, isFunction } from '../../lang/functions.ts';
import type { FunctionName, FunctionRow, ParameterKind, ParameterRow } from '../../lang/functions.ts';
import { formatLiterals, formatSpecs } from '../../lang/format.ts';
import { sizeOf } from '../../lang/layout.ts';
import { KIND_NAMES, structName, typeName } from '../../lang/type-name.ts';
import type { Type } from '../../lang/types.ts';
import { isLiteral } from '../literals.ts';
import { error, warning } from '../messages.ts';
import type { Checking } from './checking.ts';
import { typingOf } from './checking.ts';
import { formatProblem } from './format-check.ts';
import { isInteger, isMultiValue, isStack, sameType } from './typing.ts';
import type { Typing } from './typing.ts';

/** The arguments of a call have the types that its function asks for. */
export function checkCallTypes(node: Call, checking: Checking): void {
  if (!isFunction(node.name)) {
    checkSubprogramCall(node, checking);
    return;
  }
  const row: FunctionRow = FUNCTIONS[node.name];
  const rows: readonly ParameterRow[] = row.params;
  let good = true;
  for (const [index, parameter] of rows.entries()) {
    const argument = node.args[index];
    // As in bpftrace, the last checked argument decides whether the function's own checks run.
    if (argument !== undefined && argument.kind !== 'type') good = checkParameter(node, argument, parameter, checking);
  }
  if (good) OWN_CHECKS[node.name]?.(node, checking, (message) => report(node, message, checking));
}

function report(node: Call, message: string, checking: Checking): void {
  checking.context.report(error('call-argument', node.span, message));
}

/** How messages call what a parameter wants. */
const WANTED: Readonly<Record<ParameterKind, string>> = {
  any: '',
  map: '',
  map_or_value: '',
  key: '',
  int: 'int',
  string: 'string',
  pointer: 'pointer',
  timestamp_mode: 'timestamp_mode',
  // Other modes have checks of their own.
  stack_mode: '',
  pid_mode: '',
};

function checkParameter(node: Call, argument: Expression, parameter: ParameterRow, checking: Checking): boolean {
  const wanted = WANTED[parameter.kind];
  if (wanted === '') return true;
  // Modes are bare words, which are looked at by name.
  if (parameter.kind === 'timestamp_mode' && argument.kind === 'identifier') return true;
  const type = typingOf(argument, checking)?.type;
  const got = type === undefined ? 'none' : KIND_NAMES[type.kind];
  if (parameter.literal === true && (!isLiteral(argument) || got !== wanted)) {
    report(node, `${node.name}() expects a ${wanted} literal (${got} provided)`, checking);
    return false;
  }
  if (got === wanted) return true;
  report(node, `${node.name}() only supports ${wanted} arguments (${got} provided)`, checking);
  return false;
}

type OwnCheck = (node: Call, checking: Checking, fail: (message: string) => void) => void;

function argument(node: Call, index: number, checking: Checking): Typing | undefined {
  const found = node.args[index];
  return found === undefined ? undefined : typingOf(found, checking);
}

function kindName(typing: Typing | undefined): string {
  return typing === undefined ? 'none' : KIND_NAMES[typing.type.kind];
}

function isOneOf(typing: Typing | undefined, ...kinds: readonly Type['kind'][]): boolean {
  return (
    typing !== undefined &&
    kinds.some((kind) => kind === typing.type.kind || (kind === 'int' && isInteger(typing.type)))
  );
}

const checkFormat: OwnCheck = (node, checking, fail) => {
  const [format, ...args] = node.args;
  if (format?.kind !== 'string') return;
  const problem = formatProblem(
    format.value,
    args.map((each) => typingOf(each, checking)),
  );
  if (problem !== undefined) fail(problem);
};

/** The values of literals, as fail() shows them. */
function literalValue(node: Call['args'][number]): string | bigint | boolean {
  return node.kind === 'integer' || node.kind === 'string' || node.kind === 'boolean' ? node.value : '';
}

const checkSymbol: OwnCheck = (node, checking, fail) => {
  if (!isOneOf(argument(node, 0, checking), 'int', 'pointer')) {
    fail(`${node.name}() expects an integer or pointer argument`);
  }
};

/** What the string functions of the standard library read as text. */
const checkText: OwnCheck = (node, checking, fail) => {
  for (const index of node.args.keys()) {
    const type = argument(node, index, checking)?.type;
    const element = type?.kind === 'array' ? type.element : type?.kind === 'pointer' ? type.to : undefined;
    if (type?.kind === 'string') continue;
    if (element === undefined) fail('string-like values must be either strings, arrays or pointers');
    else if (!isInteger(element) || sizeOf(element) !== 1) {
      const holder = type?.kind === 'array' ? 'arrays must contain' : 'pointers must point to';
      fail(`string-like ${holder} a char-like type`);
    }
  }
};

const checkSpace: OwnCheck = (node, checking, fail) => {
  const value = argument(node, 0, checking);
  if (isOneOf(value, 'int', 'pointer')) return;
  fail(`${node.name}() only supports integer or pointer arguments (${kindName(value)} provided)`);
};

/** bpf_trace_printk formats few things. */
const PRINTK_KINDS: Readonly<Record<string, Type['kind']>> = { d: 'int', u: 'int', x: 'int', p: 'int', s: 'string' };

const MAC_BYTES = 6;
/** A buffer's length is a u32. */
const MOST_BUFFER = 0xffff_ffff;

const OWN_CHECKS: { readonly [K in FunctionName]?: OwnCheck } = {
  printf: checkFormat,
  errorf: checkFormat,
  warnf: checkFormat,
  system: checkFormat,
  cat: checkFormat,
  debugf(node, checking, fail) {
    checkFormat(node, checking, fail);
    const [format, ...args] = node.args;
    if (format?.kind !== 'string') return;
    for (const [index, spec] of formatSpecs(format.value).entries()) {
      const wanted = PRINTK_KINDS[spec.specifier];
      const each = args[index];
      if (wanted === undefined) {
        const text = `Invalid format specifier for \`debugf\`: ${spec.specifier}`;
        checking.context.report(error('debugf', format.span, text));
      } else if (each !== undefined && !isOneOf(typingOf(each, checking), wanted)) {
        const text = `Type does not match format specifier: ${spec.specifier}`;
        checking.context.report(error('debugf', each.span, text));
      }
    }
  },
  print(node, checking, fail) {
    const [first] = node.args;
    if (first?.kind === 'map') checkPrintMap(node, first.name, checking);
    else if (first !== undefined) checkPrintValue(node, typingOf(first, checking), fail);
  },
  str(node, checking, fail) {
    const value = argument(node, 0, checking);
    if (isOneOf(value, 'string', 'int', 'pointer')) return;
    const got = value === undefined ? 'none' : typeName(value.type);
    fail(`str() expects a string, integer or a pointer type as first argument (${got} provided)`);
  },
  buf(node, checking, fail) {
    const { max_strlen } = checking.context.config;
    if (max_strlen > MOST_BUFFER) {
      fail(`BPFTRACE_MAX_STRLEN too large to use on buffer (${max_strlen} > ${MOST_BUFFER})`);
    }
    const value = argument(node, 0, checking);
    if (!isOneOf(value, 'int', 'string', 'pointer', 'array')) {
      fail(`buf() expects an integer, string, or array argument but saw ${kindName(value)}`);
    }
    const length = node.args[1];
    if (length === undefined) {
      if (!isOneOf(value, 'array')) fail(`buf() expects a length argument for non-array type ${kindName(value)}`);
    } else if (length.kind === 'integer' && length.value < 0n) {
      fail(`bufcannot use negative length (${length.value})`);
    }
  },
  ksym: checkSymbol,
  usym: checkSymbol,
  fail(node, checking, fail) {
    const computed = node.args.filter((each) => each.kind === 'type' || !isLiteral(each));
    const [format, ...args] = node.args;
    for (let i = 0; i < computed.length; i += 1) fail('fail() arguments need to be literals');
    if (computed.length > 0) return;
    if (format?.kind === 'string') fail(formatLiterals(format.value, args.map(literalValue)));
  },
  kptr: checkSpace,
  uptr: checkSpace,
  ntop(node, checking, fail) {
    const index = node.args.length === 2 ? 1 : 0;
    if (index === 1) checkParameter(node, node.args[0] as Expression, { kind: 'int' }, checking);
    const value = argument(node, index, checking);
    if (!isOneOf(value, 'int', 'string', 'array')) {
      fail(`ntop() expects an integer or array argument, got ${kindName(value)}`);
    }
    if (value === undefined || !isOneOf(value, 'array', 'string')) return;
    const size = sizeOf(value.type);
    if (size !== 4 && size !== 16) fail('ntop() argument must be 4 or 16 bytes in size');
  },
  join(node, checking, fail) {
    const value = argument(node, 0, checking);
    if (!isOneOf(value, 'int', 'pointer')) {
      fail(`() only supports int or pointer arguments (${kindName(value)} provided)`);
    }
  },
  len(node, checking, fail) {
    if (node.args[0]?.kind === 'map') return;
    const value = argument(node, 0, checking);
    if (value === undefined || !isStack(value.type)) fail('call to len() expects a map, ustack, or kstack');
  },
  strlen: checkText,
  strstr: checkText,
  strcontains: checkText,
  str_concat: checkText,
  strftime(node, checking, fail) {
    if (typingOf(node, checking)?.clock === 'monotonic') fail('strftime() can not take a monotonic timestamp');
    const value = node.args[1];
    if (value?.kind === 'integer' && value.value < 0n) fail('strftime() does not accept negative timestamps');
  },
  path(node, checking, fail) {
    const value = argument(node, 0, checking);
    if (isOneOf(value, 'c_struct', 'pointer')) return;
    fail(`path() only supports pointer or C type argument (${kindName(value)} provided)`);
  },
  macaddr(node, checking, fail) {
    const value = argument(node, 0, checking);
    const bytes = isOneOf(value, 'string', 'usym', 'inet', 'buffer', 'timestamp', 'mac', 'cgroup_path');
    if (!bytes && !isOneOf(value, 'int', 'array', 'pointer')) {
      fail(`macaddr() only supports array or pointer arguments (${kindName(value)} provided)`);
    }
    if (node.args[0]?.kind === 'string') fail('macaddr() does not support literal string arguments');
    if (value !== undefined && (bytes || value.type.kind === 'array') && sizeOf(value.type) < MAC_BYTES) {
      fail(`macaddr() argument must be at least ${MAC_BYTES} bytes in size`);
    }
  },
  percpu_kaddr(node, checking, fail) {
    const [name] = node.args;
    if (name?.kind !== 'string' || checking.context.target.types.perCpuVariable(name.value) !== undefined) return;
    fail(`Could not resolve variable "${name.value}" from BTF`);
  },
  comm(node, checking, fail) {
    if (argument(node, 0, checking)?.type.kind !== 'int') fail("Only integer supported for comm()'s pid");
  },
  socket_cookie(node, checking, fail) {
    const value = argument(node, 0, checking);
    const only = (got: string): void =>
      fail(`socket_cookie() only supports 'struct sock *' as the argument (${got} provided)`);
    if (value?.type.kind !== 'pointer' || value.type.to.kind !== 'c_struct') only(kindName(value));
    else if (structName(value.type.to.struct) !== 'struct sock') only(`'${structName(value.type.to.struct)} *'`);
  },
};

function checkPrintMap(node: Call, map: string, checking: Checking): void {
  const value = checking.inference.resolver.get(checking.inference.map(map).value);
  if (checking.loops > 0) {
    const text =
      "Due to it's asynchronous nature using 'print()' in a loop can lead to unexpected behavior. " +
      "The map will likely be updated before the runtime can 'print' it.";
    checking.context.report(warning('print-in-loop', node.span, text));
  }
  if (value?.type.kind === 'stats' && node.args.length > 1) {
    const text = "print()'s top and div arguments are ignored when used on stats() maps.";
    checking.context.report(warning('print-stats', node.span, text));
  }
}

function checkPrintValue(node: Call, value: Typing | undefined, fail: (message: string) => void): void {
  if (value !== undefined && isMultiValue(value.type)) {
    fail(`Map type ${typeName(value.type)} cannot print the value of individual keys. You must print the whole map.`);
    return;
  }
  const context = value?.context === true && value.parameters !== true;
  const nothing = value === undefined || value.type.kind === 'void';
  if (nothing || value.type.kind === 'timestamp_mode' || context) {
    fail(`${nothing ? 'none' : typeName(value.type)} type passed to print() is not printable`);
  } else if (node.args.length !== 1) {
    fail(`Non-map print() only takes 1 argument, ${node.args.length} found`);
  }
}

function checkSubprogramCall(node: Call, checking: Checking): void {
  const subprogram = checking.inference.subprograms.get(node.name);
  if (subprogram === undefined) return;
  const fail = (message: string): void => report(node, message, checking);
  const wanted = subprogram.parameters.map((parameter) => typingOf(parameter.variable, checking)?.type);
  if (wanted.length !== node.args.length) {
    fail(`Function \`${node.name}\` requires ${wanted.length} arguments, got only ${node.args.length}`);
    return;
  }
  let good = true;
  for (const [index, type] of wanted.entries()) {
    const each = node.args[index]!;
    const got = typingOf(each, checking)?.type;
    if (type === undefined || got === undefined || sameType(type, got)) continue;
    const { name } = subprogram.parameters[index]!.variable;
    const text = `Expected ${typeName(type)} for argument \`$${name}\` got ${typeName(got)}`;
    checking.context.report(error('argument-type', each.span, text));
    good = false;
  }
  if (good) return;
  const types = wanted.map((type) => (type === undefined ? 'none' : typeName(type))).join(', ');
  fail(`Function \`${node.name}\` requires arguments (${types})`);
}
