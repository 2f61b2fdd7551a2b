import { checkTypes } from '../btf/check-types.ts';
import { decodeBtf } from '../btf/decode.ts';
import type { TypeSet } from '../btf/types.ts';

/** The types of a binary BTF file; undefined when it is none, or not wholly one. */
export function readBtf(bytes: Uint8Array): TypeSet | undefined {
  try {
    const types = decodeBtf(bytes);
    checkTypes(types);
    return types;
  } catch {
    return undefined;
  }
}
