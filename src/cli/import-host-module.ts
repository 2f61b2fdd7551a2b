/**
 * Imports a module of the user's by its URL. The bundle runs from a code cache, where `import()` does not work: there the build
 * puts the one of the file that starts it.
 */
export const importHostModule = (url: string): Promise<unknown> => import(url);
