#include "backend.h"

const struct backend *backend;
