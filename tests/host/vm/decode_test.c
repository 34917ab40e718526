/*
 * The decoder against libzydis over generated encodings, and the execution of what it decodes
 * against the processor that this test runs on.
 */
#include "vm/access.h"
#include "vm/decode.h"
#include "vm/regs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <Zydis/Zydis.h>

enum { ENCODING_BYTES = 32 }; /* of a generated encoding: more than any instruction has */

static const unsigned modes[] = { 16, 32, 64 };

static uint64_t random_state;

/* xorshift64*: repeatable, and its high bits are good. */
static uint64_t random_u64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

static unsigned random_below(unsigned n)
{
	return (unsigned)((random_u64() >> 32) % n);
}

/* Ends at an inaccessible page: the decoder faults if it reads past its buffer. */
static uint8_t *guard;
static ZydisDecoder decoders[ARRAY_SIZE(modes)];

static int set_up(void **state)
{
	static const struct {
		ZydisMachineMode mode;
		ZydisStackWidth stack;
	} machines[] = { { ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16 },
			 { ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32 },
			 { ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64 } };
	uint8_t *pages = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(pages != MAP_FAILED);
	assert_int_equal(mprotect(pages + PAGE_SIZE, PAGE_SIZE, PROT_NONE), 0);
	guard = pages + PAGE_SIZE;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		assert_true(ZYAN_SUCCESS(
			ZydisDecoderInit(&decoders[i], machines[i].mode, machines[i].stack)));
	return 0;
}

static enum decode_status decode_at_guard(const uint8_t *bytes, size_t n, unsigned mode,
					  struct access *out)
{
	memcpy(guard - n, bytes, n);
	return decode_access(guard - n, n, mode, out);
}

/* ---- Zydis's opinion, in our terms ---- */

static bool oracle_op(ZydisMnemonic mnemonic, struct access *want)
{
	static const struct {
		ZydisMnemonic mnemonic;
		enum access_op op;
	} ops[] = {
		{ ZYDIS_MNEMONIC_MOV, ACCESS_LOAD },   { ZYDIS_MNEMONIC_MOVZX, ACCESS_LOAD },
		{ ZYDIS_MNEMONIC_MOVSX, ACCESS_LOAD }, { ZYDIS_MNEMONIC_AND, ACCESS_AND },
		{ ZYDIS_MNEMONIC_OR, ACCESS_OR },      { ZYDIS_MNEMONIC_XCHG, ACCESS_XCHG },
		{ ZYDIS_MNEMONIC_TEST, ACCESS_TEST },  { ZYDIS_MNEMONIC_CMP, ACCESS_CMP },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (ops[i].mnemonic != mnemonic)
			continue;
		want->op = ops[i].op;
		want->sign_extend = mnemonic == ZYDIS_MNEMONIC_MOVSX;
		return true;
	}
	return false;
}

static bool oracle_register(ZydisRegister reg, struct access *want)
{
	ZydisRegisterClass class = ZydisRegisterGetClass(reg);

	if (class < ZYDIS_REGCLASS_GPR8 || class > ZYDIS_REGCLASS_GPR64)
		return false; /* MOV of a segment register */
	want->high_byte = reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
	want->reg = (uint8_t)ZydisRegisterGetId(
		ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg));
	return true;
}

