import { describe, expect, test } from 'vitest';
import type { Machine } from '../../../src/simkernel/machine.ts';
import { probeCommand, probeEvents, probeLines, removeAll } from '../../../src/simkernel/tracefs/probe-events.ts';
import { PROBE_ERRORS } from '../../../src/simkernel/tracefs/probe-mistake.ts';
import type { ProbeError } from '../../../src/simkernel/tracefs/probe-mistake.ts';
import { PROBE_KINDS } from '../../../src/simkernel/tracefs/probe-kinds.ts';
import type { ProbeKind } from '../../../src/simkernel/tracefs/probe-kinds.ts';
import { recordsOf } from '../../../src/simkernel/tracefs/ring-buffer.ts';
import { traceArray } from '../../../src/simkernel/tracefs/trace-array.ts';
import { registeredKprobes } from '../../../src/simkernel/probes/register-kprobe.ts';
import { machineRunning, MILLISECOND, runFor } from '../support.ts';

const EEXIST = -17;
const EINVAL = -22;
const ENOENT = -2;
const EILSEQ = -84;
const EBUSY = -16;

const m = machineRunning([]);
const array = traceArray(m);

/** Writes a definition in which `^` marks where the kernel finds the mistake. */
function expectRefused(kind: ProbeKind, marked: string, error: ProbeError, errno = EINVAL): void {
  removeAll(array, kind);
  const position = marked.indexOf('^');
  const command = marked.replace('^', '');
  expect(probeCommand(array, kind, command)).toBe(errno);
  const lines = array.errors.at(-1)!.split('\n');
  expect(lines[0]).toContain(`trace_${kind}: error: ${PROBE_ERRORS[error]}`);
  expect(lines[1]).toBe(`  Command: ${command}`);
  expect(lines[2]!.indexOf('^') - '  Command: '.length).toBe(position);
}

