import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type MapDefinition, PROGRAM_TYPES } from '../../src/abi/program-image.ts';
import type { AttachTarget } from '../../src/lang/attach-target.ts';
import { decodeInsns } from '../../src/isa/codec.ts';
import { disassembleProgram } from '../../src/isa/disassemble.ts';
import { PROBES, type ProbeKind } from '../../src/lang/probes.ts';
import { isCode, readElf } from '../../src/object/elf-reader.ts';
import { describeSection } from '../../src/object/program-sections.ts';
import { readObject } from '../../src/object/read-object.ts';
import { sectionsOf } from '../../src/pipeline/attach-sections.ts';
import { compile, type Compilation } from '../../src/pipeline/compile.ts';
import { emitObject } from '../../src/pipeline/emit-object.ts';
import { createSimulation } from '../../src/pipeline/simulation.ts';
import { createSource } from '../../src/source/source.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';

/** One target of each kind, and the section that libbpf attaches there. */
const TARGETS: { readonly [Kind in ProbeKind]: readonly [target: AttachTarget & { kind: Kind }, section: string] } = {
  begin: [{ kind: 'begin' }, 'raw_tp'],
  end: [{ kind: 'end' }, 'raw_tp'],
  self: [{ kind: 'self', signal: 'SIGUSR1' }, 'raw_tp'],
  test: [{ kind: 'test', name: 'x' }, 'raw_tp'],
  bench: [{ kind: 'bench', name: 'x' }, 'raw_tp'],
  kprobe: [{ kind: 'kprobe', function: 'vfs_read', offset: 4 }, 'kprobe/vfs_read+4'],
  kretprobe: [{ kind: 'kretprobe', function: 'vfs_read' }, 'kretprobe/vfs_read'],
  fentry: [{ kind: 'fentry', function: 'vfs_read', module: 'vmlinux' }, 'fentry/vfs_read'],
  fexit: [{ kind: 'fexit', function: 'ext4_sync_file', module: 'ext4' }, 'fexit/ext4:ext4_sync_file'],
  tracepoint: [{ kind: 'tracepoint', category: 'sched', name: 'sched_switch' }, 'tp/sched/sched_switch'],
  rawtracepoint: [{ kind: 'rawtracepoint', name: 'sched_switch' }, 'tp_btf/sched_switch'],
  uprobe: [{ kind: 'uprobe', path: '/bin/bash', function: 'readline', offset: 0 }, 'uprobe//bin/bash:readline'],
  uretprobe: [{ kind: 'uretprobe', path: '/bin/bash', function: 'f', offset: 0 }, 'uretprobe//bin/bash:f'],
  usdt: [{ kind: 'usdt', path: '/bin/x', provider: 'p', name: 'n' }, 'usdt'],
  profile: [{ kind: 'profile', frequency: 99 }, 'perf_event'],
  interval: [{ kind: 'interval', periodNs: 1e9 }, 'perf_event'],
  software: [{ kind: 'software', event: 'cpu-clock', count: 1 }, 'perf_event'],
  hardware: [{ kind: 'hardware', event: 'cycles', count: 1 }, 'perf_event'],
  watchpoint: [{ kind: 'watchpoint', address: 1n, length: 8, mode: 'w' }, 'perf_event'],
  iter: [{ kind: 'iter', name: 'task' }, 'iter/task'],
};

test.each(Object.entries(TARGETS))('a program of %s stands in the section of its type', (kind, [target, section]) => {
  expect(sectionsOf(target)).toEqual([section]);
  expect(describeSection(section)?.type).toBe(PROBES[kind as ProbeKind].programType);
});

test('functions that share a program are a pattern where libbpf knows it, and sections of their own elsewhere', () => {
  const functions = ['vfs_read', 'vfs_readv'];
  const shared = { kind: 'kprobe', function: 'vfs_re*', offset: 0, functions } as const;
  expect(sectionsOf(shared)).toEqual(['kprobe.multi/vfs_re*']);
  expect(sectionsOf({ ...shared, function: 'vfs_re[a]*' })).toEqual(['kprobe/vfs_read', 'kprobe/vfs_readv']);
  expect(sectionsOf({ kind: 'uretprobe', path: '/bin/sh', function: '*', offset: 0, functions: ['a'] })).toEqual([
    'uretprobe.multi//bin/sh:*',
  ]);
});

