import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CliHost } from '../host.ts';
import type { CliConfig } from '../options.ts';
import { writeWhole } from '../output.ts';
import { CommandFailure, reason } from './script.ts';

/** Where a run's results go. */
export interface Sink {
  readonly write: (bytes: Uint8Array | string) => void;
  readonly close: () => void;
}

/** What `-B full` collects before it writes. */
const BUFFER_BYTES = 65_536;

/** Standard output or the file of -o, buffered as -B says. */
export function openSink(config: CliConfig, host: CliHost): Sink {
  const sink =
    config.output === undefined ? { write: host.stdout, close: () => undefined } : openFile(config.output, host);
  // Each write is one action's whole output: there is nothing between `line` and `none` to wait for.
  return config.buffering === 'full' ? buffered(sink) : sink;
}

function openFile(path: string, host: CliHost): Sink {
  const attempt = <T>(what: string, action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw new CommandFailure(`Failed to ${what} output file: "${path}": ${reason(error)}`);
    }
  };
  const file = attempt('open', () => openSync(resolve(host.directory ?? '.', path), 'w'));
  return {
    write: (bytes) => attempt('write', () => writeWhole(file, bytes)),
    close: () => attempt('close', () => closeSync(file)),
  };
}

function buffered(sink: Sink): Sink {
  let waiting: Buffer[] = [];
  let bytes = 0;
  const flush = (): void => {
    const all = Buffer.concat(waiting);
    // Taken out first: what could not be written is not tried again at the end.
    waiting = [];
    bytes = 0;
    sink.write(all);
  };
  return {
    write(more) {
      const chunk = Buffer.from(more);
      waiting.push(chunk);
      bytes += chunk.length;
      if (bytes >= BUFFER_BYTES) flush();
    },
    close() {
      flush();
      sink.close();
    },
  };
}
