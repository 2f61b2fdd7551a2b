/** The library: the same stages as the command, one function each. */
export { createSource } from '../source/source.ts';
export { renderDiagnostics } from '../source/render.ts';
export { compile } from './compile.ts';
export { runCompiled } from './run.ts';
export { createSimulation } from './simulation.ts';
export { verify } from './verify.ts';
export { VERSION } from './version.ts';
