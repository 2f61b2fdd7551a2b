#!/usr/bin/env node
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';

/**
 * The installed command. Compiling the whole program text is a third of the start-up of a one-liner, so the build leaves
 * V8's code cache beside it. V8 checks version, flags and text itself and compiles as usual when the cache does not fit.
 */
const filename = join(import.meta.dirname, 'cli.cjs');
const cacheFile = `${filename}.cache`;
const script = new Script(readFileSync(filename, 'latin1'), {
  filename,
  ...(existsSync(cacheFile) ? { cachedData: readFileSync(cacheFile) } : {}),
});
const loaded: { exports: { main?: () => Promise<void> } } = { exports: {} };
// Code out of a cache cannot import modules by itself.
const importModule = (specifier: string): Promise<unknown> => import(specifier);
script.runInThisContext()(loaded.exports, createRequire(filename), loaded, importModule);
void loaded.exports.main?.();
