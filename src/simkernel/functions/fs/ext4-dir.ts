import { kernelFunction } from '../../execution/kernel-function.ts';
import type { Result } from '../../execution/pending.ts';
import type { DirectoryContext, File, FileOperations } from '../../fs/file.ts';

const PER_ENTRY_NS = 18;

/** The entries of a directory from a position on, as every file system here lists them. */
export function listEntries(spend: (ns: number) => void, file: File, context: DirectoryContext): void {
  const { dentry } = file.path;
  const entries = [
    ['.', dentry.inode] as const,
    ['..', (dentry.parent ?? dentry).inode] as const,
    ...[...dentry.children.values()].map((child) => [child.name, child.inode] as const),
  ];
  while (context.position < entries.length) {
    const [name, inode] = entries[context.position]!;
    spend(PER_ENTRY_NS);
    if (!context.emit(name, inode)) return;
    context.position += 1;
  }
}
const ext4Readdir = kernelFunction('ext4_readdir', 120, (m, file: File, context: DirectoryContext): Result => {
  listEntries((ns) => m.spend(ns), file, context);
  return 0;
});
export const ext4ReaddirOperations: FileOperations = {
  iterate: (m, file, context) => ext4Readdir(m, file, context),
};
