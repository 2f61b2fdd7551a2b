import { Repl } from '../../repl/loop.ts';
import { KeyDecoder } from '../../repl/model/keys.ts';
import type { Model } from '../../repl/model/model.ts';
import type { Command } from '../golden/run-case.ts';
import type { CliHost } from '../host.ts';
import type { Terminal } from '../terminal.ts';
import { performFileEffect } from './effects.ts';
import { startEngine, type EngineStart } from './engine-port.ts';
import type { HistoryFile } from './history-file.ts';

export interface ReplRun {
  readonly host: CliHost;
  readonly command: Command;
  readonly history: HistoryFile;
  readonly start: EngineStart;
  readonly first: Model;
}

/** How long an escape waits for what makes it another key. */
const ESCAPE_WAIT_MS = 30;
const NO_TIME = (): number => 0;

/** The REPL on a terminal, until somebody leaves. */
export async function runOnScreen({
  host,
  terminal,
  command,
  history,
  start,
  first,
}: ReplRun & { readonly terminal: Terminal }): Promise<number> {
  // Loaded only here: nothing else needs React, which checks its callers all the time unless it is told not to.
  process.env['NODE_ENV'] ??= 'production';
  const { mount } = await import('../../repl/view/mount.tsx');
  const view = mount(first, terminal.write);
  let leave = (): void => undefined;
  const left = new Promise<void>((resolve) => (leave = resolve));
  const files = { directory: host.directory ?? '.', history, command };
  const engine = await startEngine(start, host.clock ?? NO_TIME, (event) => repl.answer(event));
  const repl = new Repl(first, {
    send: engine.send,
    changed: view.show,
    perform(effect, dispatch) {
      if (effect.kind === 'quit') leave();
      else if (effect.kind === 'redraw') view.redraw();
      else void performFileEffect(effect, dispatch, files);
    },
  });
  engine.send({ kind: 'machine', settings: first.settings });
  if (first.speed !== 1) engine.send({ kind: 'speed', factor: first.speed });
  readKeys(terminal, repl);
  terminal.onResize(() => repl.dispatch({ kind: 'resize', ...terminal.size() }));
  await left;
  engine.close();
  view.unmount();
  terminal.close();
  return 0;
}

function readKeys(terminal: Terminal, { dispatch }: Repl): void {
  const decoder = new KeyDecoder();
  let timer: ReturnType<typeof setTimeout> | undefined;
  terminal.onInput((chunk) => {
    clearTimeout(timer);
    decoder.push(chunk).forEach(dispatch);
    if (decoder.isWaiting) timer = setTimeout(() => decoder.flush().forEach(dispatch), ESCAPE_WAIT_MS);
  });
}
