import { CONTEXTS } from '../abi/contexts.ts';
import type { EnginePrograms } from '../abi/execution.ts';
import { isImplemented, helperName } from '../abi/known-helpers.ts';
import type { Program, ProgramType } from '../abi/program-image.ts';
import type { VerifiedImage } from '../abi/verified-image.ts';
import { decode } from '../isa/decode.ts';
import { joinHalves } from '../isa/words.ts';
import { openArena, type Arena } from './arena.ts';
import { createRandom } from './helpers/create-helpers.ts';
import { PLAIN_RUN } from './helpers/helper-host.ts';
import { linkVariables } from './kernel-variables.ts';
import type { Kernel, KernelMemory } from './kernel.ts';
import { createEnvironment, createMaps } from './load.ts';
import { exposePacketPointers, PACKET_TYPES, PACKET_WORDS, PACKET_WORDS_SIZE } from './packet-context.ts';

export interface TestRun {
  /** An image with one program. */
  readonly verified: VerifiedImage;
  readonly engine: (verified: VerifiedImage) => EnginePrograms;
  readonly kernel: Kernel;
  /** The packet, or the context of programs that see no packets; what is missing of a context is zero. */
  readonly input: Uint8Array;
  readonly seed: number;
}

export interface TestResult {
  /** r0, unsigned. */
  readonly result: bigint;
  /** The input, as the program left it. */
  readonly memory: Uint8Array;
}

const WORD = 8;
const ETHERNET_HEADER = 14;
const ETHERNET_PROTOCOL = 12;
/** Test runs use the loopback device, the first of every network namespace. */
const LOOPBACK_INDEX = 1;
const XDP_MD = { ingress_ifindex: 12 } as const;
const SK_BUFF = { len: 0, protocol: 16, ifindex: 40 } as const;

/** Fields of a packet context that are no pointers, as net/bpf/test_run.c fills them in (Linux 7.2). */
const FILL_CONTEXT: Partial<Record<ProgramType, (arena: Arena, context: number, packet: Uint8Array) => void>> = {
  xdp({ words }, context) {
    words[(context + XDP_MD.ingress_ifindex) >> 2] = LOOPBACK_INDEX;
  },
  sched_cls: (arena, context, packet) => fillSkBuff(arena, context, packet, packet.length),
  // Socket filters see what is behind the link layer's header.
  socket_filter: (arena, context, packet) =>
    fillSkBuff(arena, context, packet, Math.max(packet.length - ETHERNET_HEADER, 0)),
};

function fillSkBuff({ words, bytes }: Arena, context: number, packet: Uint8Array, length: number): void {
  words[(context + SK_BUFF.len) >> 2] = length;
  words[(context + SK_BUFF.ifindex) >> 2] = LOOPBACK_INDEX;
  bytes.set(packet.subarray(ETHERNET_PROTOCOL, ETHERNET_HEADER), context + SK_BUFF.protocol);
}

/** Memory whose blocks all go back at the end, so that one machine can run any number of programs. */
function borrow(memory: KernelMemory): KernelMemory & { readonly release: () => void } {
  const blocks = new Map<number, number>();
  return {
    buffer: memory.buffer,
    wasmMemory: memory.wasmMemory,
    kernelHigh: memory.kernelHigh,
    allocate(size, align) {
      const address = memory.allocate(size, align);
      blocks.set(address, size);
      return address;
    },
    free(address, size) {
      blocks.delete(address);
      memory.free(address, size);
    },
    kernelAddress: (low, high, size) => memory.kernelAddress(low, high, size),
    readKernel: (to, size, low, high) => memory.readKernel(to, size, low, high),
    readUser: (to, size, low, high) => memory.readUser(to, size, low, high),
    writeUser: (from, size, low, high) => memory.writeUser(from, size, low, high),
    release: () => blocks.forEach((size, address) => memory.free(address, size)),
  };
}

/** Why a verified program cannot run here, if it cannot. */
function obstacle(program: Program): string | undefined {
  for (const [slot, insn] of program.insns.entries()) {
    const operation = decode(insn);
    if (operation?.kind === 'call' && operation.callee !== 'subprogram' && !isImplemented(insn.imm, program.type))
      return `instruction ${slot} calls ${helperName(insn.imm)}, which cannot run here yet`;
    if (operation?.kind === 'ld_packet') return `instruction ${slot} loads from the packet by a legacy instruction`;
  }
  return undefined;
}

/** Runs a verified program once on the given input, as BPF_PROG_TEST_RUN does; a string says why it cannot. */
export function testRun({ verified, engine, kernel, input, seed }: TestRun): TestResult | string {
  const [first] = verified.programs;
  if (first === undefined) return 'no program';
  const blocked = obstacle(first.program);
  if (blocked !== undefined) return blocked;
  const ready = exposePacketPointers(first);
  const { name, type } = ready.program;
  const memory = borrow(kernel.memory);
  try {
    const arena = openArena(memory);
    const maps = createMaps(verified.image.maps, kernel, arena);
    if ('error' in maps) return maps.error;
    const atReturn = first.program.attach?.startsWith('fexit/') === true;
    const environment = createEnvironment(kernel, arena, maps, createRandom(seed), { ...PLAIN_RUN, atReturn });
    const { bytes } = CONTEXTS[kernel.abi.name][type];
    const isPacket = PACKET_TYPES.has(type);
    const block = memory.allocate(WORD + Math.max(bytes, isPacket ? 0 : input.length) + PACKET_WORDS_SIZE, 8);
    // As many arguments as there are words, but for what is returned.
    arena.words[block >> 2] = (input.length >> 3) - (atReturn ? 1 : 0);
    const context = block + WORD;
    let at = context;
    if (isPacket) {
      at = memory.allocate(Math.max(input.length, 1), 8);
      const pointer = (field: keyof typeof PACKET_WORDS, address: number): void => {
        arena.words[(context + bytes + PACKET_WORDS[field]) >> 2] = address;
        arena.words[(context + bytes + PACKET_WORDS[field] + 4) >> 2] = memory.kernelHigh;
      };
      pointer('pkt', at);
      pointer('pkt_meta', at);
      pointer('pkt_end', at + input.length);
    }
    arena.bytes.set(input, at);
    FILL_CONTEXT[type]?.(arena, context, input);
    const linked = linkVariables(
      { image: { ...verified.image, programs: [ready.program] }, programs: [ready] },
      kernel,
    );
    const programs = engine(linked);
    const low = programs.get(name)!(environment, () => undefined)(context);
    const result = joinHalves(low, arena.words[environment.resultHigh >> 2]!);
    for (const map of maps) map.release?.();
    return { result, memory: arena.bytes.slice(at, at + input.length) };
  } finally {
    memory.release();
  }
}
