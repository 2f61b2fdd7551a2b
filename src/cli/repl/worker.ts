import { parentPort, workerData } from 'node:worker_threads';
import { EngineDriver } from '../../repl/engine/drive.ts';
import type { EngineRequest } from '../../repl/protocol.ts';
import type { EngineStart } from './engine-port.ts';

/** The engine's thread. */
const driver = new EngineDriver({
  ...(workerData as EngineStart),
  clock: () => Number(process.hrtime.bigint()) / 1e9,
  post: (event) => parentPort!.postMessage(event),
});
parentPort!.on('message', (request: EngineRequest) => driver.send(request));