/* True if Zydis takes the bytes for one of the supported forms; *want says for which. */
static bool oracle(size_t mode, const uint8_t *bytes, struct access *want)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT_VISIBLE];
	const ZydisDecodedOperand *memory, *other;
	ZydisDecodedInstruction i;
	ZydisDecoderContext context;

	memset(want, 0, sizeof(*want));
	if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoders[mode], &context, bytes,
						      ENCODING_BYTES, &i)) ||
	    !oracle_op(i.mnemonic, want) || i.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
	    i.operand_count_visible != 2)
		return false;
	/* Processors and Zydis take 82, F6 /1 and F7 /1, but the SDM's opcode map has them not. */
	if (i.opcode == 0x82 || ((i.opcode & 0xfe) == 0xf6 && i.raw.modrm.reg == 1))
		return false;
	for (size_t n = 0; n < i.raw.prefix_count; n++)
		if (i.raw.prefixes[n].value == 0xf2 || i.raw.prefixes[n].value == 0xf3)
			return false;
	if (ZYAN_FAILED(ZydisDecoderDecodeOperands(&decoders[mode], &context, &i, operands, 2)))
		return false;

	want->memory_is_destination = operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
	memory = &operands[want->memory_is_destination ? 0 : 1];
	other = &operands[want->memory_is_destination ? 1 : 0];
	if (memory->type != ZYDIS_OPERAND_TYPE_MEMORY)
		return false;
	if (want->op == ACCESS_LOAD && want->memory_is_destination)
		want->op = ACCESS_STORE;
	want->size = (uint8_t)(memory->size / 8);
	want->length = i.length;
	if (other->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		want->has_immediate = true;
		want->immediate = other->imm.value.u & access_mask(want->size);
		want->reg_size = want->size;
		return true;
	}
	want->reg_size = (uint8_t)(other->size / 8);
	return other->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       oracle_register(other->reg.value, want);
}

/* ---- Comparison ---- */

static struct {
	unsigned compared, accepted, longest;
	unsigned forms[ARRAY_SIZE(modes)][ACCESS_CMP + 1][9]; /* accepted, by mode, op and size */
} counts;

static void fail_encoding(size_t mode, const uint8_t *bytes, const char *what)
{
	char text[3 * 16 + 1];

	for (size_t i = 0; i < 16; i++)
		snprintf(&text[3 * i], 4, "%02x ", bytes[i]);
	fail_msg("%u-bit: %s: %s", modes[mode], text, what);
}

static const char *difference(const struct access *a, const struct access *b)
{
	if (a->op != b->op)
		return "operation";
	if (a->size != b->size || a->reg_size != b->reg_size || a->sign_extend != b->sign_extend)
		return "sizes or extension";
	if (a->memory_is_destination != b->memory_is_destination)
		return "direction";
	if (a->has_immediate != b->has_immediate || a->immediate != b->immediate)
		return "immediate";
	if (a->reg != b->reg || a->high_byte != b->high_byte)
		return "register";
	if (a->length != b->length)
		return "length";
	return NULL;
}

/* One encoding of ENCODING_BYTES bytes; what follows the instruction is noise. */
static void compare(size_t mode, const uint8_t *bytes)
{
	static const struct access untouched = { .op = ACCESS_CMP, .size = 0xee, .length = 0xee };
	struct access want, got = untouched;
	bool wanted = oracle(mode, bytes, &want);
	enum decode_status status = decode_access(bytes, ENCODING_BYTES, modes[mode], &got);

	counts.compared++;
	if (!wanted) {
		if (status != DECODE_REFUSED)
			fail_encoding(mode, bytes, "not refused");
		/* A sample of the parts: none is accepted, and none leads past the buffer. */
		for (size_t n = 0; counts.compared % 16 == 0 && n < 16; n++)
			if (decode_at_guard(bytes, n, modes[mode], &got) == DECODE_OK)
				fail_encoding(mode, bytes, "a part is accepted");
		if (difference(&got, &untouched))
			fail_encoding(mode, bytes, "refused, but written to *out");
		return;
	}
	if (status != DECODE_OK)
		fail_encoding(mode, bytes, "not accepted");
	if (difference(&got, &want))
		fail_encoding(mode, bytes, difference(&got, &want));
	counts.accepted++;
	counts.forms[mode][got.op][got.size]++;
	if (got.length > counts.longest)
		counts.longest = got.length;

	got = untouched;
	for (size_t n = 0; n < want.length; n++)
		if (decode_at_guard(bytes, n, modes[mode], &got) != DECODE_TRUNCATED ||
		    difference(&got, &untouched))
			fail_encoding(mode, bytes, "a part is not taken as truncated");
	if (decode_at_guard(bytes, want.length, modes[mode], &got) != DECODE_OK)
		fail_encoding(mode, bytes, "needs more bytes than its own");
}

struct encoding {
	uint8_t bytes[ENCODING_BYTES + 7]; /* filled eight at a time */
	size_t length;
};

static void append(struct encoding *e, uint8_t byte)
{
	e->bytes[e->length++] = byte;
}

