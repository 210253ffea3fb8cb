/* Errors are the same inside and outside. */
#pragma once
#include <plumb/error.h>
