/* AMD64 Architecture Programmer's Manual, vol. 3, "Instruction Encoding". */
#include "svm/decode.h"

static bool is_prefix(uint8_t byte)
{
	static const uint8_t prefixes[] = { 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65,
					    0x66, 0x67, 0xF0, 0xF2, 0xF3 };

	for (unsigned i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (prefixes[i] == byte)
			return true;
	return false;
}

/* Bytes of the opcode at bytes[0], a ModRM byte that only completes it included. */
static size_t opcode_length(const uint8_t *bytes, size_t count)
{
	if (bytes[0] != 0x0F)
		return 1;
	if (count < 2)
		return 3;
	return bytes[1] == 0x01 || (bytes[1] & 0xFC) == 0x20 ? 3 : 2;
}

bool svm_decode(const uint8_t *bytes, size_t count, unsigned code_size, struct svm_instruction *out)
{
	size_t at = 0, length;
	uint8_t rex = 0, modrm;

	for (; at < count; at++) {
		if (code_size == 64 && (bytes[at] & 0xF0) == 0x40)
			rex = bytes[at];
		else if (is_prefix(bytes[at]))
			rex = 0; /* one that does not come right before the opcode is ignored */
		else
			break;
	}
	if (at == count)
		return false;
	length = opcode_length(bytes + at, count - at);
	if (length > count - at)
		return false;
	modrm = bytes[at + length - 1];
	*out = (struct svm_instruction){
		.length = (uint8_t)(at + length),
		.reg = (uint8_t)((modrm >> 3 & 7) | (rex & 4) << 1),
		.rm = (uint8_t)((modrm & 7) | (rex & 1) << 3),
	};
	return true;
}
