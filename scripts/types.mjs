// Writes the declarations of the library into dist/types: of all files those that its exports lead to. Runs before packing.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'src');
const outDir = join(root, 'dist/types');
const entry = join(sources, 'pipeline/api.ts');

const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
const emit = { noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: sources, outDir };
const program = ts.createProgram([entry], { ...options, ...emit });
const declarations = new Map();
program.emit(undefined, (path, text) => declarations.set(resolve(path), text));

rmSync(outDir, { recursive: true, force: true });
const written = new Set();
function write(path) {
  if (written.has(path)) return;
  written.add(path);
  // A declaration is found by the name that the file would have as JavaScript, whatever the user's compiler allows.
  const text = declarations.get(path).replace(/(from |import\()(['"])(\.[^'"]+)\.tsx?\2/g, '$1$2$3.js$2');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  for (const [, specifier] of text.matchAll(/(?:from |import\()['"](\.[^'"]+)\.js['"]/g)) {
    write(resolve(dirname(path), `${specifier}.d.ts`));
  }
}
write(join(outDir, `${relative(sources, entry).slice(0, -'.ts'.length)}.d.ts`));