static void append_text(struct encoding *e, const char *text)
{
	while (*text)
		append(e, (uint8_t)*text++);
}

/* opcode: 0F00H + second byte for the two-byte map. */
static void append_opcode(struct encoding *e, unsigned opcode)
{
	if (opcode > 0xff)
		append(e, 0x0f);
	append(e, (uint8_t)opcode);
}

/* The tail is what follows in e: SIB byte, displacement, immediate, all of them in the long run. */
static void compare_with_random_tail(size_t mode, struct encoding *e)
{
	for (size_t i = e->length; i < ENCODING_BYTES; i += 8) {
		uint64_t value = random_u64();

		memcpy(&e->bytes[i], &value, 8);
	}
	compare(mode, e->bytes);
}

static void compare_each_modrm(size_t mode, const struct encoding *prefixes, unsigned opcode)
{
	for (unsigned modrm = 0; modrm < 0x100; modrm++) {
		struct encoding e = *prefixes;

		append_opcode(&e, opcode);
		append(&e, (uint8_t)modrm);
		compare_with_random_tail(mode, &e);
	}
}

/* at_least: encodings accepted; fewer mean that the generator has lost its subject. */
static void report(const char *what, unsigned at_least)
{
	print_message("%s: %u encodings compared, %u accepted\n", what, counts.compared,
		      counts.accepted);
	assert_true(counts.accepted >= at_least);
}

/* Before each test, so that it sees the same numbers when it runs alone. */
static int start(void **state)
{
	(void)state;
	memset(&counts, 0, sizeof(counts));
	random_state = 0x4153534159;
	return 0;
}

/* Opcodes of the supported forms, and neighbours that a wrong table would take along. */
static const uint16_t near_opcodes[] = {
	0x08, 0x09, 0x0a, 0x0b,	  0x20,	  0x21,	  0x22,	  0x23,	  0x38,	  0x39,	  0x3a,
	0x3b, 0x63, 0x80, 0x81,	  0x82,	  0x83,	  0x84,	  0x85,	  0x86,	  0x87,	  0x88,
	0x89, 0x8a, 0x8b, 0x8c,	  0x8e,	  0xa0,	  0xa1,	  0xa2,	  0xa3,	  0xa4,	  0xc6,
	0xc7, 0xf6, 0xf7, 0x0f00, 0x0fb0, 0x0fb6, 0x0fb7, 0x0fbe, 0x0fbf, 0x0fc7,
};

static void compare_near_opcodes(size_t mode, const struct encoding *prefixes)
{
	for (size_t i = 0; i < ARRAY_SIZE(near_opcodes); i++)
		compare_each_modrm(mode, prefixes, near_opcodes[i]);
}

/* Every one-byte and two-byte opcode with every ModRM byte, under the main prefixes. */
static void test_all_opcodes(void **state)
{
	static const char *const prefixes[] = {
		"", "\x66", "\x67", "\x2e", "\xf0", "\xf2", "\xf3", "\x48", "\x44", "\x66\x4c",
	};

	(void)state;
	for (size_t mode = 0; mode < ARRAY_SIZE(modes); mode++)
		for (size_t p = 0; p < ARRAY_SIZE(prefixes); p++) {
			struct encoding e = { .length = 0 };

			append_text(&e, prefixes[p]);
			for (unsigned opcode = 0; opcode < 0x100; opcode++) {
				compare_each_modrm(mode, &e, opcode);
				compare_each_modrm(mode, &e, 0x0f00 | opcode);
			}
		}
	report("all opcodes", 90000);
}

