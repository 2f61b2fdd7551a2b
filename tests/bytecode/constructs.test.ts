import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generateIr } from '../../src/bytecode/generate.ts';
import { listBytecode } from '../../src/bytecode/listing.ts';
import { printIr } from '../../src/bytecode/print-ir.ts';
import { verifyProgram } from '../../src/verifier/verify.ts';
import { compileScript, typed } from './compile-script.ts';

/** One script a construct, beside what it compiles to. */
const FOLDER = join(import.meta.dirname, 'constructs');
const files = readdirSync(FOLDER);
const names = files.filter((file) => file.endsWith('.bt')).map((file) => file.slice(0, -'.bt'.length));
const read = (name: string): string => readFileSync(join(FOLDER, `${name}.bt`), 'utf8');

test.each(names)('%s compiles to the recorded bytecode', async (name) => {
  const { image, diagnostics } = compileScript(read(name));
  expect(diagnostics).toEqual([]);
  const listing = image.programs.map((program) => listBytecode(program, image.maps)).join('\n');
  await expect(listing).toMatchFileSnapshot(join(FOLDER, `${name}.bytecode`));
});

test.each(names)('the verifier accepts %s', (name) => {
  const { image } = compileScript(read(name));
  for (const program of image.programs) {
    const result = verifyProgram(program, image.maps);
    expect(result.verdict === 'accept' ? 'accept' : result.message).toBe('accept');
  }
});

test('every recorded listing has a script', () => {
  const listed = files.filter((file) => file.endsWith('.bytecode')).map((file) => file.slice(0, -'.bytecode'.length));
  expect(listed.filter((name) => !names.includes(name))).toEqual([]);
});

test('the intermediate representation prints with values, blocks and script lines', () => {
  const { programs, maps } = generateIr(typed('kprobe:vfs_read {\n  @[tid] = arg2;\n}\n'));
  const text = programs.map((program) => printIr(program, maps)).join('');
  expect(text.replace(/\.\d+/g, '')).toMatchInlineSnapshot(`
    "function kprobe_vfs_read_1
      slot key: 4 bytes
      slot int: 8 bytes
    b0:
      ; 1:1: kprobe:vfs_read
      %0 = param 0
      ; 2:12: arg2
      %1 = load u64 [%0 + 96]
      ; 2:5: tid
      %2 = call get_current_pid_tgid()
      ; 2:3: @[tid] = arg2
      store u32 [key], %2
      store u64 [int], %1
      %3 = map AT_
      %4 = &key
      %5 = &int
      %6 = call map_update_elem(%3, %4, %5, 0)
      if %6 s< 0 goto b1 else b3
    b1:
      %7 = map ringbuf
      %8 = call ringbuf_reserve(%7, 16, 0)
      if %8 != 0 goto b2 else b3
    b2:
      store u64 [%8], 0
      store u32 [%8 + 8], %6
      %9 = call ringbuf_submit(%8, 0)
      goto b3
    b3:
      ; 1:1: kprobe:vfs_read
      return 0
    "
  `);
});
