import { PassThrough } from 'node:stream';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
// The machine first: its functions declare each other in an order.
import { createSimulation } from '../../src/pipeline/simulation.ts';
import { labPrompt, LabTerminal } from '../../src/cli/commands/lab-terminal.ts';
import { LabSession } from '../../src/pipeline/lab.ts';

const PROGRAMS = join(import.meta.dirname, '..', 'cases', 'programs');
const TAB = '\t';
const ENTER = '\r';
const UP = '\u001b[A';
const CTRL_A = '\u0001';
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_W = '\u0017';

/** Somebody at a terminal, and what the screen has been sent. */
class Desk {
  readonly input = new PassThrough();
  readonly output = Object.assign(new PassThrough(), { columns: 100, rows: 30 });
  sent = '';
  readonly ended: Promise<number>;

  constructor() {
    this.output.on('data', (chunk: Buffer) => (this.sent += chunk.toString('utf8')));
    const terminal = new LabTerminal(this, false);
    const session = new LabSession({
      simulation: createSimulation({
        scenario: 'idle',
        seed: 1,
        readHostFile: (path) =>
          path === './shapes' ? { bytes: readFileSync(join(PROGRAMS, path)), executable: true } : undefined,
      }),
      interactive: true,
      echo: false,
      print: (text) => void this.output.write(text),
      onPrompt: terminal.onPrompt,
      commands: {},
      loadModule: () => Promise.resolve('there are no modules here'),
    });
    this.ended = terminal.converse(session);
  }
  /** Key by key: Node takes what comes in one piece for pasted text. */
  type(keys: string): void {
    for (const [key] of keys.matchAll(/\u001b\[[A-Z]|[^]/g)) this.input.write(key);
  }
  /** Plain text of what was sent since the last call, once it matches. */
  async shows(expected: RegExp): Promise<string> {
    for (let tries = 0; tries < 500; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const text = this.sent.replace(/\u001b\[[\d;?]*[A-Za-z]/g, '').replaceAll('\r', '');
      if (!expected.test(text)) continue;
      this.sent = '';
      return text;
    }
    throw new Error(`the terminal never showed ${String(expected)}:\n${this.sent}`);
  }
}

describe('the lab at a terminal', () => {
  let desk: Desk;
  beforeEach(async () => {
    desk = new Desk();
    await desk.shows(/^A simulated machine[^]*lab:~# $/);
  });
  afterEach(async () => {
    desk.type(CTRL_C);
    desk.type(CTRL_D);
    await desk.ended;
  });

  test('a command runs, and the prompt knows the directory', async () => {
    desk.type(`cd /sys/kernel/tracing${ENTER}`);
    await desk.shows(/lab:\/sys\/kernel\/tracing# $/);
    desk.type(`cat current_tracer${ENTER}`);
    expect(await desk.shows(/\nnop\nlab:/)).toContain('cat current_tracer');
  });

  test('lines are edited with the keys of a shell', async () => {
    desk.type(`world${CTRL_A}echo hello ${ENTER}`);
    await desk.shows(/\nhello world\n/);
    desk.type(`echo one two${CTRL_W}three${ENTER}`);
    await desk.shows(/\none three\n/);
  });

  test('the arrow key brings earlier lines back, and history lists them', async () => {
    desk.type(`echo first${ENTER}`);
    await desk.shows(/\nfirst\n/);
    desk.type(`${UP}${ENTER}`);
    await desk.shows(/\nfirst\n/);
    desk.type(`history${ENTER}`);
    await desk.shows(/ 1 {2}echo first\n {4}2 {2}echo first\n {4}3 {2}history\n/);
  });

  test('Tab completes commands, subcommands and files', async () => {
    desk.type(`upt${TAB}`);
    await desk.shows(/uptime $/);
    desk.type(`${CTRL_C}perf rec${TAB}`);
    await desk.shows(/perf record $/);
    desk.type(`${CTRL_C}cat /sys/kernel/tracing/kprobe_e${TAB}`);
    await desk.shows(/kprobe_events $/);
    desk.type(`${CTRL_C}cd /sys/kern${TAB}`);
    await desk.shows(/cd \/sys\/kernel\/$/);
    desk.type(CTRL_C);
  });

  test('Ctrl-C ends what runs, and what was to follow it', async () => {
    desk.type(`sleep 100000; echo never${ENTER}`);
    await desk.shows(/echo never\n$/);
    desk.type(CTRL_C);
    expect(await desk.shows(/\^C\nlab:~# $/)).not.toContain('never');
    desk.type(`echo $?${ENTER}`);
    await desk.shows(/\n130\n/);
  });

  test('Ctrl-C ends a loop that would never end', async () => {
    desk.type(`while true; do :; done${ENTER}`);
    await desk.shows(/done\n$/);
    desk.type(CTRL_C);
    await desk.shows(/\^C\nlab:~# $/);
  });

  test('Ctrl-C drops a line, and a command that was begun', async () => {
    desk.type(`echo "unfinished${ENTER}`);
    await desk.shows(/> $/);
    desk.type(`more${CTRL_C}`);
    await desk.shows(/\^C\n ?lab:~# $/);
    desk.type(`echo whole${ENTER}`);
    await desk.shows(/\nwhole\n/);
  });

  test('jobs in the background are left alone by Ctrl-C, and told when they end', async () => {
    desk.type(`sleep 3 &${ENTER}`);
    await desk.shows(/\[1\] \d+\nlab:~# $/);
    desk.type(`${CTRL_C}sleep 10${ENTER}`);
    await desk.shows(/\[1\]\+ {2}Done {20}sleep 3\nlab:~# $/);
  });

  test("a program of one's own runs by its path", async () => {
    desk.type(`./shapes text; echo status $?${ENTER}`);
    await desk.shows(/\norigin: 23, {2}5\.75, 900\ntext\nstatus 23\n/);
  });

  test('exit leaves with a status', async () => {
    desk.type(`exit 3${ENTER}`);
    expect(await desk.ended).toBe(3);
  });
});

test.each([
  ['lab# ', '/root', 'lab:~# '],
  ['lab# ', '/root/work', 'lab:~/work# '],
  ['lab# ', '/rootless', 'lab:/rootless# '],
  ['> ', '/root', '> '],
])('the prompt %j in %s is %j', (text, directory, shown) => {
  expect(labPrompt(text, directory, false)).toBe(shown);
});
