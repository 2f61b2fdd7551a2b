import { applyLayout, layoutAggregate } from '../../btf/layout.ts';
import { createTypeSet } from '../../btf/type-set.ts';
import { parseTypeText } from '../../btf/type-text.ts';
import type { CType, FunctionProtoType, StructType, TypeSet } from '../../btf/types.ts';
import { bug } from '../../source/bug.ts';

/** The structures of an image's debugging information, from the members' declarations in C. */
export function imageTypes(structs: Readonly<Record<string, readonly string[]>>): TypeSet {
  const types = Object.keys(structs).map((name): StructType => ({ kind: 'struct', name, size: 0, members: [] }));
  const set = createTypeSet({ types });
  for (const type of types)
    applyLayout(
      type,
      layoutAggregate(
        'struct',
        structs[type.name]!.map((text) => declared(text, set)),
      ),
    );
  return set;
}

/** `char b[10]`, `struct Foo *foos[2]` */
function declared(text: string, types: TypeSet): { readonly name: string; readonly type: CType } {
  const match = /^(.*?)(\w+)((?:\[\d+\])*)$/.exec(text.trim());
  const type = match === null ? undefined : imageType(`${match[1]!}${match[3]!}`, types);
  if (match === null || type === undefined) bug(`no declaration: ${text}`);
  return { name: match[2]!, type };
}

const TYPEDEFS: Readonly<Record<string, string>> = {
  __uint128_t: 'unsigned __int128',
  __int128_t: '__int128',
  uint64_t: 'unsigned long',
  int64_t: 'long',
  uint32_t: 'unsigned int',
  int32_t: 'int',
  uint16_t: 'unsigned short',
  int16_t: 'short',
  uint8_t: 'unsigned char',
  int8_t: 'signed char',
  size_t: 'unsigned long',
  ssize_t: 'long',
  pid_t: 'int',
};

/** A type as a program's source would write it. */
export function imageType(text: string, types: TypeSet): CType | undefined {
  return parseTypeText(
    text.replace(/\b\w+_t\b/g, (name) => TYPEDEFS[name] ?? name),
    types,
  );
}

/** `struct Foo *uprobeFunction2(struct Foo *foo1, struct Foo *foo2)` */
export function parsePrototype(text: string, types: TypeSet): FunctionProtoType {
  const match = /^(.*?)[\w$]+\s*\((.*)\)$/.exec(text.trim());
  const returns = match === null ? undefined : imageType(match[1]!, types);
  if (match === null || returns === undefined) bug(`no function prototype: ${text}`);
  const inside = match[2]!.trim();
  const parameters =
    inside === '' || inside === 'void' ? [] : inside.split(',').filter((part) => part.trim() !== '...');
  return {
    kind: 'function',
    returns,
    parameters: parameters.map((part) => declared(part, types)),
    variadic: inside.endsWith('...'),
  };
}