/* Combinations of prefixes, in 64-bit mode with each REX before and after the others. */
static void test_all_prefixes(void **state)
{
	static const char *const legacy[] = {
		"",	"\x66", "\x67", "\x66\x67", "\xf0", "\x66\xf0", "\x67\xf0", "\x26",
		"\x2e", "\x36", "\x3e", "\x64",	    "\x65", "\xf3\x66", "\x66\x66", "\x67\x67",
	};

	(void)state;
	for (size_t mode = 0; mode < ARRAY_SIZE(modes); mode++)
		for (size_t l = 0; l < ARRAY_SIZE(legacy); l++) {
			struct encoding plain = { .length = 0 };

			append_text(&plain, legacy[l]);
			compare_near_opcodes(mode, &plain);
			for (unsigned rex = 0x40; modes[mode] == 64 && rex < 0x50; rex++) {
				struct encoding last = plain, first = { .length = 0 };

				append(&last, (uint8_t)rex);
				compare_near_opcodes(mode, &last);
				append(&first, (uint8_t)rex); /* ignored there */
				append_text(&first, legacy[l]);
				compare_near_opcodes(mode, &first);
			}
		}
	report("all prefixes", 1000000);

	/* No operation or size is missing in any mode that has it. */
	for (size_t mode = 0; mode < ARRAY_SIZE(modes); mode++)
		for (unsigned op = 0; op <= ACCESS_CMP; op++)
			for (unsigned size = 1; size <= (modes[mode] == 64 ? 8u : 4u); size *= 2)
				assert_true(counts.forms[mode][op][size] > 100);
}

/* Lengths up to and above the limit of 15 bytes, made with redundant prefixes. */
static void test_lengths(void **state)
{
	(void)state;
	for (size_t mode = 0; mode < ARRAY_SIZE(modes); mode++) {
		struct encoding e = { .length = 0 };

		for (unsigned n = 0; n <= 15; n++) {
			compare_near_opcodes(mode, &e);
			append(&e, 0x3e);
		}
	}
	report("lengths", 150000);
	assert_int_equal(counts.longest, 15);
}

/* Prefixes (@ and the letters: REX) in any number and order before any opcode. */
static void test_random_encodings(void **state)
{
	static const char prefixes[] = "\x66\x67\x26\x2e\x36\x3e\x64\x65\xf0\xf2@ADHLO";

	(void)state;
	for (unsigned n = 0; n < 1000000; n++) {
		struct encoding e = { .length = 0 };

		for (unsigned i = random_below(6); i > 0; i--)
			append(&e, (uint8_t)prefixes[random_below(sizeof(prefixes) - 1)]);
		if (random_below(4))
			append_opcode(&e, near_opcodes[random_below(ARRAY_SIZE(near_opcodes))]);
		compare_with_random_tail(random_below(ARRAY_SIZE(modes)), &e);
	}
	report("random encodings", 150000);
}

/* A few by hand: what the decoder is for, and what each refusal means. */
static void test_by_hand(void **state)
{
#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1
#define REFUSED DECODE_REFUSED, 0, 0, 0, 0
#define TRUNCATED DECODE_TRUNCATED, 0, 0, 0, 0
	static const struct {
		unsigned mode;
		const uint8_t *bytes;
		size_t count;
		enum decode_status status;
		enum access_op op;
		uint8_t size, reg;
		uint64_t immediate;
	} rows[] = {
		/* mov %eax, 0xfee00300 */
		{ 32, BYTES("\xa3\x00\x03\xe0\xfe"), DECODE_OK, ACCESS_STORE, 4, RAX, 0 },
		/* mov 0x20(%r10), %r9d */
		{ 64, BYTES("\x45\x8b\x4a\x20"), DECODE_OK, ACCESS_LOAD, 4, R9, 0 },
		/* movl $0xc4500, 0x300(%edi) */
		{ 16, BYTES("\x66\x67\xc7\x87\x00\x03\x00\x00\x00\x45\x0c\x00"), DECODE_OK,
		  ACCESS_STORE, 4, 0, 0xc4500 },
		/* lock andl $-2, (%rax) */
		{ 64, BYTES("\xf0\x83\x20\xfe"), DECODE_OK, ACCESS_AND, 4, 0, 0xfffffffe },
		/* xchg %bh, (%ebx) */
		{ 32, BYTES("\x86\x3b"), DECODE_OK, ACCESS_XCHG, 1, RBX, 0 },
		{ 64, BYTES("\xf0\x8b\x00"), REFUSED },	    /* lock mov (%rax), %eax */
		{ 64, BYTES("\xf3\x89\x00"), REFUSED },	    /* xrelease mov %eax, (%rax) */
		{ 64, BYTES("\x89\xc0"), REFUSED },	    /* mov %eax, %eax */
		{ 64, BYTES("\x48\x63\x00"), REFUSED },	    /* movslq (%rax), %rax */
		{ 64, BYTES("\xc5\xf8\x28\x00"), REFUSED }, /* vmovaps (%rax), %xmm0 */
		{ 64, BYTES("\xf6\x08\x00"), REFUSED },	    /* F6 /1: not in the SDM */
		{ 64, BYTES("\xff"), REFUSED },		    /* whatever follows */
		{ 48, BYTES("\x89\x00"), REFUSED },	    /* no such mode */
		{ 64, BYTES(""), TRUNCATED },
		{ 64, BYTES("\x66\x0f"), TRUNCATED },
		{ 64, BYTES("\xc7\x00\x00\x45\x0c"), TRUNCATED },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct access a = { 0 };

		if (decode_at_guard(rows[i].bytes, rows[i].count, rows[i].mode, &a) !=
			    rows[i].status ||
		    a.op != rows[i].op || a.size != rows[i].size || a.reg != rows[i].reg ||
		    a.immediate != rows[i].immediate)
			fail_msg("row %zu", i);
	}
}

