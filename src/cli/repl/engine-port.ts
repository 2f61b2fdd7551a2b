import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { EngineOptions } from '../../repl/engine/engine.ts';
import type { EngineEvent, EngineRequest } from '../../repl/protocol.ts';

/** What an engine is made with, as far as another thread can be told. */
export type EngineStart = Omit<EngineOptions, 'post' | 'clock'>;

export interface EnginePort {
  readonly send: (request: EngineRequest) => void;
  readonly close: () => void;
}

const BUNDLED_WORKER = new URL('./repl-worker.js', import.meta.url);

/** An engine in a thread of its own, so that no key waits for it; in this thread where the sources run as they are. */
export async function startEngine(
  start: EngineStart,
  clock: () => number,
  post: (event: EngineEvent) => void,
): Promise<EnginePort> {
  if (existsSync(fileURLToPath(BUNDLED_WORKER))) return startWorker(start, post);
  const { EngineDriver } = await import('../../repl/engine/drive.ts');
  const driver = new EngineDriver({ ...start, clock, post });
  return { send: driver.send, close: () => undefined };
}

function startWorker(start: EngineStart, post: (event: EngineEvent) => void): EnginePort {
  const worker = new Worker(BUNDLED_WORKER, { workerData: start });
  worker.on('message', post);
  worker.on('error', (error) => post({ kind: 'broken', message: error.message }));
  return { send: (request) => worker.postMessage(request), close: () => void worker.terminate() };
}
