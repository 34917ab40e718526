#include "platform.h"

const struct platform *platform;