/* ---- Execution against this processor ---- */

/* All registers of the instruction under test; RSP too, so nothing may use the stack meanwhile. */
struct host {
	uint64_t gpr[16], rflags;
	const void *target; /* the instruction, then a jump to host_return */
	uint64_t stack;
};

__attribute__((used)) static struct host host;
_Static_assert(offsetof(struct host, rflags) == 128, "the assembly below");
_Static_assert(offsetof(struct host, target) == 136, "the assembly below");
_Static_assert(offsetof(struct host, stack) == 144, "the assembly below");

/* Loads host.rflags and host.gpr[], jumps to host.target, stores both again. */
void host_run(void);
void host_return(void);

__asm__(".text\n"
	"host_run:\n"
	".irp r, rbx,rbp,r12,r13,r14,r15\n push %\\r\n .endr\n"
	"mov %rsp, host+144(%rip)\n"
	"push host+128(%rip)\n"
	"popfq\n" /* MOV and JMP keep the flags from here on */
	".set n, 0\n"
	".irp r, rax,rcx,rdx,rbx,rsp,rbp,rsi,rdi,r8,r9,r10,r11,r12,r13,r14,r15\n"
	"mov host+n(%rip), %\\r\n .set n, n+8\n .endr\n"
	"jmp *host+136(%rip)\n"
	"host_return:\n"
	".set n, 0\n"
	".irp r, rax,rcx,rdx,rbx,rsp,rbp,rsi,rdi,r8,r9,r10,r11,r12,r13,r14,r15\n"
	"mov %\\r, host+n(%rip)\n .set n, n+8\n .endr\n"
	"mov host+144(%rip), %rsp\n"
	"pushfq\n"
	"pop host+128(%rip)\n"
	".irp r, r15,r14,r13,r12,rbp,rbx\n pop %\\r\n .endr\n"
	"ret\n");

/* The code page, then the page of the memory operand. */
static uint8_t *code;

static int set_up_execution(void **state)
{
	code = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	host.target = code;
	return code == MAP_FAILED ? -1 : start(state);
}

static uint64_t interesting(void)
{
	static const uint64_t edges[] = {
		0,	 1,	    0xf,     0x10,	 0x7f,	     0x80,
		0xff,	 0x7fff,    0x8000,  0xffff,	 0x7fffffff, 0x80000000,
		BIT(32), INT64_MAX, BIT(63), UINT64_MAX, 0xfee00300, 0xff00ff00ff00ff00,
	};

	return random_below(2) ? random_u64() : edges[random_below(ARRAY_SIZE(edges))];
}

/*
 * Puts an instruction with memory at code + PAGE_SIZE and some immediate into the code page. False
 * if there is none with these prefixes, opcode and ModRM.reg.
 */
