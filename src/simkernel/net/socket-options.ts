/** Levels and names of setsockopt() and getsockopt() (include/uapi/asm-generic/socket.h, include/uapi/linux/tcp.h). */
export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_REUSEPORT = 15;
export const SO_RCVTIMEO = 20;
export const TCP_NODELAY = 1;
