import { sizeOf, stripType } from '../btf/layout.ts';
import type { BtfTypeSet } from '../btf/decode.ts';
import type { CType, EnumType, TypeSet } from '../btf/types.ts';
import { decode } from '../isa/decode.ts';
import type { Insn } from '../isa/instruction.ts';
import { CALL_CODE, SIZE_BITS, SIZE_MASK, type AccessSize } from '../isa/opcodes.ts';
import { highHalf, lowHalf } from '../isa/words.ts';
import { badObject, demand } from './bad-object.ts';
import type { CoreRecord } from './btf-ext.ts';
import { type FieldKind, fieldValue, followLocal, followNames, isCompatible, mayResize } from './core-fields.ts';

/** What a relocation asks of the type that it names (enum bpf_core_relo_kind of include/uapi/linux/bpf.h). */
const KINDS = [
  'field_byte_offset',
  'field_byte_size',
  'field_exists',
  'field_signed',
  'field_lshift_u64',
  'field_rshift_u64',
  'type_id_local',
  'type_id_target',
  'type_exists',
  'type_size',
  'enumval_exists',
  'enumval_value',
  'type_matches',
] as const;
type Kind = (typeof KINDS)[number];

/** BPF_CORE_SPEC_MAX_LEN of libbpf. */
const MAX_PATH = 64;
/** libbpf puts a call of this helper, which no kernel has, where it cannot relocate: code that is never reached may stay. */
const POISON = 0xbad2310;

/** Patches an object's instructions for the types of a kernel (CO-RE), as libbpf does when it loads. */
export class CoreRelocator {
  readonly #local: BtfTypeSet;
  readonly #kernel: TypeSet;
  /** Relocations that name what the kernel does not have, and do not just ask whether it is there. */
  missing = 0;

  constructor(local: BtfTypeSet, kernel: TypeSet) {
    this.#local = local;
    this.#kernel = kernel;
  }

  /** Patches the instruction that a record is for. */
  apply(insns: Insn[], slot: number, record: CoreRecord): void {
    const kind = KINDS[record.kind] ?? badObject(`CO-RE relocation of the unknown kind ${record.kind}`);
    const insn = insns[slot];
    const operation = insn === undefined ? undefined : decode(insn);
    const isWide = operation?.kind === 'ld_imm64';
    demand(insn !== undefined && (!isWide || slot + 1 < insns.length), `CO-RE relocation of no instruction (${slot})`);
    // The compiler has put the object's own id there.
    if (kind === 'type_id_local') return;
    const found = this.#resolve(kind, record);
    if (found === undefined) return this.#poison(insns, slot, isWide);
    const { value, resize } = found;
    switch (operation?.kind) {
      case 'alu':
        demand(operation.source === 'imm', `CO-RE relocation of instruction ${slot}, which takes a register`);
        insns[slot] = { ...insn, imm: lowHalf(value) };
        return;
      case 'load':
      case 'store': {
        const size = resize ?? operation.size;
        if (value > 0x7fffn || !(size in SIZE_BITS)) return this.#poison(insns, slot, false);
        const code = (insn.code & ~SIZE_MASK) | SIZE_BITS[size as AccessSize];
        insns[slot] = { ...insn, code, off: Number(value) };
        return;
      }
      case 'ld_imm64':
        insns[slot] = { ...insn, imm: lowHalf(value) };
        insns[slot + 1] = { ...insns[slot + 1]!, imm: highHalf(value) };
        return;
      default:
        badObject(`CO-RE relocation of instruction ${slot}, which has no place for a value`);
    }
  }

  #poison(insns: Insn[], slot: number, isWide: boolean): void {
    this.missing++;
    const call: Insn = { code: CALL_CODE, dst: 0, src: 0, off: 0, imm: POISON };
    insns[slot] = call;
    if (isWide) insns[slot + 1] = call;
  }

  /** The value to put in; undefined where the kernel has nothing to take it from. */
  #resolve(
    kind: Kind,
    { type, accessString }: CoreRecord,
  ): { readonly value: bigint; readonly resize?: number | undefined } | undefined {
    const local = this.#local.type(type) ?? badObject(`CO-RE relocation for type ${type}, which is not there`);
    const path = pathOf(this.#local.string(accessString));
    switch (kind) {
      case 'type_exists':
        return { value: this.#counterpart(local) === undefined ? 0n : 1n };
      case 'type_size': {
        const target = this.#counterpart(local);
        const size = target === undefined ? undefined : sizeOf(target);
        return size === undefined ? undefined : { value: BigInt(size) };
      }
      case 'enumval_exists':
        return { value: this.#enumerator(local, path) === undefined ? 0n : 1n };
      case 'enumval_value': {
        const value = this.#enumerator(local, path);
        return value === undefined ? undefined : { value: BigInt.asUintN(64, value) };
      }
      // Types have no numbers here, and members of whole types are not compared.
      case 'type_id_local':
      case 'type_id_target':
      case 'type_matches':
        return undefined;
      default:
        return this.#field(kind, local, path);
    }
  }

  #field(
    kind: FieldKind | 'field_exists',
    local: CType,
    path: readonly number[],
  ): { readonly value: bigint; readonly resize?: number } | undefined {
    const { field: own, steps } = followLocal(local, path);
    const target = this.#counterpart(local);
    const field = target === undefined ? undefined : followNames(target, steps);
    const fits = field !== undefined && isCompatible(own.type, field.type) ? field : undefined;
    if (kind === 'field_exists') return { value: fits === undefined ? 0n : 1n };
    if (fits === undefined) return undefined;
    const value = fieldValue(kind, fits);
    if (kind !== 'field_byte_offset' || own.bitfieldSize !== undefined) return { value };
    const [before, after] = [sizeOf(own.type), sizeOf(fits.type)];
    return before === after || after === undefined || !mayResize(own.type, fits.type)
      ? { value }
      : { value, resize: after };
  }

  /** The kernel's type of the same kind and name, whatever stands behind three underscores (`task_struct___old`). */
  #counterpart(local: CType): CType | undefined {
    const type = local.kind === 'typedef' ? local : stripType(local);
    const name = 'name' in type ? essential(type.name) : '';
    if (name === '') return undefined;
    switch (type.kind) {
      case 'struct':
        return this.#kernel.struct(name);
      case 'union':
        return this.#kernel.union(name);
      case 'enum':
        return this.#kernel.enum(name);
      case 'typedef':
        return this.#kernel.typedef(name);
      case 'int':
        return this.#kernel.int(name);
      default:
        return undefined;
    }
  }

  #enumerator(local: CType, [index = -1]: readonly number[]): bigint | undefined {
    const type = stripType(local);
    const own = type.kind === 'enum' ? type.values[index] : undefined;
    if (own === undefined) return badObject('CO-RE relocation for an enum value that is not there');
    const target = this.#counterpart(type) as EnumType | undefined;
    return target?.values.find(({ name }) => essential(name) === essential(own.name))?.value;
  }
}

const essential = (name: string): string => name.replace(/___.*$/, '');

function pathOf(access: string): readonly number[] {
  const parts = access.split(':');
  const isPath = parts.length <= MAX_PATH && parts.every((part) => /^\d{1,9}$/.test(part));
  demand(isPath, `CO-RE relocation with the path '${access.slice(0, MAX_PATH)}'`);
  return parts.map(Number);
}
