import type { BtfBlob } from './blob.ts';
import { malformed } from './malformed.ts';
import type { CType, EnumType, FunctionProtoType, Member, PointerType } from './types.ts';
import { BTF_KINDS, INT_BOOL, INT_CHAR, INT_SIGNED, MAX_RESOLVE_DEPTH } from './wire.ts';

const K = BTF_KINDS;

/** Types of a blob by their numbers, each made when it is first asked for. */
export interface TypeReader {
  /** Functions, variables, sections and declaration tags have no CType: undefined. */
  readonly type: (id: number) => CType | undefined;
  readonly need: (id: number) => CType;
}

export function createTypeReader(blob: BtfBlob): TypeReader {
  const types: (CType | undefined)[] = [{ kind: 'void' }];
  let depth = 0;
  function type(id: number): CType | undefined {
    const known = types[id];
    if (known !== undefined) return known;
    if (id < 0 || id > blob.typeCount) return undefined;
    if (depth === MAX_RESOLVE_DEPTH) return tooDeep(id);
    depth++;
    try {
      return (types[id] = build(blob.offsets[id]!));
    } finally {
      depth--;
    }
  }
  const tooDeep = (id: number): never =>
    malformed(`type ${id} is reached through more than ${MAX_RESOLVE_DEPTH} others`);
  const need = (id: number): CType => type(id) ?? malformed(`BTF type ${id} is no C type`);

  function build(at: number): CType | undefined {
    switch (blob.kindOf(at)) {
      case K.int.code: {
        const encoding = (blob.word(at + 12) >>> 24) & 0xf;
        return {
          kind: 'int',
          name: blob.nameOf(at),
          size: blob.refOf(at),
          signed: (encoding & INT_SIGNED) !== 0,
          bool: (encoding & INT_BOOL) !== 0,
          char: (encoding & INT_CHAR) !== 0,
        };
      }
      case K.float.code:
        return { kind: 'float', name: blob.nameOf(at), size: blob.refOf(at) };
      case K.ptr.code:
        return pointerAt(at);
      case K.array.code:
        return { kind: 'array', element: need(blob.word(at + 12)), length: blob.word(at + 20) };
      case K.struct.code:
        return aggregateAt('struct', at);
      case K.union.code:
        return aggregateAt('union', at);
      case K.enum.code:
      case K.enum64.code:
        return enumAt(at);
      case K.fwd.code:
        return { kind: 'forward', name: blob.nameOf(at), of: blob.flagOf(at) ? 'union' : 'struct' };
      case K.typedef.code:
        return {
          kind: 'typedef',
          name: blob.nameOf(at),
          get type() {
            return need(blob.refOf(at));
          },
        };
      case K.const.code:
        return { kind: 'qualifier', qualifier: 'const', type: need(blob.refOf(at)) };
      case K.volatile.code:
        return { kind: 'qualifier', qualifier: 'volatile', type: need(blob.refOf(at)) };
      case K.restrict.code:
        return { kind: 'qualifier', qualifier: 'restrict', type: need(blob.refOf(at)) };
      case K.func_proto.code:
        return prototypeAt(at);
      case K.type_tag.code:
        // Only tags on pointer targets mean something to us; pointerAt has read those.
        return need(blob.refOf(at));
      default:
        return undefined;
    }
  }

  function pointerAt(at: number): PointerType {
    let target = blob.refOf(at);
    let tag: string | undefined;
    for (let tags = 0; target !== 0; tags++) {
      const header = blob.offsets[target] ?? malformed(`there is no BTF type ${target}`);
      if (blob.kindOf(header) !== K.type_tag.code) break;
      if (tags === MAX_RESOLVE_DEPTH) tooDeep(target);
      tag ??= blob.nameOf(header);
      target = blob.refOf(header);
    }
    return {
      kind: 'pointer',
      get to() {
        return need(target);
      },
      ...(tag === undefined ? {} : { tag }),
    };
  }

  function aggregateAt<Kind extends 'struct' | 'union'>(kind: Kind, at: number) {
    let members: readonly Member[] | undefined;
    return {
      kind,
      name: blob.nameOf(at),
      size: blob.refOf(at),
      get members() {
        return (members ??= membersAt(at));
      },
    };
  }

  function membersAt(at: number): readonly Member[] {
    const members: Member[] = [];
    const hasBitfields = blob.flagOf(at);
    for (let i = 0, row = at + 12; i < blob.vlenOf(at); i++, row += 12) {
      const offset = blob.word(row + 8);
      const bitfieldSize = hasBitfields ? offset >>> 24 : 0;
      members.push({
        name: blob.nameOf(row),
        type: need(blob.word(row + 4)),
        offsetBits: hasBitfields ? offset & 0xffffff : offset,
        ...(bitfieldSize === 0 ? {} : { bitfieldSize }),
      });
    }
    return members;
  }

  function enumAt(at: number): EnumType {
    let values: EnumType['values'] | undefined;
    return {
      kind: 'enum',
      name: blob.nameOf(at),
      size: blob.refOf(at),
      signed: blob.flagOf(at),
      get values() {
        return (values ??= enumValuesAt(at));
      },
    };
  }

  function enumValuesAt(at: number): EnumType['values'] {
    const wide = blob.kindOf(at) === K.enum64.code;
    const signed = blob.flagOf(at);
    const values: { name: string; value: bigint }[] = [];
    for (let i = 0, row = at + 12; i < blob.vlenOf(at); i++, row += wide ? 12 : 8) {
      const low = blob.word(row + 4);
      const value = wide ? (BigInt(blob.word(row + 8)) << 32n) | BigInt(low) : BigInt(signed ? low | 0 : low);
      values.push({ name: blob.nameOf(row), value: wide && signed ? BigInt.asIntN(64, value) : value });
    }
    return values;
  }

  function prototypeAt(at: number): FunctionProtoType {
    const parameters: { name: string; type: CType }[] = [];
    const count = blob.vlenOf(at);
    // `...` is a last parameter without name and type.
    const last = at + 12 + (count - 1) * 8;
    const variadic = count > 0 && blob.word(last) === 0 && blob.word(last + 4) === 0;
    for (let i = 0, row = at + 12; i < (variadic ? count - 1 : count); i++, row += 8) {
      parameters.push({ name: blob.nameOf(row), type: need(blob.word(row + 4)) });
    }
    return { kind: 'function', returns: need(blob.refOf(at)), parameters, variadic };
  }

  return { type, need };
}
