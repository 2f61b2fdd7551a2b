/** File systems on disks that the machine knows. */
export const FILE_SYSTEM_TYPES = ['ext4', 'xfs'] as const;
export type FileSystemType = (typeof FILE_SYSTEM_TYPES)[number];
