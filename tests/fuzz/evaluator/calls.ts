import type { Call, Expression, MapRef } from '../../../src/ast/nodes.ts';
import type { Type } from '../../../src/lang/types.ts';
import { formatted, shownValue } from './format.ts';
import type { Store } from './store.ts';
import { type Value, integer, keyText } from './values.ts';

/** What a call needs of the walk. */
export interface Walk {
  readonly store: Store;
  value(node: Expression): Value;
  number(node: Expression): bigint;
  type(node: Expression): Type;
  assign(target: Expression, value: Value): void;
  print(text: string): void;
}

type Evaluation = (walk: Walk, args: readonly Expression[], node: Call) => Value;

const mapName = (node: Expression | undefined): string => (node as MapRef).name;
const text = (walk: Walk, node: Expression | undefined): string => walk.value(node!) as string;
const bytes = (walk: Walk, node: Expression | undefined): readonly bigint[] => walk.value(node!) as readonly bigint[];

/** The language's functions that scripts call, by name. */
export const CALLS: Readonly<Record<string, Evaluation>> = {
  printf: (walk, [format, ...args]) => {
    const values = args.map((arg) => walk.value(arg));
    walk.print(formatted((format as { readonly value: string }).value, values));
    return 0n;
  },
  print: (walk, [what]) => {
    if (what!.kind === 'map' && !isScalar(walk, what)) walk.print(walk.store.shown(what.name));
    else walk.print(`${shownValue(walk.value(what!), walk.type(what!))}\n`);
    return 0n;
  },
  delete: (walk, [map, key]) => (walk.store.map(mapName(map)).delete(keyText(walk.value(key!))) ? 1n : 0n),
  has_key: (walk, [map, key]) => (walk.store.map(mapName(map)).has(keyText(walk.value(key!))) ? 1n : 0n),
  find: (walk, [map, key, to]) => {
    const found = walk.store.map(mapName(map)).get(keyText(walk.value(key!)));
    if (found !== undefined) walk.assign(to!, found.value);
    return found === undefined ? 0n : 1n;
  },
  len: (walk, [map]) => BigInt(walk.store.map(mapName(map)).size),
  memcmp: (walk, [left, right, length]) => {
    const [a, b] = [bytes(walk, left), bytes(walk, right)];
    const at = a.slice(0, Number(walk.number(length!))).findIndex((byte, index) => byte !== b[index]);
    // The library compares chars, which have a sign.
    return at < 0 ? 0n : BigInt.asIntN(8, a[at]!) - BigInt.asIntN(8, b[at]!);
  },
  bswap: (walk, [number], node) => {
    const { bits } = integer(walk.type(node));
    const digits = BigInt.asUintN(bits, walk.number(number!))
      .toString(16)
      .padStart(bits / 4, '0');
    return BigInt(`0x${digits.match(/../g)!.reverse().join('')}`);
  },
  strncmp: (walk, [left, right, length]) => {
    const most = Number(walk.number(length!));
    return text(walk, left).slice(0, most) === text(walk, right).slice(0, most) ? 0n : 1n;
  },
  strcontains: (walk, [haystack, needle]) => (text(walk, haystack).includes(text(walk, needle)) ? 1n : 0n),
  str_concat: (walk, args) => args.map((arg) => text(walk, arg)).join(''),
  strlen: (walk, [string]) => BigInt(text(walk, string).length),
  strstr: (walk, [haystack, needle]) => {
    const at = text(walk, haystack).indexOf(text(walk, needle));
    return at < 0 ? -2n : BigInt(at);
  },
};

/** Maps of one plain value print as that value does, under their names: scripts print those that aggregate only. */
const isScalar = (walk: Walk, map: Expression): boolean => {
  const { kind } = walk.type(map);
  return kind === 'int' || kind === 'bool' || kind === 'string' || kind === 'tuple' || kind === 'record';
};
