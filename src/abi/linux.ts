/** Numbers of Linux that a script's programs are compiled with and user space reads their results by. */
export const TASK_COMM_LEN = 16;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const PAGE_SIZE = 4096;
