import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MOST_ENTRIES } from '../../repl/model/history.ts';

/** Scripts of earlier days, a line of JSON each, as they may have several lines. */
export interface HistoryFile {
  readonly read: () => readonly string[];
  readonly append: (entry: string) => void;
}

/** Where the XDG base directory specification puts what programs remember. */
function historyPath(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const own = env['TSBPFTRACE_HISTORY'];
  if (own !== undefined) return own === '' ? undefined : own;
  const state = env['XDG_STATE_HOME'] ?? (env['HOME'] === undefined ? undefined : join(env['HOME'], '.local', 'state'));
  return state === undefined ? undefined : join(state, 'tsbpftrace', 'history');
}

/** The history of this user; a file that cannot be read or written is done without. */
export function openHistory(env: Readonly<Record<string, string | undefined>>): HistoryFile {
  const path = historyPath(env);
  if (path === undefined) return { read: () => [], append: () => undefined };
  return {
    read() {
      const entries = attempt(() => readFileSync(path, 'utf8').split('\n').flatMap(parseEntry)) ?? [];
      const kept = entries.slice(-MOST_ENTRIES);
      if (kept.length < entries.length) attempt(() => writeFileSync(path, kept.map(line).join('')));
      return kept;
    },
    append(entry) {
      attempt(() => {
        mkdirSync(dirname(path), { recursive: true });
        // Scripts may hold what is nobody else's business.
        appendFileSync(path, line(entry), { mode: 0o600 });
      });
    },
  };
}

const line = (entry: string): string => `${JSON.stringify(entry)}\n`;

function parseEntry(text: string): readonly string[] {
  const entry: unknown = attempt(() => JSON.parse(text) as unknown);
  return typeof entry === 'string' ? [entry] : [];
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
