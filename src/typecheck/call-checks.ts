import type { Call, Expression } from '../ast/nodes.ts';
import type { FunctionName } from '../lang/functions.ts';
import { type ProbeKind, probeTypeName } from '../lang/probes.ts';
import { mayCall } from './kernel-functions.ts';
import type { PassContext } from './context.ts';
import { error, warning } from './messages.ts';

type CallCheck = (
  node: Call,
  fail: (message: string) => void,
  context: PassContext,
  probe: ProbeKind | undefined,
) => void;

function nonNegative(node: Call['args'][number] | undefined): bigint | undefined {
  return node?.kind === 'integer' && node.value >= 0n ? node.value : undefined;
}

const pidMode: CallCheck = (node, fail, context) => {
  const [mode] = node.args;
  if (mode === undefined) return;
  if (mode.kind !== 'identifier') {
    fail(`${node.name}() only supports curr_ns and init as the argument`);
  } else if (mode.name !== 'curr_ns' && mode.name !== 'init') {
    const text = `Invalid PID namespace mode: ${mode.name} (expects: curr_ns or init)`;
    context.report(error('pid-mode', mode.span, text));
  }
};

const MOST_HIST_BITS = 5n;
const MOST_LHIST_BUCKETS = 1000n;
const MOST_INTERVALS = 1_000_000n;
const TSERIES_AGGREGATIONS = ['avg', 'max', 'min', 'sum'];
const MOST_PRINTK_ARGUMENTS = 3;

/** What single functions ask of their literal arguments, before types are known. */
export const CALL_CHECKS: { readonly [K in FunctionName]?: CallCheck } = {
  pid: pidMode,
  tid: pidMode,
  comm(_node, fail, _context, kind) {
    if (kind === undefined || mayCall('bpf_task_from_pid', kind)) return;
    fail(`Syntax comm(PID) is not supported in this probe type yet. Type: ${probeTypeName(kind)}`);
  },
  hist(node, fail) {
    const bits = node.args[1];
    if (bits === undefined) return;
    const value = nonNegative(bits);
    if (value === undefined) fail('hist: invalid bits value, need integer literal');
    else if (value > MOST_HIST_BITS) fail(`hist: bits ${value} must be 0..5`);
  },
  lhist(node, fail) {
    const [, min, max, step] = node.args.map(nonNegative);
    if (min === undefined) return fail('lhist: invalid min value (must be non-negative literal)');
    if (max === undefined) return fail('lhist: invalid max value (must be non-negative literal)');
    if (step === undefined) return fail('lhist: invalid step value');
    if (step <= 0n) fail(`lhist() step must be >= 1 (${step} provided)`);
    else {
      const buckets = BigInt.asIntN(32, BigInt.asUintN(64, max - min) / step);
      if (buckets > MOST_LHIST_BUCKETS) {
        fail(`lhist() too many buckets, must be <= ${MOST_LHIST_BUCKETS} (would need ${buckets})`);
      }
    }
    if (min > max) fail(`lhist() min must be less than max (provided min ${min} and max ${max})`);
    const range = BigInt.asUintN(64, max - min);
    if (range < step) {
      fail(`lhist() step is too large for the given range (provided step ${step} for range ${range})`);
    }
  },
  tseries(node, fail) {
    const interval = nonNegative(node.args[1]);
    const intervals = nonNegative(node.args[2]);
    if (interval === undefined) return fail('tseries: invalid interval_ns value (must be non-negative literal)');
    if (intervals === undefined) return fail('tseries: invalid num_intervals value (must be non-negative literal)');
    if (interval === 0n) return fail(`tseries() interval_ns must be >= 1 (${interval} provided)`);
    if (intervals === 0n) return fail(`tseries() num_intervals must be >= 1 (${intervals} provided)`);
    if (intervals > MOST_INTERVALS) fail(`tseries() num_intervals must be < ${MOST_INTERVALS} (${intervals} provided)`);
    const aggregation: Call['args'][number] | undefined = node.args[3];
    if (aggregation?.kind !== 'string' || TSERIES_AGGREGATIONS.includes(aggregation.value)) return;
    const listed = TSERIES_AGGREGATIONS.join(', ');
    fail(`tseries() expects one of the following aggregation functions: ${listed} ("${aggregation.value}" provided)`);
  },
  reg(node, fail, { target: { abi } }) {
    const [name] = node.args;
    if (name?.kind !== 'string' || Object.hasOwn(abi.scriptRegisters, name.value)) return;
    fail(`'${name.value}' is not a valid register on this architecture (${abi.name})`);
  },
  debugf(node, fail, context) {
    const text =
      'The debugf() builtin is not recommended for production use. ' +
      'For more information see bpf_trace_printk in bpf-helpers(7).';
    context.report(warning('debugf', node.span, text));
    if (node.args.length - 1 > MOST_PRINTK_ARGUMENTS) {
      fail(`cannot use more than ${MOST_PRINTK_ARGUMENTS} conversion specifiers`);
    }
  },
  path(node, fail, _context, kind) {
    if (node.args.length === 2 && nonNegative(node.args[1]) === undefined) {
      fail('path: invalid size value, need non-negative literal');
    }
    if (kind !== undefined && kind !== 'fentry' && kind !== 'fexit' && kind !== 'iter') {
      fail("The path function can only be used with 'fentry', 'fexit', 'iter' probes");
    }
  },
  strncmp(node, fail) {
    if (nonNegative(node.args[2]) === undefined) fail('Builtin strncmp requires a non-negative literal');
  },
  uaddr(node, fail) {
    const name: Expression | Call['args'][number] | undefined = node.args[0];
    if (name?.kind !== 'string') return fail('uaddr() expects a string literal as the first argument');
    const pattern = '^[a-zA-Z0-9./_-]+$';
    if (!new RegExp(pattern).test(name.value)) {
      fail(`uaddr() expects a string that is a valid symbol (${pattern}) as input ("${name.value}" provided)`);
    }
  },
};
