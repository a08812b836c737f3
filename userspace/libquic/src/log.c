// SPDX-License-Identifier: GPL-2.0-or-later
/* What the library has to say. */
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "libquic.h"

#define LINE_SIZE	512

static _Atomic int log_level = LOG_NOTICE;
static _Atomic quic_log_func log_func;

void quic_set_log_level(int level)
{
	log_level = level;
}

void quic_set_log_func(quic_log_func func)
{
	log_func = func;
}

void quic_log(int level, const char *format, ...)
{
	quic_log_func func = log_func;
	char line[LINE_SIZE];
	va_list args;

	if (level > log_level)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (func)
		func(level, line);
	else
		fprintf(stderr, "libquic: %s\n", line);
}
