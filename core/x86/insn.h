/* The instructions that C lacks, as the SDM spells them. None of these wrappers survives a fault
 * but those that return a status. */
#ifndef CORE_X86_INSN_H
#define CORE_X86_INSN_H

#include "lib/base.h"
#include "lib/status.h"
#include "x86/descriptor.h"
#include "x86/fixup.h"

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

/* STATUS_FAULT: the processor has no such MSR, or refuses the value. */
static inline MUST_USE enum status rdmsr_try(uint32_t msr, uint64_t *value)
{
	uint64_t fault, read;

	__asm__ volatile("1: rdmsr\n\t"
			 "shl $32, %%rdx\n\t"
			 "or %%rax, %%rdx\n\t"
			 "xor %%eax, %%eax\n"
			 "2:\n\t" FIXUP("1b", "2b")
			 : "=a"(fault), "=d"(read)
			 : "c"(msr)
			 : "cc");
	if (fault)
		return STATUS_FAULT;
	*value = read;
	return STATUS_OK;
}

static inline MUST_USE enum status wrmsr_try(uint32_t msr, uint64_t value)
{
	uint64_t fault = (uint32_t)value;

	__asm__ volatile("1: wrmsr\n\t"
			 "xor %%eax, %%eax\n"
			 "2:\n\t" FIXUP("1b", "2b")
			 : "+a"(fault)
			 : "c"(msr), "d"((uint32_t)(value >> 32))
			 : "memory", "cc");
	return fault ? STATUS_FAULT : STATUS_OK;
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

#define X86_REGISTER(name)                                                                         \
	static inline uint64_t read_##name(void)                                                   \
	{                                                                                          \
		uint64_t value;                                                                    \
                                                                                                   \
		__asm__ volatile("mov %%" #name ", %0" : "=r"(value)::"memory");                   \
		return value;                                                                      \
	}                                                                                          \
	static inline void write_##name(uint64_t value)                                            \
	{                                                                                          \
		__asm__ volatile("mov %0, %%" #name ::"r"(value) : "memory");                      \
	}

X86_REGISTER(cr0)
X86_REGISTER(cr2)
X86_REGISTER(cr3)
X86_REGISTER(cr4)
X86_REGISTER(cr8)
X86_REGISTER(dr0)
X86_REGISTER(dr1)
X86_REGISTER(dr2)
X86_REGISTER(dr3)
X86_REGISTER(dr6)
X86_REGISTER(dr7)
#undef X86_REGISTER

static inline uint64_t xgetbv(uint32_t index)
{
	uint32_t low, high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(index));
	return (uint64_t)high << 32 | low;
}

static inline void xsetbv(uint32_t index, uint64_t value)
{
	__asm__ volatile("xsetbv" ::"c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

static inline uint64_t read_rflags(void)
{
	uint64_t value;

	__asm__ volatile("pushfq; pop %0" : "=r"(value)::"memory");
	return value;
}

static inline void interrupts_off(void)
{
	__asm__ volatile("cli" ::: "memory");
}

static inline void interrupts_on(void)
{
	__asm__ volatile("sti" ::: "memory");
}

/* For a machine check that was taken elsewhere, as by a VM exit: our handler is to have it. */
static inline void raise_machine_check(void)
{
	__asm__ volatile("int $18" ::: "memory");
}

/* Ends the blocking of NMIs, as every IRET does. unblock_nmi.S */
void unblock_nmi(void);

/* Takes the interrupts that wait: STI holds them back for one instruction. */
static inline void interrupts_take(void)
{
	__asm__ volatile("sti; nop; cli" ::: "memory");
}

static inline struct descriptor_table sgdt(void)
{
	struct descriptor_table table;

	__asm__ volatile("sgdt %0" : "=m"(table));
	return table;
}

static inline struct descriptor_table sidt(void)
{
	struct descriptor_table table;

	__asm__ volatile("sidt %0" : "=m"(table));
	return table;
}

static inline uint8_t port_read(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline void port_write(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

#endif