const machine = createSimulation({ scenario: 'idle', seed: 1 });
const examples = join(import.meta.dirname, '../../examples');
const EVERYTHING = `
begin { printf("start\\n"); @started = nsecs; }
kprobe:vfs_re* { @reads[comm, func] = hist(arg2); @stats = stats(arg2); }
kretprobe:vfs_write { @written = sum(retval); }
tracepoint:syscalls:sys_enter_openat { printf("%s %s\\n", comm, str(args.filename)); @by[args.flags] = count(); }
rawtracepoint:sched_switch { @switches = count(); }
fentry:vfs_read, fexit:vfs_read { @x[probe] = count(); print(elapsed); }
profile:hz:99 { @[kstack] = count(); }
interval:s:1 { for ($kv : @by) { printf("%d %d\\n", $kv.0, (uint64)$kv.1); } clear(@by); }
end { print(@reads); }
`;

type Compiled = NonNullable<Compilation['generated']>;

function compiled(name: string, text: string): Compiled {
  const { generated, diagnostics } = compile({ source: createSource(name, text), target: machine.target });
  if (generated === undefined) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return generated;
}

const scripts = [
  ['everything.bt', EVERYTHING] as const,
  ['nothing.bt', 'begin { }'] as const,
  ['elements.bt', 'iter:task_file { printf("%s %s\\n", ctx.task.comm, path(ctx.file.f_path)); }'] as const,
  ...readdirSync(examples)
    .filter((name) => name.endsWith('.bt'))
    .map((name) => [name, readFileSync(join(examples, name), 'utf8')] as const),
].map(([name, text]) => {
  const script = compiled(name, text);
  return { name, text, ...script, object: emitObject(script.image, script.resources) };
});

/** The start time's map has no name of libbpf's: its section of data gets one. */
const nameInObject = ({ name }: MapDefinition): string => (name === 'elapsed' ? 'data.elapsed' : name);

describe.each(scripts)('the object of $name', ({ name, text, image, object }) => {
  const read = readObject(object);
  if (!read.ok) throw new Error(read.message);
  const { programs, maps } = read.object;

  test('holds every map and program, which the verifier walks as it walks the originals', () => {
    expect(maps.map((map) => map.name).sort()).toEqual(image.maps.map(nameInObject).sort());
    const types = { types: machine.target.types };
    const walked = programs.map((program) => {
      const { verdict, insnsProcessed } = verifyProgram(
        { ...program, ...describeSection(program.section)! },
        maps,
        types,
      );
      return [program.name, verdict, insnsProcessed];
    });
    const originals = image.programs.map((program) => {
      const { verdict, insnsProcessed } = verifyProgram(program, image.maps, types);
      return [program.name, verdict, insnsProcessed];
    });
    expect(walked.sort()).toEqual(originals.sort());
  });

  test("knows the script's lines", () => {
    const lines = programs.flatMap((program) => program.lines);
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(line.sourceName).toBe(name);
      expect(text.split('\n')[line.line - 1]!.trim()).toBe(line.text);
    }
  });
});

