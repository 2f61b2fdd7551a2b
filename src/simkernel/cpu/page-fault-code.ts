/** What the CPU pushes with a page fault (arch/x86/include/asm/trap_pf.h): not a missing page, a write, from user mode. */
export const X86_PF_PROT = 1;
export const X86_PF_WRITE = 2;
export const X86_PF_USER = 4;
