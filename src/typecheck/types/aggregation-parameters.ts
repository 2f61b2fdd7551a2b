import type { Program } from '../../ast/nodes.ts';
import { typeName } from '../../lang/type-name.ts';
import type { Type } from '../../lang/types.ts';
import type { PassContext } from '../context.ts';
import { error } from '../messages.ts';
import { walk } from '../rewrite.ts';
import { aggregationOf, valueType } from './infer-aggregation.ts';
import type { Inference } from './infer.ts';
import { isSigned } from './typing.ts';

const DIFFERENT = {
  hist: 'Different bits in a single hist unsupported',
  lhist: 'Different lhist bounds in a single map unsupported',
  tseries: 'Different tseries bounds in a single map unsupported',
} as const satisfies Partial<Record<Type['kind'], string>>;

/** All histograms in one map have the same buckets. */
export function checkAggregationParameters(program: Program, inference: Inference, context: PassContext): void {
  const first = new Map<string, string>();
  walk(program, (node) => {
    if (node.kind !== 'assignment' || (node.target.kind !== 'map' && node.target.kind !== 'map_access')) return;
    const call = aggregationOf(node.value);
    if (call === undefined || !isDistribution(call.name)) return;
    const name = node.target.kind === 'map' ? node.target.name : node.target.map.name;
    const value = inference.resolver.get(call.args[0]!)?.type;
    const bounds = describe(valueType(call, value !== undefined && isSigned(value)));
    // A time series keeps the type of its values, down to the size of a literal.
    const parameters = call.name === 'tseries' && value !== undefined ? `${bounds} of ${typeName(value)}` : bounds;
    const known = first.get(name);
    if (known === undefined) first.set(name, parameters);
    else if (known !== parameters) context.report(error('different-buckets', call.span, DIFFERENT[call.name]));
  });
}

function isDistribution(name: string): name is keyof typeof DIFFERENT {
  return Object.hasOwn(DIFFERENT, name);
}

function describe(type: Type): string {
  return Object.entries(type)
    .filter(([key]) => key !== 'signed')
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(' ');
}
