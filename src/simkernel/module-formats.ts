/** Events of drivers that Linux builds as modules, as their headers in include/trace/events declare them: fields in C. */
export interface ModuleFormat {
  readonly id: number;
  readonly fields: readonly string[];
  readonly print: string;
}

const SCSI_COMMAND = ['unsigned int host_no', 'unsigned int channel', 'unsigned int id', 'unsigned int lun'] as const;
const SCSI_LENGTHS = ['unsigned int opcode', 'unsigned int cmd_len'] as const;
const SCSI_DATA = [
  'int driver_tag',
  'int scheduler_tag',
  'unsigned int data_sglen',
  'unsigned int prot_sglen',
  'unsigned char prot_op',
  '__data_loc unsigned char[] cmnd',
] as const;
const SCSI_PRINT = '"host_no=%u channel=%u id=%u lun=%u data_sgl=%u prot_sgl=%u cmnd=(opcode=%u)';
const SCSI_PRINT_ARGUMENTS =
  'REC->host_no, REC->channel, REC->id, REC->lun, REC->data_sglen, REC->prot_sglen, REC->opcode';

/** By category and name; numbers follow those of the kernel's own events. */
export const MODULE_FORMATS: Readonly<Record<string, Readonly<Record<string, ModuleFormat>>>> = {
  scsi: {
    scsi_dispatch_cmd_done: {
      id: 4001,
      fields: [...SCSI_COMMAND, 'int result', ...SCSI_LENGTHS, ...SCSI_DATA, 'u8 sense_key', 'u8 asc', 'u8 ascq'],
      print: `${SCSI_PRINT} result=(%x)", ${SCSI_PRINT_ARGUMENTS}, REC->result`,
    },
    scsi_dispatch_cmd_start: {
      id: 4002,
      fields: [...SCSI_COMMAND, ...SCSI_LENGTHS, ...SCSI_DATA],
      print: `${SCSI_PRINT}", ${SCSI_PRINT_ARGUMENTS}`,
    },
  },
};
