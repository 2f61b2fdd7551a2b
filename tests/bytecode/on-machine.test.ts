import { describe, expect, test } from 'vitest';
import { compile } from '../../src/pipeline/compile.ts';
import { createSimulation } from '../../src/pipeline/simulation.ts';
import { createSource } from '../../src/source/source.ts';

const { target } = createSimulation({ scenario: 'server', seed: 1 });

function programsOf(script: string): readonly string[] {
  const source = createSource('script.bt', script);
  return compile({ source, target, unsafe: true }).generated?.image.programs.map(({ name }) => name) ?? [];
}

function errorsOf(script: string): readonly string[] {
  const source = createSource('script.bt', script);
  return compile({ source, target, unsafe: true }).diagnostics.flatMap(({ severity, message }) =>
    severity === 'error' ? [message] : [],
  );
}

/** Scripts that need the machine's types; the verifier judges what they compile to. */
test.each([
  'tracepoint:syscalls:sys_enter_openat { $a = args; printf("%d\\n", $a.dfd); }',
  'tracepoint:syscalls:sys_enter_openat { @[args] = count(); }',
  'tracepoint:sched:sched_switch { @ = args; }',
  'fentry:vfs_read { @[args] = 1; $a = args; @b = $a; }',
  'fexit:vfs_read { @[args, retval] = count(); }',
  'rawtracepoint:sched_switch { @ = args; print(args); }',
  'fentry:vfs_getattr { printf("%s", path(args.path)); }',
  'begin { $n = nsecs; @ = memcmp(comm, "abc", $n); @c = cgroupid("/sys/fs/cgroup"); }',
  'kprobe:vfs_read { $s = (int64)arg2; signal($s); signal_thread(10); }',
  'tracepoint:syscalls:sys_enter_openat { $n = args.flags; @ = write_user(args.filename, "text", $n); }',
  'fn f($a : int32, $b : string[8]) : uint64 { $b = "xyz"; return (uint64)$a; } begin { @ = f(3, "hello!!"); }',
])('the verifier accepts %s', (script) => {
  expect(errorsOf(script)).toEqual([]);
});

test.each([
  ['fentry:vfs_read { printf("%s", path(args.file.f_path)); }', 'helper bpf_d_path not allowed in probe'],
  ['fentry:vfs_fallocate { printf("%s", path(args.file)); }', 'R1 is of type file but path is expected'],
  ['begin { @ = cgroupid("/nowhere"); }', 'Failed to get `cgroupid` for path: "/nowhere"'],
])('%s is refused: %s', (script, reason) => {
  expect(errorsOf(script).join()).toContain(reason);
});

describe('the matches of a pattern', () => {
  test.each(['kprobe:vfs_* { @[func] = count(); }', 'kretprobe:vfs_* { @[func] = hist(retval); }'])(
    'share one program in %s',
    (script) => {
      expect(programsOf(script)).toHaveLength(1);
    },
  );

  test.each([
    'kprobe:vfs_rea* { @[probe] = count(); }',
    'kprobe:vmlinux:vfs_rea* { @[func] = count(); }',
    'fentry:vfs_rea* { @[func] = count(); }',
    'tracepoint:syscalls:sys_enter_open* { @[comm] = count(); }',
  ])('have programs of their own in %s', (script) => {
    expect(programsOf(script).length).toBeGreaterThan(1);
  });
});
