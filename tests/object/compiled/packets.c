/*
 * What clang makes of maps, constants, data, static and global functions and a callback. The object beside this file:
 *
 *   clang -O2 -g -target bpf -mcpu=v3 -c packets.c -o packets.o && llvm-objcopy --strip-debug packets.o
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct entry {
	__u64 packets;
	char label[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct entry);
} entries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

const volatile int limit = 7;
int total = 3;
int zeroes[4];

static __attribute__((noinline)) int twice(int x)
{
	asm volatile("" : "+r"(x));
	return x * 2;
}

__attribute__((noinline)) int thrice(int x)
{
	asm volatile("" : "+r"(x));
	return twice(x) + x;
}

static long step(__u32 i, void *ctx)
{
	total += i;
	return 0;
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 key = 1;
	struct entry *entry = bpf_map_lookup_elem(&entries, &key);

	if (entry)
		__sync_fetch_and_add(&entry->packets, 1);
	zeroes[1] += twice(limit);
	bpf_loop(4, step, 0, 0);
	return thrice(zeroes[1]) + total;
}

SEC("xdp")
int second(struct xdp_md *ctx)
{
	return total + twice(4);
}

SEC("kprobe/vfs_read")
int on_read(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
