/*
 * What a program asks of the running kernel's types (CO-RE). The object beside this file:
 *
 *   clang -O2 -g -target bpf -mcpu=v3 -c core.c -o core.o && llvm-objcopy --strip-debug core.o
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct inner {
	int first;
	int second;
} __attribute__((preserve_access_index));

/* The kernel's has other members in front, `second` and `parent` in an anonymous struct, and a wider `state`. */
struct task___old {
	unsigned int state;
	struct inner pair[3];
	struct task___old *parent;
	int gone;
	unsigned int low : 3, flag : 5;
} __attribute__((preserve_access_index));

struct nowhere {
	int x;
} __attribute__((preserve_access_index));

enum color___old { RED = 10, GREEN = 11, BLUE = 12 };

SEC("raw_tp")
int offsets(void *ctx)
{
	struct task___old *task = (void *)bpf_get_current_task();
	struct task___old *parent = BPF_CORE_READ(task, parent);

	return BPF_CORE_READ(parent, pair[2].second);
}

SEC("raw_tp")
int questions(void *ctx)
{
	struct task___old *task = (void *)bpf_get_current_task();
	int sum = 0;

	if (bpf_core_field_exists(task->gone))
		sum += 1;
	if (bpf_core_field_exists(task->parent))
		sum += 2;
	if (bpf_core_type_exists(struct nowhere))
		sum += 4;
	if (bpf_core_enum_value_exists(enum color___old, BLUE))
		sum += 8;
	sum += bpf_core_field_size(task->pair) << 8;
	sum += bpf_core_type_size(struct task___old) << 16;
	return sum + bpf_core_enum_value(enum color___old, GREEN);
}

SEC("raw_tp")
int bits(void *ctx)
{
	struct task___old *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ_BITFIELD_PROBED(task, flag);
}

SEC("fentry/f")
int direct(struct task___old **ctx)
{
	return ctx[0]->state;
}

SEC("raw_tp")
int lost(void *ctx)
{
	struct nowhere *nowhere = (void *)bpf_get_current_task();

	return BPF_CORE_READ(nowhere, x);
}

char LICENSE[] SEC("license") = "GPL";
