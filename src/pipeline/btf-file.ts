import { checkTypes } from '../btf/check-types.ts';
import { decodeBtf } from '../btf/decode.ts';
import { readForeign } from '../btf/malformed.ts';
import type { Reading } from '../btf/malformed.ts';
import type { TypeSet } from '../btf/types.ts';

/** The types of a binary BTF file, or what is wrong with it. */
export function readBtf(bytes: Uint8Array): Reading<TypeSet> {
  return readForeign(() => {
    const types = decodeBtf(bytes);
    checkTypes(types);
    return types;
  });
}
