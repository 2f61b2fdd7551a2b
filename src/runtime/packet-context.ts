import { CONTEXTS } from '../abi/contexts.ts';
import type { ProgramType } from '../abi/program-image.ts';
import type { VerifiedProgram } from '../abi/verified-image.ts';
import * as build from '../isa/builders.ts';

/**
 * Programs see `data` and `data_end` as 32-bit fields of their context, which hold no pointers. The kernel therefore rewrites
 * these loads to 64-bit ones of its own structures (convert_ctx_accesses, kernel/bpf/verifier.c); ours go to words behind the
 * context:
 *
 *   +0 .. bytes   struct xdp_md or __sk_buff   bytes +0 packet   +8 end of packet   +16 metadata
 */
export const PACKET_WORDS = { pkt: 0, pkt_end: 8, pkt_meta: 16 } as const;
/** Bytes of those words. */
export const PACKET_WORDS_SIZE = 24;

/** Program types whose input is a packet. */
export const PACKET_TYPES: ReadonlySet<ProgramType> = new Set(['socket_filter', 'sched_cls', 'xdp']);

/** The program with its packet pointers within reach: same slots, other loads. */
export function exposePacketPointers(verified: VerifiedProgram): VerifiedProgram {
  const { program, facts } = verified;
  const row = CONTEXTS.x86_64[program.type];
  const pointers = new Map(
    row.fields.flatMap(({ offset, pointer }) =>
      pointer === undefined || pointer === 'sock_common' ? [] : [[offset, row.bytes + PACKET_WORDS[pointer]] as const],
    ),
  );
  if (pointers.size === 0) return verified;
  const insns = program.insns.slice();
  const accesses = facts.accesses.slice();
  facts.accesses.forEach((access, slot) => {
    const word = access?.region === 'context' ? pointers.get(access.offset) : undefined;
    if (word === undefined || access?.region !== 'context') return;
    const { dst, src, off } = insns[slot]!;
    insns[slot] = build.load(8, dst, src, off + word - access.offset);
    accesses[slot] = { region: 'context', offset: word };
  });
  return { program: { ...program, insns }, facts: { ...facts, accesses } };
}
