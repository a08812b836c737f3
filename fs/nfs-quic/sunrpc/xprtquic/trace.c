// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sunrpc/svc_xprt.h>
#include <linux/sunrpc/xprt.h>

#define CREATE_TRACE_POINTS
#include "trace.h"
