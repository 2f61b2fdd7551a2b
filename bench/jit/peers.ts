import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { HELPERS } from '../../src/abi/helpers.ts';
import type { Program } from '../../src/abi/program-image.ts';
import { encodeInsns } from '../../src/isa/codec.ts';
import { decode } from '../../src/isa/decode.ts';

export type PeerEngine = 'native' | 'jit' | 'interpreter';

/** The C program of peers.c: native code, and ubpf when it was given its library. */
export interface Peers {
  readonly engines: readonly PeerEngine[];
  load(index: number, program: Program): Promise<void>;
  /** Nanoseconds for so many runs, and what the last returned. */
  run(engine: PeerEngine, index: number, times: number): Promise<{ readonly ns: number; readonly result: number }>;
  close(): void;
}

/** Helper numbers of peers.c by ours. */
const PEER_HELPERS: ReadonlyMap<number, number> = new Map(
  (
    [
      'map_lookup_elem',
      'map_update_elem',
      'ktime_get_ns',
      'get_current_pid_tgid',
      'ringbuf_reserve',
      'ringbuf_submit',
    ] as const
  ).map((name, index) => [HELPERS[name].id, index]),
);

/** Compiles and starts peers.c; undefined where there is no C compiler. */
export function startPeers(ubpfLibrary: string | undefined): Peers | undefined {
  const program = join(mkdtempSync(join(tmpdir(), 'jit-peers-')), 'peers');
  const source = fileURLToPath(new URL('peers.c', import.meta.url));
  try {
    // Without vector instructions: the loops stand for what a kernel's C does, which has none either.
    execFileSync('cc', ['-O2', '-fno-tree-vectorize', '-o', program, source, '-ldl']);
  } catch {
    return undefined;
  }
  const child = spawn(program, ubpfLibrary === undefined ? [] : [ubpfLibrary], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (request: string): Promise<string> => {
    child.stdin.write(`${request}\n`);
    const answer = await answers.next();
    if (answer.done === true) throw new Error(`peers ended at: ${request.slice(0, 60)}`);
    return answer.value;
  };
  return {
    engines: ubpfLibrary === undefined ? ['native'] : ['native', 'jit', 'interpreter'],
    async load(index, { insns, relocations }) {
      const renumbered = insns.map((insn) => {
        const operation = decode(insn);
        if (operation?.kind !== 'call') return insn;
        return { ...insn, imm: PEER_HELPERS.get(insn.imm) ?? insn.imm };
      });
      const hex = Buffer.from(encodeInsns(renumbered)).toString('hex');
      await ask(`load ${index} ${hex} ${relocations.map(({ slot, map }) => `${slot}:${map}`).join(' ')}`);
    },
    async run(engine, index, times) {
      const [ns, result] = (await ask(`run ${engine} ${index} ${times}`)).split(' ');
      return { ns: Number(ns), result: Number(result) };
    },
    close: () => child.stdin.end(),
  };
}
