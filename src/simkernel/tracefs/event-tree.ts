import { EINVAL, ENODEV } from '../errno.ts';
import type { EventFile } from './event-file.ts';
import { formatText } from './event.ts';
import { histsText } from './hist/hist-trigger.ts';
import type { TraceArray } from './trace-array.ts';
import { fileNode, flag } from './trace-file.ts';
import type { TraceFile } from './trace-file.ts';
import type { DirectoryNode, FileNode, Node } from './tree.ts';
import { directory } from './tree.ts';
import { removeHists, triggersText, writeTrigger } from './triggers/commands.ts';

/** A file of an event. */
interface EventFileRow {
  readonly mode?: number;
  readonly read: (file: EventFile) => string;
  readonly write?: (file: EventFile, text: string) => number;
  readonly truncate?: (file: EventFile) => void;
}
const EVENT_FILES: Readonly<Record<string, EventFileRow>> = {
  enable: {
    mode: 0o640,
    read: (file) => `${file.enableText}\n`,
    write: (file, text) => flag(text, (on) => file.enable(on)),
  },
  filter: { mode: 0o640, read: (file) => file.filterText, write: (file, text) => file.setFilter(text) },
  format: { read: ({ event }) => formatText(event) },
  hist: { read: histsText },
  id: { read: ({ event }) => `${event.id}\n` },
  trigger: { mode: 0o640, read: triggersText, write: writeTrigger, truncate: removeHists },
};
/** An event may be removed, and defined anew, while one of its files is open: it is looked up when the file is used. */
function eventTree(array: TraceArray, system: string, name: string): Node {
  const use = <T>(gone: T, action: (file: EventFile) => T): T => {
    const event = array.event(system, name);
    return event === undefined ? gone : action(array.file(event));
  };
  const node = ({ mode = 0o444, read, write, truncate }: EventFileRow): FileNode => ({
    kind: 'file',
    mode,
    read: () => use('', read),
    ...(write === undefined ? {} : { write: (text) => use(-ENODEV, (file) => write(file, text)) }),
    ...(truncate === undefined ? {} : { truncate: () => (use(undefined, truncate), 0) }),
  });
  return directory(Object.fromEntries(Object.entries(EVENT_FILES).map(([key, row]) => [key, node(row)])));
}

const SYSTEM_FILTER = `### global filter ###
# Use this to set filters for multiple events.
# Only events with the given fields will be affected.
# If no events are modified, an error message will be displayed here
`;
const BAD_SYSTEM_FILTER = "Couldn't find or set field in one of a subsystem's events";

/** The files of a folder of events. */
function groupFile(pattern: (key: string) => boolean): TraceFile {
  return {
    mode: 0o640,
    read(array) {
      const keys = array.events().map(({ category, name }) => `${category}:${name}`);
      const wanted = keys.filter(pattern);
      const on = new Set(array.enabledEvents());
      const enabled = wanted.filter((key) => on.has(key)).length;
      return enabled === 0 ? '0\n' : enabled === wanted.length ? '1\n' : 'X\n';
    },
    write: (array, text) =>
      flag(text, (on) => {
        for (const { category, name } of array.events())
          if (pattern(`${category}:${name}`)) array.file(array.event(category, name)!).enable(on);
      }),
  };
}
/** A filter for all the events of a system that have its fields. */
function systemFilter(system: string, namesOf: () => readonly string[], mistakes: Map<string, string>): TraceFile {
  return {
    mode: 0o640,
    read: () => mistakes.get(system) ?? SYSTEM_FILTER,
    write(array, written) {
      const text = written.trim();
      mistakes.delete(system);
      const files = namesOf().map((name) => array.file(array.event(system, name)!));
      const fitting = files.filter((file) => text === '0' || file.accepts(text));
      for (const file of fitting) file.setFilter(text);
      if (fitting.length > 0) return 0;
      mistakes.set(system, `${text}\n^\nparse_error: ${BAD_SYSTEM_FILTER}\n`);
      array.logError(`event filter parse error: error: ${BAD_SYSTEM_FILTER}`, text, 0);
      return -EINVAL;
    },
  };
}

/** The folder `events`. */
export function eventsTree(array: TraceArray): DirectoryNode {
  const mistakes = new Map<string, string>();
  const systems = (): ReadonlySet<string> => new Set(array.events().map(({ category }) => category));
  const namesOf = (system: string): readonly string[] =>
    array.events().flatMap(({ category, name }) => (category === system ? [name] : []));
  const systemTree = (system: string): Node => {
    const files: Readonly<Record<string, TraceFile>> = {
      enable: groupFile((key) => key.startsWith(`${system}:`)),
      filter: systemFilter(system, () => namesOf(system), mistakes),
    };
    return {
      kind: 'directory',
      names: () => [...Object.keys(files), ...namesOf(system)],
      find(name) {
        if (Object.hasOwn(files, name)) return fileNode(array, files[name]!);
        return array.event(system, name) === undefined ? undefined : eventTree(array, system, name);
      },
    };
  };
  return {
    kind: 'directory',
    names: () => ['enable', ...systems()],
    find(name) {
      if (name === 'enable')
        return fileNode(
          array,
          groupFile(() => true),
        );
      return systems().has(name) ? systemTree(name) : undefined;
    },
  };
}
