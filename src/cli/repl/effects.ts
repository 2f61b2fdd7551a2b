import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { HostEffect } from '../../repl/loop.ts';
import type { ReplEvent } from '../../repl/model/model.ts';
import { commandOf, type GoldenCase } from '../golden/case.ts';
import { capture, type Command } from '../golden/run-case.ts';
import { recordCase } from '../golden/update.ts';
import { reason } from '../commands/script.ts';
import type { HistoryFile } from './history-file.ts';

type Dispatch = (event: ReplEvent) => void;

/** What files have to do with the REPL: scripts are loaded and saved, golden cases recorded, entries remembered. */
export async function performFileEffect(
  effect: Exclude<HostEffect, { readonly kind: 'redraw' | 'quit' }>,
  dispatch: Dispatch,
  {
    directory,
    history,
    command,
  }: { readonly directory: string; readonly history: HistoryFile; readonly command: Command },
): Promise<void> {
  switch (effect.kind) {
    case 'remember':
      return history.append(effect.entry);
    case 'load':
      return orFailure(dispatch, effect.path, () => {
        const text = readFileSync(resolve(directory, effect.path), 'utf8').replace(/\n+$/, '');
        dispatch({ kind: 'loaded', path: effect.path, text });
      });
    case 'load-scenario':
      return orFailure(dispatch, effect.path, () => {
        const yaml = readFileSync(resolve(directory, effect.path), 'utf8');
        dispatch({ kind: 'scenario-loaded', path: effect.path, yaml });
      });
    case 'save':
      return orFailure(dispatch, effect.path, () => {
        writeFileSync(resolve(directory, effect.path), effect.text);
        dispatch({ kind: 'done', message: `saved ${effect.path}` });
      });
    case 'golden':
      return recordGolden(effect, dispatch, directory, command);
  }
}

function orFailure(dispatch: Dispatch, path: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    dispatch({ kind: 'failed', message: `${path}: ${reason(error)}` });
  }
}

/** Runs the script as `tsbpftrace golden` would, on a machine of its own, and records what it prints. */
async function recordGolden(
  { name, text }: { readonly name: string; readonly text: string },
  dispatch: Dispatch,
  directory: string,
  command: Command,
): Promise<void> {
  const base = resolve(directory, name.replace(/\.bt$/, ''));
  const script = `${base}.bt`;
  try {
    if (existsSync(script)) throw new Error('it is there already');
    writeFileSync(script, text);
    const found: GoldenCase = { name: script, script, base };
    const { args, ...place } = commandOf(found);
    recordCase(found, await capture(command, { ...place, args: ['--jit=interp', ...args] }));
    dispatch({
      kind: 'done',
      message: `recorded ${name.replace(/\.bt$/, '')}.bt with what it prints; tsbpftrace golden compares`,
    });
  } catch (error) {
    const why = error instanceof Error && !('code' in error) ? error.message : reason(error);
    dispatch({ kind: 'failed', message: `${script}: ${why}` });
  }
}
