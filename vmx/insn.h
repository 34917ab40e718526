/*
 * The VMX instructions. Each says whether it worked: SDM vol. 3C, "Conventions": VMsucceed clears
 * CF and ZF, VMfailInvalid sets CF, VMfailValid sets ZF. Each survives an exception: STATUS_FAULT;
 * vmread and vmwrite do not.
 */
#ifndef VMX_INSN_H
#define VMX_INSN_H

#include "lib/base.h"
#include "lib/status.h"
#include "x86/fixup.h"

static inline enum status vmx_status(uint64_t fault, bool carry, bool zero)
{
	return fault   ? STATUS_FAULT
	       : carry ? STATUS_VM_FAIL_INVALID
	       : zero  ? STATUS_VM_FAIL_VALID
		       : STATUS_OK;
}

/*
 * SETcc inside the assembly, not two flag outputs: clang 14 may put an instruction that changes
 * the flags between reading the one and the other. fault comes in RAX, which is 0 before.
 */
#define VMX_INSTRUCTION(text)                                                                      \
	"1: " text "; setc %[carry]; setz %[zero]\n"                                               \
	"2:\n\t" FIXUP("1b", "2b")
#define VMX_RESULTS [carry] "=q"(carry), [zero] "=q"(zero), "+a"(fault)

#define VMX_POINTER_INSTRUCTION(name, function)                                                    \
	static inline MUST_USE enum status function(uint64_t address)                              \
	{                                                                                          \
		uint64_t fault = 0;                                                                \
		bool carry, zero;                                                                  \
                                                                                                   \
		__asm__ volatile(VMX_INSTRUCTION(name " %[address]")                               \
				 : VMX_RESULTS                                                     \
				 : [address] "m"(address)                                          \
				 : "memory", "cc");                                                \
		return vmx_status(fault, carry, zero);                                             \
	}

VMX_POINTER_INSTRUCTION("vmclear", vmclear)
VMX_POINTER_INSTRUCTION("vmptrld", vmptrld)
VMX_POINTER_INSTRUCTION("vmxon", vmxon)

static inline MUST_USE enum status vmxoff(void)
{
	uint64_t fault = 0;
	bool carry, zero;

	__asm__ volatile(VMX_INSTRUCTION("vmxoff") : VMX_RESULTS : : "memory", "cc");
	return vmx_status(fault, carry, zero);
}

static inline MUST_USE enum status vmread_try(uint32_t field, uint64_t *value)
{
	uint64_t fault = 0;
	bool carry, zero;

	__asm__ volatile(VMX_INSTRUCTION("vmread %[field], %[value]")
			 : [value] "=r"(*value), VMX_RESULTS
			 : [field] "r"((uint64_t)field)
			 : "memory", "cc");
	return vmx_status(fault, carry, zero);
}

static inline MUST_USE enum status vmwrite_try(uint32_t field, uint64_t value)
{
	uint64_t fault = 0;
	bool carry, zero;

	__asm__ volatile(VMX_INSTRUCTION("vmwrite %[value], %[field]")
			 : VMX_RESULTS
			 : [field] "r"((uint64_t)field), [value] "r"(value)
			 : "memory", "cc");
	return vmx_status(fault, carry, zero);
}

/* A field that this processor must have: its failure is our error, counted and reported. */
void vmx_access_failed(uint32_t field);

static inline uint64_t vmread(uint32_t field)
{
	uint64_t value;

	__asm__ goto("vmread %1, %0\n\tjbe %l[failed]" /* CF or ZF */
		     : "=r"(value)
		     : "r"((uint64_t)field)
		     : "memory", "cc"
		     : failed);
	return value;
failed:
	vmx_access_failed(field);
	return 0;
}

static inline void vmwrite(uint32_t field, uint64_t value)
{
	__asm__ goto("vmwrite %1, %0\n\tjbe %l[failed]"
		     :
		     : "r"((uint64_t)field), "r"(value)
		     : "memory", "cc"
		     : failed);
	return;
failed:
	vmx_access_failed(field);
}

struct invept_descriptor {
	uint64_t eptp, zero;
};

struct invvpid_descriptor {
	uint64_t vpid, linear;
};

enum { INVALIDATE_SINGLE = 1, INVALIDATE_ALL = 2 };

#define VMX_INVALIDATE(name, function)                                                             \
	static inline MUST_USE enum status function(uint64_t type,                                 \
						    struct function##_descriptor descriptor)       \
	{                                                                                          \
		uint64_t fault = 0;                                                                \
		bool carry, zero;                                                                  \
                                                                                                   \
		__asm__ volatile(VMX_INSTRUCTION(name " %[descriptor], %[type]")                   \
				 : VMX_RESULTS                                                     \
				 : [type] "r"(type), [descriptor] "m"(descriptor)                  \
				 : "memory", "cc");                                                \
		return vmx_status(fault, carry, zero);                                             \
	}

VMX_INVALIDATE("invept", invept)
VMX_INVALIDATE("invvpid", invvpid)

#endif
