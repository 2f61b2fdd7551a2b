import { alignOf, sizeOf, stripType } from '../../btf/layout.ts';
import { createTypeSet } from '../../btf/type-set.ts';
import type { CType, TypeSet } from '../../btf/types.ts';
import { imageType } from './image-types.ts';
import type { Image, UsdtProbe } from './image.ts';
import type { UserWord } from './user-function.ts';
import { PAGE_SIZE } from '../memory/sizes.ts';
import { bug } from '../../source/bug.ts';

const SEMAPHORE_BYTES = 2;
const NO_TYPES = createTypeSet({});

/** A global variable in the data behind the text. */
export interface PlacedVariable {
  readonly name: string;
  /** From where the image is loaded. */
  readonly offset: number;
  readonly size: number;
  /** What it starts as; `addressOf` says where other variables are. */
  store(view: DataView, at: number, addressOf: (name: string) => number): void;
}

/** Puts variables and semaphores into the page behind the text. */
export function placeVariables(
  image: Image,
  types: TypeSet | undefined,
  textEnd: number,
): {
  readonly variables: readonly PlacedVariable[];
  readonly bytes: number;
  readonly semaphoreOf: (probe: UsdtProbe) => number;
} {
  const start = Math.ceil(textEnd / PAGE_SIZE) * PAGE_SIZE;
  let at = start;
  const take = (size: number, align: number): number => {
    at = Math.ceil(at / align) * align;
    at += size;
    return at - size;
  };
  const variables = (image.variables ?? []).map(({ name, type: text, value }): PlacedVariable => {
    const type = imageType(text, types ?? NO_TYPES);
    const size = type === undefined ? undefined : sizeOf(type);
    if (type === undefined || size === undefined) bug(`${name} has no type: ${text}`);
    return {
      name,
      offset: take(size, alignOf(type)),
      size,
      store: (view, place, addressOf) =>
        storeValue(view, place, type, typeof value === 'object' ? addressOf(value.addressOf) : value),
    };
  });
  const semaphores = new Map<string, number>();
  for (const { provider, name, semaphore } of image.usdt ?? []) {
    const key = `${provider}:${name}`;
    if (semaphore === true && !semaphores.has(key)) semaphores.set(key, take(SEMAPHORE_BYTES, SEMAPHORE_BYTES));
  }
  return {
    variables,
    bytes: at - start,
    semaphoreOf: ({ provider, name }) => semaphores.get(`${provider}:${name}`) ?? 0,
  };
}

/** A value for C: members by name, elements in order, text for arrays of char. */
export type CValue = UserWord | string | readonly CValue[] | { readonly [member: string]: CValue };

const WORD_BITS = 64n;

/** Writes a value in C's layout. */
export function storeValue(view: DataView, at: number, type: CType, value: CValue): void {
  const bare = stripType(type);
  const size = sizeOf(bare) ?? 0;
  if (typeof value === 'number' || typeof value === 'bigint') {
    let rest = typeof value === 'bigint' ? value : BigInt(Math.trunc(value));
    for (let i = 0; i < size; i += 1, rest >>= 8n) view.setUint8(at + i, Number(BigInt.asUintN(8, rest)));
  } else if (typeof value === 'string') {
    for (let i = 0; i < Math.min(value.length, size); i += 1) view.setUint8(at + i, value.charCodeAt(i));
  } else if (Array.isArray(value)) {
    if (bare.kind !== 'array') bug('a list is for an array');
    const step = sizeOf(bare.element) ?? 0;
    (value as readonly CValue[]).forEach((each, i) => storeValue(view, at + i * step, bare.element, each));
  } else {
    if (bare.kind !== 'struct' && bare.kind !== 'union') bug('members are for structures');
    for (const [name, each] of Object.entries(value as { readonly [member: string]: CValue })) {
      const member = bare.members.find((candidate) => candidate.name === name);
      if (member === undefined) bug(`${bare.name} has no member ${name}`);
      if (member.bitfieldSize === undefined) storeValue(view, at + member.offsetBits / 8, member.type, each);
      else storeBits(view, at, member.offsetBits, member.bitfieldSize, each as UserWord);
    }
  }
}

function storeBits(view: DataView, at: number, offsetBits: number, bits: number, value: UserWord): void {
  const place = at + (offsetBits >> 3);
  const shift = BigInt(offsetBits & 7);
  const bytes = (bits + (offsetBits & 7) + 7) >> 3;
  const mask = ((1n << BigInt(bits)) - 1n) << shift;
  let word = 0n;
  for (let i = bytes - 1; i >= 0; i -= 1) word = (word << 8n) | BigInt(view.getUint8(place + i));
  word = (word & ~mask) | ((BigInt.asUintN(Number(WORD_BITS), BigInt(value)) << shift) & mask);
  for (let i = 0; i < bytes; i += 1, word >>= 8n) view.setUint8(place + i, Number(word & 0xffn));
}
