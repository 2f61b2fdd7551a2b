import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Target, UserFile } from '../src/lang/target.ts';
import { compile } from '../src/pipeline/compile.ts';
import { createSimulation } from '../src/pipeline/simulation.ts';
import { createSource } from '../src/source/source.ts';

/**
 * Instructions that we emit against those of real bpftrace 0.27.1 (LLVM 21, -O3), script by script:
 * `npx tsx bench/instructions.ts [DIR]` with DIR the tools/ of a bpftrace checkout for the rows `tool-...`. Both sides are
 * counted as emitted, before the kernel rewrites anything, and only where both make programs for the same probes.
 * Exit code 1 when the geometric mean is above MOST_MEAN or a script above MOST.
 */
const MOST_MEAN = 1.15;
const MOST = 1.6;
const FOLDER = join(import.meta.dirname, 'instructions');
const tools = process.argv[2];
if (tools !== undefined && !existsSync(tools)) {
  console.error('usage: instructions.ts [DIR]');
  process.exit(2);
}

/** Functions of the libraries where the counts were taken; ours has fewer. A probe's place changes no instruction. */
const LIBRARY_FUNCTIONS = [
  ...['SSL_read', 'SSL_write', 'SSL_do_handshake', 'RSA_sign', 'RSA_verify', 'readline', 'getaddrinfo'],
  ...['gethostbyname', 'gethostbyname_r', 'gethostbyname2', 'gethostbyname2_r', 'gethostbyaddr', 'gethostbyaddr_r'],
  'pthread_create',
].sort((a, b) => b.length - a.length);
const symbols = LIBRARY_FUNCTIONS.map((name, index) => ({ name, address: 0x1000 * (index + 1), size: 0x100 }));
const library: UserFile = {
  path: 'library',
  symbols,
  variables: [],
  usdt: [],
  fileOffset: (address) => address,
  prototype: () => undefined,
  isInstruction: () => true,
};
const target: Target = { ...createSimulation({ scenario: 'server', seed: 1 }).target, userFile: () => library };

/** Instructions by probe. The number behind a section's name counts the script's probes. */
type Counts = ReadonlyMap<string, number>;

function theirs(): Map<string, Counts> {
  const scripts = new Map<string, Map<string, number>>();
  const [, ...lines] = readFileSync(join(FOLDER, 'llvm.tsv'), 'utf8').trimEnd().split('\n');
  for (const line of lines) {
    const [script, section, count] = line.split('\t') as [string, string, string];
    const counts = scripts.get(script) ?? new Map<string, number>();
    scripts.set(script, counts);
    const probe = section === '.text' ? section : probeOf(section);
    counts.set(probe, (counts.get(probe) ?? 0) + Number(count));
  }
  return scripts;
}

/** The name without its number; of a library function, without the library's path, which differs between machines. */
function probeOf(section: string): string {
  const name = section.replace(/_\d+$/, '');
  const library = LIBRARY_FUNCTIONS.find((symbol) => /^u(ret)?probe_/.test(name) && name.endsWith(`_${symbol}`));
  return library === undefined ? name : `${name.slice(0, name.indexOf('_'))}_${library}`;
}

function ours(path: string): Counts | string {
  const source = createSource(basename(path), readFileSync(path, 'utf8'));
  const { generated, diagnostics } = compile({
    source,
    target,
    unsafe: true,
    env: { BPFTRACE_MISSING_PROBES: 'ignore' },
  });
  if (generated === undefined) return diagnostics.find(({ severity }) => severity === 'error')?.message ?? 'no code';
  const counts = new Map<string, number>();
  for (const { name, insns } of generated.image.programs)
    counts.set(probeOf(name), (counts.get(probeOf(name)) ?? 0) + insns.length);
  return counts;
}

/** Where bpftrace merged a kretprobe into the session program of its kprobe, so do we for the count. */
function mergeSessions(counts: Counts, like: Counts): Counts {
  const merged = new Map<string, number>();
  for (const [probe, count] of counts) {
    const entry = probe.replace(/^kretprobe_/, 'kprobe_');
    const at = entry !== probe && !like.has(probe) && like.has(entry) ? entry : probe;
    merged.set(at, (merged.get(at) ?? 0) + count);
  }
  return merged;
}

function sum(counts: Counts): number {
  return [...counts.values()].reduce((a, b) => a + b, 0);
}

interface Row {
  readonly script: string;
  readonly ours: number;
  readonly theirs: number;
}

const rows: Row[] = [];
const skipped: string[] = [];
for (const [script, reference] of theirs()) {
  const tool = script.startsWith('tool-') ? script.slice('tool-'.length) : undefined;
  if (tool !== undefined && tools === undefined) continue;
  const path = tool === undefined ? join(FOLDER, `${script}.bt`) : join(tools!, `${tool}.bt`);
  if (!existsSync(path)) {
    skipped.push(`${script}: no such script`);
    continue;
  }
  const counts = ours(path);
  if (typeof counts === 'string') {
    skipped.push(`${script}: ${counts}`);
    continue;
  }
  const merged = mergeSessions(counts, reference);
  const probes = [...reference.keys()].filter((probe) => probe !== '.text');
  const missing = probes.filter((probe) => !merged.has(probe));
  const more = [...merged.keys()].filter((probe) => !reference.has(probe));
  if (missing.length + more.length > 0) {
    skipped.push(`${script}: other probes: ${[...missing.map((p) => `-${p}`), ...more.map((p) => `+${p}`)].join(' ')}`);
    continue;
  }
  rows.push({ script, ours: sum(merged), theirs: sum(reference) });
}
const recorded = readdirSync(FOLDER).filter((name) => name.endsWith('.bt')).length;
if (rows.length < recorded / 2) throw new Error('hardly anything was compared');

const ratio = (row: Row): number => row.ours / row.theirs;
rows.sort((a, b) => ratio(b) - ratio(a));
for (const row of rows)
  console.log(
    `${row.script.padEnd(24)} ${String(row.ours).padStart(6)} ${String(row.theirs).padStart(6)}  ${ratio(row).toFixed(2)}`,
  );
for (const reason of skipped) console.log(`not compared: ${reason}`);
const mean = Math.exp(rows.reduce((total, row) => total + Math.log(ratio(row)), 0) / rows.length);
const worst = ratio(rows[0]!);
console.log(`${rows.length} scripts: geometric mean ${mean.toFixed(2)}, worst ${worst.toFixed(2)}`);
process.exit(mean <= MOST_MEAN && worst <= MOST ? 0 : 1);
