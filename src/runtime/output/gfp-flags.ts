/** Single bits of gfp_t in the order of include/linux/gfp_types.h; the unused one has no name. */
const BITS = [
  'GFP_DMA',
  '__GFP_HIGHMEM',
  'GFP_DMA32',
  '__GFP_MOVABLE',
  '__GFP_RECLAIMABLE',
  '__GFP_HIGH',
  '__GFP_IO',
  '__GFP_FS',
  '__GFP_ZERO',
  '',
  '__GFP_DIRECT_RECLAIM',
  '__GFP_KSWAPD_RECLAIM',
  '__GFP_WRITE',
  '__GFP_NOWARN',
  '__GFP_RETRY_MAYFAIL',
  '__GFP_NOFAIL',
  '__GFP_NORETRY',
  '__GFP_MEMALLOC',
  '__GFP_COMP',
  '__GFP_NOMEMALLOC',
  '__GFP_HARDWALL',
  '__GFP_THISNODE',
  '__GFP_ACCOUNT',
  '__GFP_ZEROTAGS',
  '__GFP_SKIP_ZERO',
  '__GFP_SKIP_KASAN',
  '__GFP_NO_OBJ_EXT',
] as const;
const bit = (name: (typeof BITS)[number]): bigint => 1n << BigInt(BITS.indexOf(name));

const RECLAIM = bit('__GFP_DIRECT_RECLAIM') | bit('__GFP_KSWAPD_RECLAIM');
const NOFS = RECLAIM | bit('__GFP_IO');
const KERNEL = NOFS | bit('__GFP_FS');
const USER = KERNEL | bit('__GFP_HARDWALL');
const HIGHUSER = USER | bit('__GFP_HIGHMEM');
const HIGHUSER_MOVABLE = HIGHUSER | bit('__GFP_MOVABLE') | bit('__GFP_SKIP_KASAN');
const TRANSHUGE_LIGHT =
  (HIGHUSER_MOVABLE | bit('__GFP_COMP') | bit('__GFP_NOMEMALLOC') | bit('__GFP_NOWARN')) & ~RECLAIM;

/** Combinations first, as the kernel prints them (include/trace/events/mmflags.h), then what is left bit by bit. */
const NAMES: readonly (readonly [mask: bigint, name: string])[] = [
  [TRANSHUGE_LIGHT | bit('__GFP_DIRECT_RECLAIM'), 'GFP_TRANSHUGE'],
  [TRANSHUGE_LIGHT, 'GFP_TRANSHUGE_LIGHT'],
  [HIGHUSER_MOVABLE, 'GFP_HIGHUSER_MOVABLE'],
  [HIGHUSER, 'GFP_HIGHUSER'],
  [USER, 'GFP_USER'],
  [KERNEL | bit('__GFP_ACCOUNT'), 'GFP_KERNEL_ACCOUNT'],
  [KERNEL, 'GFP_KERNEL'],
  [NOFS, 'GFP_NOFS'],
  [bit('__GFP_HIGH') | bit('__GFP_KSWAPD_RECLAIM'), 'GFP_ATOMIC'],
  [RECLAIM, 'GFP_NOIO'],
  [bit('__GFP_KSWAPD_RECLAIM') | bit('__GFP_NOWARN'), 'GFP_NOWAIT'],
  // bpftrace prints no name for these two bits, in no place.
  ...BITS.filter((name) => name !== '' && name !== '__GFP_MOVABLE' && name !== '__GFP_RECLAIMABLE').map(
    (name) => [bit(name), name] as const,
  ),
];

/** %gr: the flags of a kernel allocation by name. */
export function formatGfpFlags(flags: bigint): string {
  if (flags === 0n) return '0';
  const names: string[] = [];
  let left = BigInt.asUintN(64, flags);
  for (const [mask, name] of NAMES) {
    if ((left & mask) !== mask) continue;
    names.push(name);
    left &= ~mask;
  }
  if (left !== 0n) names.push(`0x${left.toString(16)}`);
  return names.join('|');
}
