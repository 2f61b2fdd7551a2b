/** include/linux/gfp_types.h: bits of the allocator's flags, and the combinations that callers use. */
export const GFP_DIRECT_RECLAIM = 0x400;
export const GFP_ATOMIC = 0x820;
export const GFP_KERNEL = 0xcc0;
/** Page cache: GFP_HIGHUSER_MOVABLE with few retries for readahead. */
export const GFP_READAHEAD = 0x152cca;
export const GFP_HIGHUSER_MOVABLE = 0x140cca;
