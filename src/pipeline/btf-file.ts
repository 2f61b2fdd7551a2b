import { decodeBtf } from '../btf/decode.ts';
import type { TypeSet } from '../btf/types.ts';

/** The types of a binary BTF file; undefined when it is none, or not wholly one. */
export function readBtf(bytes: Uint8Array): TypeSet | undefined {
  try {
    const types = decodeBtf(bytes);
    // Types come into being when they are reached: reach all of them, while a broken file is still the user's mistake.
    for (let id = 1; id <= types.typeCount; id += 1) types.type(id);
    return types;
  } catch {
    return undefined;
  }
}
