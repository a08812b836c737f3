// SPDX-License-Identifier: GPL-2.0-only
#include "conn.h"
#include "drop.h"

#define CREATE_TRACE_POINTS
#include <trace/events/quic.h>