static bool install(const char *prefixes, uint16_t opcode, unsigned reg, struct access *a)
{
	const uint64_t data = (uint64_t)(code + PAGE_SIZE), back = (uint64_t)host_return;
	const bool moffs = opcode >= 0xa0 && opcode <= 0xa3;
	uint64_t immediate = interesting();
	struct encoding e = { .length = 0 };

	append_text(&e, prefixes);
	append_opcode(&e, opcode);
	if (!moffs)
		append(&e, (uint8_t)(5 | reg << 3)); /* RIP-relative */
	memcpy(&e.bytes[e.length], &data, 8);
	if (!moffs)
		memcpy(&e.bytes[e.length + 4], &immediate, 8);
	if (decode_access(e.bytes, ENCODING_BYTES, 64, a) != DECODE_OK)
		return false;
	if (!moffs) {
		const uint32_t displacement = PAGE_SIZE - a->length;

		memcpy(&e.bytes[e.length], &displacement, 4);
	}
	assert_int_equal(mprotect(code, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	memcpy(code, e.bytes, a->length);
	memcpy(code + a->length, "\xff\x25\0\0\0\0", 6); /* jmp *0(%rip) */
	memcpy(code + a->length + 6, &back, 8);
	assert_int_equal(mprotect(code, PAGE_SIZE, PROT_READ | PROT_EXEC), 0);
	return true;
}

/* Runs the installed instruction once on random state, here and in access_execute(). */
static void execute_both(const struct access *a)
{
	const uint64_t status_flags = 0x8d5, af = 0x10; /* status: OF SF ZF AF PF CF */
	const uint64_t undefined =
		a->op == ACCESS_AND || a->op == ACCESS_OR || a->op == ACCESS_TEST ? af : 0;
	const uint64_t old_rflags = 0x202 | (random_u64() & status_flags);
	const uint64_t mask = access_mask(a->size), untouched = random_u64();
	uint64_t gpr[GPRS], rflags = old_rflags, store = untouched;
	uint64_t data[2]; /* what the instruction may touch, and what lies behind */

	for (size_t i = 0; i < GPRS; i++)
		gpr[i] = interesting();
	data[0] = random_below(4) ? interesting() : access_register_read(gpr, a);
	data[1] = random_u64();
	memcpy(host.gpr, gpr, sizeof(gpr));
	host.rflags = rflags;
	memcpy(code + PAGE_SIZE, data, sizeof(data));
	host_run();

	if (access_execute(a, gpr, &rflags, data[0], &store))
		data[0] = (data[0] & ~mask) | store; /* memory differs if store is too wide */
	else if (store != untouched)
		fail_encoding(2, code, "*store is written without a store");
	if (memcmp(code + PAGE_SIZE, data, sizeof(data)) || memcmp(host.gpr, gpr, sizeof(gpr)))
		fail_encoding(2, code, "memory or registers differ from the processor's");
	if ((host.rflags ^ rflags) & ~undefined)
		fail_encoding(2, code, "flags differ from the processor's");
	if ((old_rflags ^ rflags) & undefined)
		fail_encoding(2, code, "the undefined AF is not kept");
}

/* Each form in 64-bit mode with each register and operand size, on edge and random values. */
static void test_execution(void **state)
{
	static const char *const prefixes[] = {
		"", "\x66", "\x40", "\x44", "\x48", "\x4c", "\x66\x44", "\xf0", "\xf0\x4c",
	};
	unsigned instructions = 0, ran[ACCESS_CMP + 1][9] = { 0 };
	struct access a;

	(void)state;
	for (size_t p = 0; p < ARRAY_SIZE(prefixes); p++)
		for (size_t o = 0; o < ARRAY_SIZE(near_opcodes); o++)
			for (unsigned n = 0; n < 4 * 8; n++) { /* four immediates each */
				if (!install(prefixes[p], near_opcodes[o], n % 8, &a))
					continue;
				for (unsigned i = 0; i < 50; i++)
					execute_both(&a);
				instructions++;
				ran[a.op][a.size]++;
			}
	print_message("%u instructions executed, 50 times each\n", instructions);
	for (unsigned op = 0; op <= ACCESS_CMP; op++)
		for (unsigned size = 1; size <= 8; size *= 2)
			assert_true(ran[op][size] > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test_setup(test_all_opcodes, start),
		cmocka_unit_test_setup(test_all_prefixes, start),
		cmocka_unit_test_setup(test_lengths, start),
		cmocka_unit_test_setup(test_random_encodings, start),
		cmocka_unit_test_setup(test_execution, set_up_execution),
	};

	return cmocka_run_group_tests_name("decode", tests, set_up, NULL);
}
