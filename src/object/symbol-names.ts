/** Names of BTF types end in the kernel's buffers of 128 bytes (KSYM_NAME_LEN); a number may follow ours. */
const MAX_LENGTH = 120;

/** Hands out names that are valid symbols and identifiers of BTF, each once. */
export class SymbolNames {
  readonly #taken = new Set<string>();

  take(wanted: string): string {
    const base = wanted
      .replace(/[^\w.]/g, '_')
      .replace(/^(?=\d|$)/, '_')
      .slice(0, MAX_LENGTH);
    let name = base;
    for (let count = 2; this.#taken.has(name); count++) name = `${base}_${count}`;
    this.#taken.add(name);
    return name;
  }
}
