/** What a file may be ready for (include/uapi/linux/eventpoll.h); poll() uses the same bits. */
export const EPOLL = {
  IN: 0x1,
  PRI: 0x2,
  OUT: 0x4,
  ERR: 0x8,
  HUP: 0x10,
  RDNORM: 0x40,
  WRNORM: 0x100,
  RDHUP: 0x2000,
  EXCLUSIVE: 2 ** 28,
  ONESHOT: 2 ** 30,
  EDGE: -(2 ** 31),
} as const;

/** Operations of epoll_ctl(). */
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
/** struct epoll_event, packed on x86-64. */
export const EPOLL_EVENT_SIZE = 12;
