import { ARM64 } from '../../btf/abi/arm64.ts';
import { createTypeSet } from '../../btf/type-set.ts';
import { C_INTS } from '../../btf/type-text.ts';
import type { CType, Member, StructType, TypeSet } from '../../btf/types.ts';

const U64: CType = { kind: 'typedef', name: 'u64', type: C_INTS.unsignedLongLong };
const S32: CType = { kind: 'typedef', name: 's32', type: C_INTS.int };
const U32: CType = { kind: 'typedef', name: 'u32', type: C_INTS.unsignedInt };
const member = (name: string, type: CType, offset: number): Member => ({ name, type, offsetBits: 8 * offset });
const struct = (name: string, size: number, members: readonly Member[]): StructType => ({
  kind: 'struct',
  name,
  size,
  members,
});

const REGISTERS: readonly Member[] = [
  member('regs', { kind: 'array', element: U64, length: 31 }, 0),
  member('sp', U64, ARM64.sp),
  member('pc', U64, ARM64.ip),
  member('pstate', U64, ARM64.flags),
];
const userRegisters = struct('user_pt_regs', ARM64.userRegistersBytes, REGISTERS);
const frameRecord = struct('frame_record', 16, [member('fp', U64, 0), member('lr', U64, 8)]);
const frameRecordMeta = struct('frame_record_meta', 24, [member('record', frameRecord, 0), member('type', U64, 16)]);
const registers = struct('pt_regs', ARM64.registersBytes, [
  member(
    '',
    {
      kind: 'union',
      name: '',
      size: userRegisters.size,
      members: [member('user_regs', userRegisters, 0), member('', struct('', userRegisters.size, REGISTERS), 0)],
    },
    0,
  ),
  member('orig_x0', U64, 272),
  member('syscallno', S32, 280),
  member('pmr', U32, 284),
  member('sdei_ttbr1', U64, 288),
  member('stackframe', frameRecordMeta, 296),
]);

/** What only arm64 has (arch/arm64/include/asm/ptrace.h, Linux 7.2). */
export const ARM64_TYPES: TypeSet = createTypeSet({ types: [userRegisters, frameRecord, frameRecordMeta, registers] });
