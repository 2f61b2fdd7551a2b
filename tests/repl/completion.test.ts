import { describe, expect, test } from 'vitest';
import { complete } from '../../src/repl/complete/complete.ts';
import { createSimulation } from '../../src/pipeline/simulation.ts';
import { createTestRepl } from './harness.ts';

const { target } = createSimulation({ scenario: 'server', seed: 1 });

/** What is offered at the `|` of a text. */
function offered(marked: string): readonly string[] {
  const cursor = marked.indexOf('|');
  const text = marked.slice(0, cursor) + marked.slice(cursor + 1);
  return complete(text, cursor, target, undefined).items.map((item) => item.text);
}

describe('what may stand at a place', () => {
  test.each<[string, readonly string[]]>([
    ['kpr|', ['kprobe:']],
    ['kprobe:vfs_rea|', ['vfs_read', 'vfs_readlink', 'vfs_readv']],
    ['k:vfs_rea|', ['vfs_read', 'vfs_readlink', 'vfs_readv']],
    ['tracepoint:raw_sy|', ['raw_syscalls:']],
    ['tracepoint:raw_syscalls:|', ['sys_enter', 'sys_exit']],
    ['kprobe:vfs_read, kprobe:vfs_writev|', ['vfs_writev']],
    ['interval:|', ['hz', 's', 'ms', 'us']],
    ['software:page|', ['page-faults:']],
    ['begin { lhi|', ['lhist(']],
    ['begin { @x = ela|', ['elapsed']],
    ['begin { unr|', ['unroll']],
    ['begin { $total = 1; $size = 2; print($to|', ['$total']],
    ['kprobe:f { @reads[comm] = count(); } end { print(@r|', ['@reads']],
    ['tracepoint:block:block_rq_issue { @ = hist(args.by|', ['bytes']],
    ['tracepoint:block:block_rq_issue /args.nr_|', ['nr_sector']],
    ['kprobe:vfs_read { $f = (struct file *)arg0; if ($f->f_pos_l|', ['f_pos_lock']],
    ['kprobe:vfs_read { printf("%s", str(((struct file *)arg0)->f_path.dentry->d_name.na|', ['name']],
    ['struct mine { int alpha; int beta; } kprobe:vfs_read { $m = (struct mine *)arg0; $m->al|', ['alpha']],
    ['kprobe:broken { @ = nonsense(; } kprobe:vfs_read { curtask->real_par|', ['real_parent']],
    ['fentry:vfs_read { args.coun|', ['count']],
    ['begin { $x = (struct task_struc|', ['task_struct', 'task_struct__safe_rcu']],
    ['config = { max_cat|', ['max_cat_bytes']],
    ['begin { printf("com|', []],
    ['begin { // com|', []],
    ['begin { $x = 12|', []],
  ])('%s: %j', (marked, expected) => {
    expect(offered(marked)).toEqual(expected);
  });

  test('names that begin with what is typed come before those that contain it', () => {
    const names = offered('kprobe:schedule_|');
    const firstOther = names.findIndex((name) => !name.startsWith('schedule_'));
    expect(firstOther).toBeGreaterThan(1);
    expect(names.slice(firstOther).every((name) => name.includes('schedule_') && !name.startsWith('schedule_'))).toBe(
      true,
    );
  });

  test('a function of the kernel shows its parameters', () => {
    const [first] = complete('kprobe:vfs_rea', 14, target, undefined).items;
    expect(first).toEqual({
      text: 'vfs_read',
      detail: 'struct file *file, char *buf, size_t count, loff_t *pos',
    });
  });
});

describe('Tab', () => {
  test('puts in what all have in common, then one after the other', () => {
    const repl = createTestRepl();
    repl.type('kprobe:vfs_rea');
    repl.type('\t');
    expect(repl.model().editor.text).toBe('kprobe:vfs_read');
    repl.type('\t\t');
    expect(repl.model().editor.text).toBe('kprobe:vfs_readlink');
    repl.type('\u001b[Z\u001b[Z');
    expect(repl.model().editor.text).toBe('kprobe:vfs_readv');
    repl.type('\r');
    expect(repl.model().editor.text).toBe('kprobe:vfs_readv');
    expect(repl.model().completion).toBeUndefined();
  });

  test('leads from the kind of a probe to its name without another key', () => {
    const repl = createTestRepl();
    repl.type('tracep\traw_sy\tsys_en\t');
    expect(repl.model().editor.text).toBe('tracepoint:raw_syscalls:sys_enter');
  });

  test('completes commands and what they take', () => {
    const repl = createTestRepl();
    repl.type(':scen\t');
    expect(repl.model().editor.text).toBe(':scenario');
    repl.type(' id\t');
    expect(repl.model().editor.text).toBe(':scenario idle');
  });

  test('Esc gives back what was typed', () => {
    const repl = createTestRepl();
    repl.type('kprobe:vfs_read\t\t');
    repl.type('\u001b');
    expect(repl.model().editor.text).toBe('kprobe:vfs_read');
    expect(repl.model().completion).toBeUndefined();
  });
});
