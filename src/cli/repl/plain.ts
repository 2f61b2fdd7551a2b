import { Engine } from '../../repl/engine/engine.ts';
import { Repl } from '../../repl/loop.ts';
import { isWhole } from '../../repl/model/brackets.ts';
import type { Key } from '../../repl/model/keys.ts';
import type { EngineEvent } from '../../repl/protocol.ts';
import { paneRows } from '../../repl/screen/pane-rows.ts';
import type { CliHost } from '../host.ts';
import { performFileEffect } from './effects.ts';
import type { ReplRun } from './on-screen.ts';

const NO_TIME = (): number => 0;
const key = (name: string): Key => ({ kind: 'key', name });
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** More than any pane has: nothing is cut. */
const ALL_ROWS = 1_000_000;
const PANE_COLUMNS = 400;

/** The REPL line by line, for pipes and dumb terminals: a script runs to its end before the next line is read. */
export async function runPlain(run: ReplRun): Promise<number> {
  const session = new PlainSession(run);
  let waiting = '';
  session.prompt(waiting);
  for await (const line of linesOf(run.host)) {
    waiting += waiting === '' ? line : `\n${line}`;
    if (isWhole(waiting)) {
      await session.submit(waiting);
      waiting = '';
    } else if (waiting.trim() === '') waiting = '';
    if (session.isOver) return session.exitCode;
    session.prompt(waiting);
  }
  // What is unfinished is told what is missing.
  if (waiting.trim() !== '') await session.submit(waiting);
  return session.exitCode;
}

async function* linesOf({ stdinChunks }: CliHost): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stdinChunks()) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== '') yield rest;
}

class PlainSession {
  readonly #host: CliHost;
  readonly #engine: Engine;
  readonly #repl: Repl;
  /** Files that are being written. */
  readonly #pending: Promise<void>[] = [];
  #shownLines = 0;
  #wasRefused = false;
  isOver = false;

  constructor({ host, command, history, start, first }: ReplRun) {
    this.#host = host;
    const files = { directory: host.directory ?? '.', history, command };
    this.#engine = new Engine({ ...start, clock: host.clock ?? NO_TIME, post: (event) => this.#answer(event) });
    this.#repl = new Repl(first, {
      send: (request) => this.#engine.handle(request),
      changed: () => undefined,
      perform: (effect, dispatch) => {
        if (effect.kind === 'quit') this.isOver = true;
        else if (effect.kind !== 'redraw') this.#pending.push(performFileEffect(effect, dispatch, files));
      },
    });
    this.#engine.handle({ kind: 'speed', factor: first.speed });
    host.onInterrupt(() => this.#repl.dispatch(key('ctrl-c')));
  }

  get exitCode(): number {
    return this.#wasRefused ? 1 : 0;
  }

  prompt(waiting: string): void {
    if (this.#host.isTerminal) this.#host.stdout(waiting === '' ? '> ' : '. ');
  }

  /** Runs a script or a command to its end. */
  async submit(text: string): Promise<void> {
    const { dispatch } = this.#repl;
    dispatch({ kind: 'paste', text });
    dispatch(key('ctrl-x'));
    while (this.#engine.isRunning) {
      this.#engine.turn();
      await nextTurn();
    }
    await Promise.all(this.#pending.splice(0));
    this.#show();
    // What was refused is still being edited.
    if (this.#repl.model.editor.text !== '') dispatch(key('ctrl-c'));
  }

  #answer(event: EngineEvent): void {
    this.#showNotes();
    if (event.kind === 'output') this.#host[event.stream](event.text);
    if (event.kind === 'refused') {
      this.#wasRefused = true;
      this.#host.stderr(event.rendered);
    }
    this.#repl.answer(event);
    // What scripts print has been shown.
    if (event.kind === 'output') this.#shownLines = this.#repl.model.transcript.length;
  }

  #showNotes(): void {
    const { transcript } = this.#repl.model;
    const notes = transcript.slice(this.#shownLines).filter(({ kind }) => kind === 'note');
    this.#shownLines = transcript.length;
    for (const { text } of notes) this.#host.stderr(`${text}\n`);
  }

  /** What commands said, and the pane that one opened. */
  #show(): void {
    const { model, dispatch } = this.#repl;
    this.#showNotes();
    if (model.message !== '') this.#host.stderr(`${model.message}\n`);
    if (model.pane === undefined) return;
    const rows = paneRows(model, PANE_COLUMNS, ALL_ROWS).slice(1);
    this.#host.stdout(
      rows
        .map(
          (row) =>
            `${row
              .map(({ text }) => text)
              .join('')
              .trimEnd()}\n`,
        )
        .join(''),
    );
    dispatch(key('escape'));
  }
}
