import { expect, test } from 'vitest';
import { format } from '../../src/ast/format.ts';
import { printAst } from '../../src/ast/print.ts';
import { parse } from '../../src/parser/parse.ts';
import { createSource } from '../../src/source/source.ts';

function formatted(text: string): string {
  const { program, comments } = parse(createSource('t.bt', text));
  return format(program!, comments);
}

const body = (statement: string): string => formatted(`begin{${statement}}`).split('\n').slice(2, -2).join('\n').trim();

test.each([
  ['$x=1+2*3', '$x = 1 + (2 * 3);'],
  ['$x=(1,2);', '$x = (1, 2);'],
  ['@a[1,"b"]++;', '@a[1, "b"]++;'],
  ['$x = $x + 1', '$x += 1;'],
  ['$x=(uint8)$y->z[ 0 ].1', '$x = (uint8)$y.z[0].1;'],
  ['$x = a&&b&&(c||d)', '$x = a && b && (c || d);'],
  ['let $x:struct a * = 0x1F', 'let $x : struct a* = 0x1F;'],
  ['print((a=1,b=(2,)))', 'print((a=1, b=(2,)));'],
  ['$x = a ? b : c', '$x = a ? b : c;'],
  ['$x = if(a){1}else{2};', '$x = if a { 1 } else { 2 };'],
  ['for($i:0..$n){break;}', 'for $i : 0..($n) {\n    break;\n  }'],
  ['while($i<2){$i++}', 'while ($i < 2) {\n    $i++;\n  }'],
  ['f("\\x41\\xff\\n")', 'f("A\\xff\\n");'],
  ['_=sizeof(struct a)', '_ = sizeof(struct a);'],
  ['f(/* why */ 5 // because\n)', 'f(/* why */ 5 /* because */);'],
])('%s is laid out as %s', (text, expected) => {
  expect(body(text)).toBe(expected);
});

const SCRIPT = `#!/usr/bin/env bpftrace
/* Counts reads.
 * Usage: none. */
#include <linux/sched.h>
struct pair { int a; };
config={max_strlen=64;stack_mode=perf}
let @m=hash(10);

// each read
kprobe:vfs_read,kprobe:vfs_write /pid==1/ { @m[comm]=count(); // trailing

  if(@m[comm]>5){ print("many"); } else if (1) { /* nothing */ } else { exit(); }
  printf("%s %s %s %s %s\\n", "a long argument here", "another long argument", "and one more of them", 1234567);
}
macro twice(x){x+x}
fn add($a:int32,$b:int32):int64{return $a+$b;}
// the end
`;

test('a whole script is laid out with its comments and blank lines', () => {
  expect(formatted(SCRIPT)).toMatchInlineSnapshot(`
    "#!/usr/bin/env bpftrace
    // Counts reads.
    // Usage: none.
    #include <linux/sched.h>
    struct pair { int a; };
    config = {
      max_strlen = 64;
      stack_mode = perf;
    }
    let @m = hash(10);

    // each read
    kprobe:vfs_read,
    kprobe:vfs_write
    /pid == 1/
    {
      @m[comm] = count();
      // trailing

      if (@m[comm] > 5) {
        print("many");
      } else if 1 {
        // nothing
      } else {
        exit();
      }
      printf("%s %s %s %s %s\\n",
             "a long argument here", "another long argument", "and one more of them", 1234567);
    }
    macro twice(x)
    {
      x + x
    }
    fn add($a : int32, $b : int32) : int64
    {
      return ($a + $b);
    }
    // the end
    "
  `);
});

test('formatting twice changes nothing, and the program stays the same', () => {
  const once = formatted(SCRIPT);
  expect(formatted(once)).toBe(once);
  const print = (text: string) => printAst(parse(createSource('t.bt', text)).program!);
  expect(print(once)).toBe(print(SCRIPT));
});
