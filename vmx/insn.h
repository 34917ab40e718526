/*
 * The VMX instructions. Each says whether it worked: SDM vol. 3C, "Conventions": VMsucceed clears
 * CF and ZF, VMfailInvalid sets CF, VMfailValid sets ZF.
 */
#ifndef VMX_INSN_H
#define VMX_INSN_H

#include "lib/base.h"
#include "lib/status.h"

static inline enum status vmx_status(bool carry, bool zero)
{
	return carry ? STATUS_VM_FAIL_INVALID : zero ? STATUS_VM_FAIL_VALID : STATUS_OK;
}

/*
 * SETcc inside the assembly, not two flag outputs: clang 14 may put an instruction that changes
 * the flags between reading the one and the other.
 */

#define VMX_POINTER_INSTRUCTION(name)                                                              \
	static inline MUST_USE enum status name(uint64_t address)                                  \
	{                                                                                          \
		bool carry, zero;                                                                  \
                                                                                                   \
		__asm__ volatile(#name " %2; setc %0; setz %1"                                     \
				 : "=q"(carry), "=q"(zero)                                         \
				 : "m"(address)                                                    \
				 : "memory", "cc");                                                \
		return vmx_status(carry, zero);                                                    \
	}

VMX_POINTER_INSTRUCTION(vmclear)
VMX_POINTER_INSTRUCTION(vmptrld)

static inline MUST_USE enum status vmread_try(uint32_t field, uint64_t *value)
{
	bool carry, zero;

	__asm__ volatile("vmread %3, %0; setc %1; setz %2"
			 : "=r"(*value), "=q"(carry), "=q"(zero)
			 : "r"((uint64_t)field)
			 : "memory", "cc");
	return vmx_status(carry, zero);
}

static inline MUST_USE enum status vmwrite_try(uint32_t field, uint64_t value)
{
	bool carry, zero;

	__asm__ volatile("vmwrite %3, %2; setc %0; setz %1"
			 : "=q"(carry), "=q"(zero)
			 : "r"((uint64_t)field), "r"(value)
			 : "memory", "cc");
	return vmx_status(carry, zero);
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

static inline MUST_USE enum status invept(uint64_t type, struct invept_descriptor descriptor)
{
	bool carry, zero;

	__asm__ volatile("invept %3, %2; setc %0; setz %1"
			 : "=q"(carry), "=q"(zero)
			 : "r"(type), "m"(descriptor)
			 : "memory", "cc");
	return vmx_status(carry, zero);
}

static inline MUST_USE enum status invvpid(uint64_t type, struct invvpid_descriptor descriptor)
{
	bool carry, zero;

	__asm__ volatile("invvpid %3, %2; setc %0; setz %1"
			 : "=q"(carry), "=q"(zero)
			 : "r"(type), "m"(descriptor)
			 : "memory", "cc");
	return vmx_status(carry, zero);
}

/* Survive #UD and #GP: STATUS_FAULT. In entry.S, with their fix-ups. */
MUST_USE enum status vmxon_try(uint64_t address);
MUST_USE enum status vmxoff_try(void);
MUST_USE enum status rdmsr_try(uint32_t msr, uint64_t *value);
MUST_USE enum status wrmsr_try(uint32_t msr, uint64_t value);

#endif