const folder = mkdtempSync(join(tmpdir(), 'tsbpftrace-object-'));
afterAll(() => rmSync(folder, { recursive: true }));
const isInstalled = (tool: string): boolean => spawnSync(tool, ['--version']).status === 0;
const run = (tool: string, ...args: string[]): string =>
  execFileSync(tool, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

describe.runIf(isInstalled('bpftool'))('bpftool', () => {
  test.each(scripts)('opens, links and describes the object of $name', ({ name, image, object }) => {
    writeFileSync(join(folder, 'in.bpf.o'), object);
    // The linker checks sections, symbols, relocations and BTF; the skeleton comes from libbpf's opened object.
    run('bpftool', 'gen', 'object', 'linked.bpf.o', 'in.bpf.o');
    const linked = readObject(readFileSync(join(folder, 'linked.bpf.o')));
    const names = linked.ok ? linked.object.programs.map((program) => program.name).sort() : linked.message;
    expect(names, name).toEqual(image.programs.map((program) => program.name).sort());
    const [skeleton] = run('bpftool', 'gen', 'skeleton', 'linked.bpf.o', 'name', 'script').split('#ifdef');
    for (const { name: program } of image.programs) expect(skeleton).toContain(`struct bpf_program *${program};`);
    for (const map of image.maps) expect(skeleton).toContain(`struct bpf_map *${nameInObject(map).replace('.', '_')};`);
    const types = run('bpftool', 'btf', 'dump', 'file', 'in.bpf.o');
    for (const { name: program } of image.programs) expect(types).toContain(`FUNC '${program}'`);
    expect(types).toContain("DATASEC '.maps'");
  });
});

describe.runIf(isInstalled('bpftool'))("bpftool's light skeleton", () => {
  // libbpf knows session programs since 1.5; bpftool 7.1 comes with 1.1.
  const known = scripts.filter(
    ({ image }) => !image.programs.some(({ attach }) => attach?.startsWith('kprobe.session/')),
  );
  test.each(known)('gives the kernel the programs of $name as they were compiled', ({ image, object }) => {
    writeFileSync(join(folder, 'light.bpf.o'), object);
    // Without a kernel, libbpf goes its whole way of loading here: maps, relocations, subprograms, BTF and its lines.
    const { stderr } = spawnSync('bpftool', ['-d', '-L', 'gen', 'skeleton', 'light.bpf.o', 'name', 'script'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
      maxBuffer: 1 << 26,
    });
    // Printing what it made, bpftool 7.1 crashes on any compiler's raw_tp program that names no tracepoint.
    expect(stderr).toContain('gen: finish 0');
    const loaded = [...stderr.matchAll(/prog_load: type (\d+) insns_cnt (\d+)/g)].map(
      (match) => `${match[1]} ${match[2]}`,
    );
    const expected = image.programs.map(({ type, insns }) => `${PROGRAM_TYPES[type].id} ${insns.length}`);
    expect(loaded.sort()).toEqual(expected.sort());
  });
});

/** Our text of an instruction in LLVM's spelling. */
function asLlvm(text: string): string {
  return text
    .replace(/ ([+-])(\d+)\)/, ' $1 $2)')
    .replace(/^call (?:\w+#|pc\+?)/, 'call ')
    .replace(/goto pc/, 'goto ')
    .replace(/0x([0-9a-f]+)ll$/, (_, digits: string) => `${BigInt.asIntN(64, BigInt(`0x${digits}`))} ll`)
    .replace(/0x([0-9a-f]+) goto/, (_, digits: string) => `${parseInt(digits, 16) | 0} goto`);
}

describe.runIf(isInstalled('llvm-objdump'))('llvm-objdump', () => {
  const packets = readFileSync(join(import.meta.dirname, '../object/compiled/packets.o'));
  test.each([...scripts.map(({ name, object }) => ({ name, object })), { name: "clang's packets.o", object: packets }])(
    'disassembles $name as we do',
    ({ object }) => {
      writeFileSync(join(folder, 'dis.bpf.o'), object);
      const theirs = run('llvm-objdump', '-d', '--no-show-raw-insn', 'dis.bpf.o')
        .split('\n')
        .flatMap((line) => /^\s+\d+:\s+(.*)$/.exec(line)?.[1] ?? [])
        .map((text) => text.replace(/ <[\w.]+(?:\+0x[0-9a-f]+)?>$/, ''));
      const ours = readElf(object)
        .sections.filter(isCode)
        .flatMap(({ bytes }) => disassembleProgram(decodeInsns(bytes)!).trimEnd().split('\n'))
        .map((line) => asLlvm(line.replace(/^\d+: \(..\) /, '')));
      expect(ours).toHaveLength(theirs.length);
      // An older LLVM does not know jset, nor what came with -mcpu=v4: stores of constants, sign-extending loads and moves.
      const known = (_: string, index: number): boolean => theirs[index] !== '<unknown>';
      expect(ours.filter(known)).toEqual(theirs.filter(known));
      expect(ours.filter((text, index) => !known(text, index)).filter((text) => !isNew(text))).toEqual([]);
    },
  );
});

const isNew = (text: string): boolean =>
  /^if .* & |^\*\(u\d+ \*\)\(.*\) = -?\d+$|\(s(8|16|32)( \*)?\)|bswap|gotol|s[/%]=/.test(text);
