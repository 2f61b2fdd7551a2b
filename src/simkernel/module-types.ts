import { applyLayout, layoutAggregate, sizeOf } from '../btf/layout.ts';
import { createTypeSet, overlayTypeSets } from '../btf/type-set.ts';
import { parseTypeText } from '../btf/type-text.ts';
import type { CType, Member, StructType, TypeSet } from '../btf/types.ts';
import { bug } from '../source/bug.ts';

/**
 * Structures of drivers that Linux builds as modules: their types are in the module's BTF, not in the kernel's. Members in C;
 * of each structure those up to the last one that scripts or the machine use.
 */
export const MODULE_STRUCTS = {
  // include/scsi/scsi_cmnd.h
  scsi_cmnd: [
    'struct scsi_device *device',
    'void *eh_entry[2]',
    'unsigned char __padding_abort_work[88]',
    'int eh_eflags',
    'int budget_token',
    'unsigned long jiffies_at_alloc',
    'int retries',
    'int allowed',
    'unsigned char prot_op',
    'unsigned char prot_type',
    'unsigned char prot_flags',
    'unsigned char submitter',
    'unsigned short cmd_len',
    'unsigned char __padding_direction[2]',
    'int sc_data_direction',
    'unsigned char cmnd[32]',
    'int flags',
    'int result',
  ],
  // include/linux/nvme.h: what all commands begin with.
  nvme_common_command: [
    'unsigned char opcode',
    'unsigned char flags',
    'unsigned short command_id',
    'unsigned int nsid',
    'unsigned int cdw2[2]',
    'unsigned long metadata',
  ],
  nvme_command: ['struct nvme_common_command common', 'unsigned char rest[40]'],
  // drivers/md/md.h
  mddev: ['void *private', 'void *pers', 'unsigned int unit', 'int md_minor'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** What the tracepoints of those modules are given, as their raw form has it. */
export const MODULE_TRACEPOINTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // include/trace/events/scsi.h
  scsi_dispatch_cmd_start: { cmd: 'struct scsi_cmnd *' },
  scsi_dispatch_cmd_done: { cmd: 'struct scsi_cmnd *' },
};

/** Members of structures in C, by structure: see profile-types.ts. */
export type StructMembers = Readonly<Record<string, readonly string[]>>;

/**
 * Makes structures of their members. Where `types` has the structure already, members of the form `new = old` are other names
 * for its own, and others lie behind it.
 */
export function declareStructs(structs: StructMembers, types: TypeSet): TypeSet {
  const made = Object.keys(structs).map((name): StructType => ({ kind: 'struct', name, size: 0, members: [] }));
  const own = createTypeSet({ types: made });
  const visible = overlayTypeSets(own, types);
  for (const type of made) {
    const known = types.struct(type.name);
    const rows = structs[type.name]!;
    if (known !== undefined) extend(type, known, rows, visible);
    else {
      const members = rows.map((text) => declared(text, visible));
      applyLayout(type, layoutAggregate('struct', members));
    }
  }
  return own;
}

function extend(type: StructType, known: StructType, rows: readonly string[], types: TypeSet): void {
  const members: Member[] = [...known.members];
  let { size } = known;
  for (const row of rows) {
    const [name, old] = row.split(' = ');
    if (old === undefined) {
      const member = declared(row, types);
      members.push({ ...member, offsetBits: 8 * size });
      size += sizeOf(member.type) ?? 0;
    } else {
      const same = known.members.find((member) => member.name === old);
      if (same === undefined) bug(`struct ${known.name} has no ${old}`);
      members.push({ ...same, name: name! });
    }
  }
  Object.assign(type, { size, members });
}

/** `struct gendisk *rq_disk`, `unsigned char cmnd[32]` */
function declared(text: string, types: TypeSet): { readonly name: string; readonly type: CType } {
  const match = /^(.*?)(\w+)((?:\[\d+\])*)$/.exec(text);
  const type = match === null ? undefined : parseTypeText(`${match[1]!}${match[3]!}`, types);
  if (match === null || type === undefined) bug(`no declaration: ${text}`);
  return { name: match[2]!, type };
}