describe('mistakes in kprobe_events are blamed on their place', () => {
  test.each<[string, ProbeError, number?]>([
    ['p^7:e vfs_write', 'BAD_MAXACT_TYPE'],
    ['r^0:e vfs_write', 'BAD_MAXACT'],
    ['r^5000:e vfs_write', 'MAXACT_TOO_BIG'],
    ['p:e ^no_such_function', 'BAD_PROBE_ADDR'],
    ['p:e ^vfs_write-8', 'BAD_PROBE_ADDR'],
    ['p:e ^vfs_write+4x', 'BAD_PROBE_ADDR'],
    ['p:e vfs_write^%enter', 'BAD_ADDR_SUFFIX'],
    ['r:e ^vfs_write+9', 'BAD_RETPROBE'],
    ['p:e ^vfs_write+6', 'BAD_INSN_BNDRY', EILSEQ],
    ['p:e ^kprobe_exceptions_notify', 'FAIL_REG_PROBE'],
    ['p:^/e vfs_write', 'NO_GROUP_NAME'],
    [`p:^${'g'.repeat(64)}/e vfs_write`, 'GROUP_TOO_LONG'],
    ['p:^a-b/e vfs_write', 'BAD_GROUP_NAME'],
    ['p:^ vfs_write', 'NO_EVENT_NAME'],
    [`p:g/^${'e'.repeat(64)} vfs_write`, 'EVENT_TOO_LONG'],
    ['p:g/^9e vfs_write', 'BAD_EVENT_NAME'],
    ['^p:sched/sched_switch vfs_write', 'EVENT_EXIST', EEXIST],
    ['p:e vfs_write ^$retval', 'RETVAL_ON_PROBE'],
    ['p:e vfs_write ^$stack99999', 'BAD_STACK_NUM'],
    ['p:e vfs_write a=^$arg0', 'BAD_ARG_NUM'],
    ['p:e vfs_write ^$arg9', 'NO_BTFARG', ENOENT],
    ['p:e vfs_write ^$nothing', 'BAD_VAR'],
    ['p:e vfs_write ^%eax', 'BAD_REG_NAME'],
    ['p:e vfs_write ^@12z', 'BAD_MEM_ADDR'],
    ['p:e vfs_write ^@+8', 'FILE_ON_KPROBE'],
    ['p:e ^vfs_write @no_such_variable', 'BAD_PROBE_ADDR'],
    ['p:e vfs_write ^+8%di', 'DEREF_NEED_BRACE'],
    ['p:e vfs_write ^+x(%di)', 'BAD_DEREF_OFFS'],
    ['p:e vfs_write +8(%di^', 'DEREF_OPEN_BRACE'],
    ['p:e vfs_write +8(^$comm)', 'COMM_CANT_DEREF'],
    ['p:e vfs_write ^!1', 'BAD_FETCH_ARG'],
    ['p:e vfs_write \\^x', 'BAD_IMM'],
    ['p:e vfs_write \\"text^', 'IMMSTR_NO_CLOSE'],
    ['p:e vfs_write +8(%di):u16[4^', 'ARRAY_NO_CLOSE'],
    ['p:e vfs_write +8(%di):u16[4]^+', 'BAD_ARRAY_SUFFIX'],
    ['p:e vfs_write +8(%di):u16[^0]', 'BAD_ARRAY_NUM'],
    ['p:e vfs_write +8(%di):u16[^65]', 'ARRAY_TOO_BIG'],
    ['p:e vfs_write %di:^u16[4]', 'BAD_STRING'],
    ['p:e vfs_write %di:^u24', 'BAD_TYPE'],
    ['p:e vfs_write %di:^string', 'BAD_STRING'],
    ['p:e vfs_write %di:^b9@60/64', 'BAD_BITFIELD'],
    ['p:e vfs_write $comm:^u32', 'NEED_STRING_TYPE'],
    [`p:e vfs_write ^${'n'.repeat(33)}=%di`, 'ARG_NAME_TOO_LONG'],
    ['p:e vfs_write ^=%di', 'NO_ARG_NAME'],
    ['p:e vfs_write ^a.b=%di', 'BAD_ARG_NAME'],
    ['p:e vfs_write a=%di ^a=%si', 'USED_ARG_NAME'],
    ['p:e vfs_write ^common_pid=%di', 'USED_ARG_NAME'],
    [
      `p:e vfs_write a=^${'+8('.repeat(8)}${'%di'.padStart(33)}`
        .replaceAll('  ', '')
        .replace(/\(%di/, `(@0x${'1'.repeat(40)}`),
      'ARG_TOO_LONG',
    ],
    ['p:e vfs_write a=^', 'NO_ARG_BODY'],
    ['p:e vfs_write ^nobody', 'NO_BTFARG', ENOENT],
    ['p:e vfs_write f=file->^nothing', 'NO_BTF_FIELD'],
    ['p:e vfs_write f=count^->f_mode', 'NO_PTR_STRCT'],
    ['p:e vfs_write f=file^-f_mode', 'BAD_HYPHEN'],
    ['p:e vfs_write file:^string', 'BAD_TYPE4STR'],
    ['p:e vfs_write+4 $arg* ^$arg*', 'DOUBLE_ARGS'],
    ['p:e vfs_write a=^$arg*', 'BAD_VAR_ARGS'],
    ['p:e vfs_write+9 ^$arg*', 'NOFENTRY_ARGS'],
    ['p:e vfs_write+9 ^count', 'NOSUP_BTFARG'],
    ['r:e kfree ^$retval', 'NO_RETVAL'],
  ])('%s', (marked, error, errno) => expectRefused('kprobe', marked, error, errno));
});

describe('mistakes in uprobe_events are blamed on their place', () => {
  test.each<[string, ProbeError, number?]>([
    ['p:e ^/no/such/file:0x10', 'FILE_NOT_FOUND', ENOENT],
    ['p:e ^/proc:0x10', 'NO_REGULAR_FILE'],
    ['p:e /usr/bin/program0:^0x1g', 'BAD_UPROBE_OFFS'],
    ['p:e /usr/bin/program0:0x10(^x)', 'BAD_REFCNT'],
    ['p:e /usr/bin/program0:0x10(8^', 'REFCNT_OPEN_BRACE'],
    ['p:e /usr/bin/program0:0x10(8)^!', 'BAD_REFCNT_SUFFIX'],
    ['p:e /usr/bin/program0:0x10 ^@jiffies', 'SYM_ON_UPROBE'],
    ['p:e /usr/bin/program0:0x10 ^$arg1', 'BAD_VAR'],
  ])('%s', (marked, error, errno) => {
    const other = machineRunning([
      function* () {
        return 0;
      },
    ]);
    const events = traceArray(other);
    const command = marked.replace('^', '');
    expect(probeCommand(events, 'uprobe', command)).toBe(errno ?? EINVAL);
    const lines = events.errors.at(-1)!.split('\n');
    expect(lines[0]).toContain(PROBE_ERRORS[error]);
    expect(lines[2]!.indexOf('^') - '  Command: '.length).toBe(marked.indexOf('^'));
  });
});

test.each(['q:e vfs_write', 'p:e', 'p', 'hello', '-', '-:'])(
  'what has not even the form of a command is refused: %s',
  (command) => {
    const before = array.errors.length;
    expect(probeCommand(array, 'kprobe', command)).toBe(EINVAL);
    expect(array.errors.length).toBe(before);
  },
);

describe('mistakes in events of functions, tracepoints and events', () => {
  test.each<[ProbeKind, string, ProbeError, number?]>([
    ['fprobe', 'f:e ^no_such_function', 'BAD_PROBE_ADDR'],
    ['fprobe', 'f:e vfs_read^%enter', 'BAD_ADDR_SUFFIX'],
    ['fprobe', 'f:e vfs_read ^%di', 'BAD_VAR'],
    ['fprobe', 'f:e vfs_read ^$retval', 'RETVAL_ON_PROBE'],
    ['fprobe', 'f:e vfs_read ^nothing', 'NO_BTFARG', ENOENT],
    ['fprobe', 'f^5:e vfs_read', 'BAD_MAXACT_TYPE'],
    ['tprobe', 't:e ^no_such_tracepoint', 'NO_TRACEPOINT'],
    ['tprobe', 't:e sched^:sched_switch', 'BAD_TP_NAME'],
    ['tprobe', 't:e sched_switch a=prev->^nothing', 'NO_BTF_FIELD'],
    ['eprobe', 'e:e ^sched', 'NO_EVENT_INFO'],
    ['eprobe', 'e:e ^sched.nothing', 'BAD_ATTACH_EVENT'],
    ['eprobe', 'e:e sched.sched_switch ^$nothing', 'BAD_ATTACH_ARG'],
    ['eprobe', 'e:e sched.sched_switch ^%di', 'BAD_VAR'],
    ['eprobe', 'e:e sched.sched_switch $next_pid ^if', 'NO_EP_FILTER'],
  ])('%s: %s', (kind, marked, error, errno) => {
    removeAll(array, kind);
    const command = marked.replace('^', '');
    expect(probeCommand(array, kind, command)).toBe(errno ?? EINVAL);
    const lines = array.errors.at(-1)!.split('\n');
    expect(lines[0]).toContain(`${PROBE_KINDS[kind].location}: error: ${PROBE_ERRORS[error]}`);
    expect(lines[2]!.indexOf('^') - '  Command: '.length).toBe(marked.indexOf('^'));
  });
});

const linesOf = (kind: ProbeKind): string => probeEvents(array, kind).map(probeLines).join('');
test('an event has as many places as lines with its name and arguments', () => {
  removeAll(array, 'kprobe');
  expect(probeCommand(array, 'kprobe', 'p:both vfs_read n=%dx')).toBe(0);
  expect(probeCommand(array, 'kprobe', 'p:both vfs_write n=%dx')).toBe(0);
  expectRefusedBeside('^p:both vfs_write n=%dx', 'SAME_PROBE');
  expectRefusedBeside('^r:both vfs_read n=%dx', 'DIFF_PROBE_TYPE');
  expectRefusedBeside('p:both vfs_fsync_range ^n=%dx:u32', 'DIFF_ARG_TYPE');
  expect(linesOf('kprobe')).toBe('p:kprobes/both vfs_read n=%dx\np:kprobes/both vfs_write n=%dx\n');
  expect(probeCommand(array, 'kprobe', '-:both vfs_read')).toBe(0);
  expect(linesOf('kprobe')).toBe('p:kprobes/both vfs_write n=%dx\n');
  expect(probeCommand(array, 'kprobe', '-:both vfs_read')).toBe(ENOENT);
  expect(probeCommand(array, 'kprobe', '-:kprobes/both')).toBe(0);
  expect(registeredKprobes(m)).toEqual([]);
});
function expectRefusedBeside(marked: string, error: ProbeError): void {
  const command = marked.replace('^', '');
  expect(probeCommand(array, 'kprobe', command)).toBe(EEXIST);
  const lines = array.errors.at(-1)!.split('\n');
  expect(lines[0]).toContain(PROBE_ERRORS[error]);
  expect(lines[2]!.indexOf('^') - '  Command: '.length).toBe(marked.indexOf('^'));
}

test('$arg* and bare arguments are the parameters by their names', () => {
  removeAll(array, 'kprobe');
  expect(probeCommand(array, 'kprobe', 'p:a vfs_read $arg*')).toBe(0);
  expect(probeCommand(array, 'kprobe', 'r:b vfs_read $arg3 $retval')).toBe(0);
  expect(linesOf('kprobe')).toBe(
    'p:kprobes/a vfs_read file=file buf=buf count=count pos=pos\nr:kprobes/b vfs_read count=count arg2=$retval\n',
  );
});

test('an enabled event cannot be removed, and its probe is in the text only while it is enabled', () => {
  removeAll(array, 'kprobe');
  expect(probeCommand(array, 'kprobe', 'p:e vfs_read+9')).toBe(0);
  const [probe] = registeredKprobes(m);
  expect(probe).toMatchObject({ isDisabled: true, isArmed: false });
  const event = array.event('kprobes', 'e')!;
  expect(array.file(event).enable(true)).toBe(0);
  expect(probe).toMatchObject({ isDisabled: false, isArmed: true });
  expect(removeAll(array, 'kprobe')).toBe(EBUSY);
  expect(probeCommand(array, 'kprobe', '-:e')).toBe(EBUSY);
  expect(array.file(event).enable(false)).toBe(0);
  expect(removeAll(array, 'kprobe')).toBe(0);
});

/** A program that reads a file of which the records are known. */
function traced(definitions: readonly string[]): readonly string[] {
  const machine: Machine = machineRunning(
    [
      function* (u) {
        yield u.work(1000);
        const fd = yield u.openat('/data');
        yield u.read(fd, u.buffer(64), 48);
        return 0;
      },
    ],
    { files: [{ path: '/data', size: 100 }] },
  );
  const events = traceArray(machine);
  for (const definition of definitions) expect(probeCommand(events, 'kprobe', definition)).toBe(0);
  for (const event of probeEvents(events, 'kprobe')) events.file(event).enable(true);
  runFor(machine, 5 * MILLISECOND);
  return recordsOf(events.rings)
    .filter(({ pid }) => pid === 1000)
    .map(({ event, data }) => `${event.name} ${event.describe!(events, data)}`);
}
test('arrays, bit fields, texts, symbols and what a function was called with are recorded', () => {
  const lines = traced([
    'p:open do_sys_openat2 name=+0(%si):ustring first=+0(%si):char[3] low=+1(%si):b4@0/8 none=+0(\\0):ustring',
    'r:opened do_sys_openat2 dfd $retval from=filename:ustring',
    'p:read vfs_read count of=file->f_path.dentry->d_name.name:string by=$stack0:symstr',
  ]);
  expect(lines.filter((line) => line.startsWith('open '))).toEqual([
    expect.stringMatching(
      /^open \(do_sys_openat2\+0x4\/\w+\) name="\/data" first=\{'\/','d','a'\} low=4 none=\(fault\)$/,
    ),
  ]);
  expect(lines.filter((line) => line.startsWith('opened '))).toEqual([
    expect.stringMatching(/^opened \(\w+\+\w+\/\w+ <- do_sys_openat2\) dfd=-100 arg2=\d+ from="\/data"$/),
  ]);
  expect(lines.filter((line) => line.startsWith('read '))).toEqual([
    expect.stringMatching(/^read \(vfs_read\+0x4\/\w+\) count=48 of="data" by="ksys_read\+\w+\/\w+"$/),
  ]);
});
