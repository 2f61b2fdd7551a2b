/** Sizes in bytes. */
export const KIB = 1024;
export const MIB = 1_048_576;
export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;

/** Reports count memory in kilobytes, the machine in pages. */
export const KIB_PER_PAGE = PAGE_SIZE / KIB;
