/** Instructions walked over all paths (BPF_COMPLEXITY_LIMIT_INSNS). */
export const MAX_PROCESSED = 1_000_000;
/** Paths waiting to be explored (BPF_COMPLEXITY_LIMIT_JMP_SEQ). */
export const MAX_PENDING = 8192;
export const MAX_SUBPROGRAMS = 256;
/** Bound of offsets from an object and of sizes that helpers take: 1 << 29. */
export const MAX_OFFSET = 1n << 29n;
/** Registers that a comparison narrows together. */
export const MAX_LINKED = 5;
export const MAX_PACKET_OFFSET = 0xffffn;
/** Functions may be entered with this much stack in the frames above when they make tail calls. */
export const MAX_STACK_BEFORE_TAIL_CALL = 256;
export const MAX_ERRNO = 4095;
/** nr_cpu_ids of the machine that recorded our reference verdicts; the simulated machine has no more. */
export const MAX_CPUS = 64;
