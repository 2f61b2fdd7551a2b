/** Command descriptor block of ten bytes: operation, block number, count. */
export const CDB_BYTES = 10;
/** What the middle layer reports of a failed read or write: the command came back with SAM_STAT_CHECK_CONDITION. */
export const CHECK_CONDITION = 0x02;
/** Numbers that a disk and its partitions take (drivers/scsi/sd.c). */
export const MINORS_PER_DISK = 16;
