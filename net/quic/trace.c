// SPDX-License-Identifier: GPL-2.0-only

#include "mib.h"

#define CREATE_TRACE_POINTS
#include <trace/events/quic.h>
