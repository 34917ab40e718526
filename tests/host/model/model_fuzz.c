/* The entry of libFuzzer: `make fuzz SECONDS=n`. */
#include "tests/host/model/model_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	both_run(bytes, size);
	return 0;
}
