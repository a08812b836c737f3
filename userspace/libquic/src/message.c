// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages with the stream that they belong to. */
#include <string.h>

#include "libquic.h"

#define STREAM_FLAGS							\
	(MSG_QUIC_STREAM_NEW | MSG_QUIC_STREAM_FIN | MSG_QUIC_STREAM_UNI | \
	 MSG_QUIC_STREAM_DONTWAIT | MSG_QUIC_STREAM_SNDBLOCK)

/* Room for one element, aligned as one. */
union control {
	struct cmsghdr align;
	unsigned char room[CMSG_SPACE(sizeof(struct quic_stream_info))];
};

ssize_t quic_sendmsg(int sd, const void *msg, size_t len, int64_t sid,
		     uint32_t flags)
{
	struct quic_stream_info info = {
		.stream_id = sid,
		.stream_flags = flags & STREAM_FLAGS,
	};
	struct iovec iov = { .iov_base = (void *)msg, .iov_len = len };
	union control control = { 0 };
	struct msghdr out = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&out);

	cmsg->cmsg_level = SOL_QUIC;
	cmsg->cmsg_type = QUIC_STREAM_INFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
	out.msg_controllen = cmsg->cmsg_len;
	return sendmsg(sd, &out, (int)(flags & ~STREAM_FLAGS));
}

/* The stream's ancillary data, if there is any. */
static bool stream_info(struct msghdr *msg, struct quic_stream_info *info)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level == SOL_QUIC &&
		    cmsg->cmsg_type == QUIC_STREAM_INFO &&
		    cmsg->cmsg_len == CMSG_LEN(sizeof(*info))) {
			memcpy(info, CMSG_DATA(cmsg), sizeof(*info));
			return true;
		}
	}
	return false;
}

ssize_t quic_recvmsg(int sd, void *msg, size_t len, int64_t *sid,
		     uint32_t *flags)
{
	struct iovec iov = { .iov_base = msg, .iov_len = len };
	union control control = { 0 };
	struct msghdr in = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	struct quic_stream_info info;
	ssize_t got;

	got = recvmsg(sd, &in, flags ? (int)*flags : 0);
	if (got < 0)
		return got;
	if (flags)
		*flags = (uint32_t)in.msg_flags;
	if (!stream_info(&in, &info))
		return got;
	if (sid)
		*sid = info.stream_id;
	if (flags)
		*flags |= info.stream_flags;
	return got;
}
