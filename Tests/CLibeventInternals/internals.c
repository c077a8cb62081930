#include "include/CLibeventInternals.h" // a target needs a source file
