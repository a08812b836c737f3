// SPDX-License-Identifier: GPL-2.0-only
#include <linux/tcp.h>
#include <linux/uaccess.h>

#include "conn.h"
#include "tcp_info.h"

static u32 quic_tcp_info_u32(u64 val)
{
	return min_t(u64, val, U32_MAX);
}

/* Fields that mean the same for both transports; the others stay 0. Windows
 * are in packets, as TCP has them.
 */
static void quic_tcp_info_fill(struct quic_conn *conn, struct tcp_info *info)
{
	const struct quic_recovery *rec = &conn->rec;
	const struct quic_rtt *rtt = &rec->rtt;
	u32 mss = max_t(u32, rec->cc.max_datagram_size, 1);
	struct sock *sk = quic_conn_sk(conn);

	info->tcpi_state = sk->sk_state;
	info->tcpi_backoff = min_t(u32, rec->pto_count, U8_MAX);
	info->tcpi_rto = quic_tcp_info_u32(quic_recovery_pto_us(rec));
	info->tcpi_ato = quic_tcp_info_u32(conn->local.max_ack_delay_us);
	info->tcpi_snd_mss = mss;
	info->tcpi_rcv_mss = mss;
	info->tcpi_pmtu = conn->path.max_payload;
	info->tcpi_unacked = rec->nr_sent;
	info->tcpi_lost = quic_tcp_info_u32(rec->lost_pkts);
	info->tcpi_rtt = rtt->smoothed_us;
	info->tcpi_rttvar = rtt->rttvar_us;
	info->tcpi_min_rtt = rtt->min_us;
	info->tcpi_snd_cwnd = quic_tcp_info_u32(div_u64(rec->cc.cwnd, mss));
	info->tcpi_snd_ssthresh =
		quic_tcp_info_u32(div_u64(rec->cc.ssthresh, mss));
	info->tcpi_pacing_rate = rec->pacer.rate;
	info->tcpi_bytes_received = conn->flow.rx.received;
	info->tcpi_bytes_sent = conn->flow.tx.used;
}

/**
 * quic_tcp_getsockopt - getsockopt() of level SOL_TCP
 * @sk:	     the socket
 * @optname: TCP_INFO; QUIC has none of the others
 * @optval:  receives struct tcp_info, cut to the room there
 * @optlen:  room at @optval; set to what was written
 *
 * Context: process; takes the socket lock.
 * Return: 0, -ENOPROTOOPT, -EINVAL or -EFAULT.
 */
int quic_tcp_getsockopt(struct sock *sk, int optname, char __user *optval,
			int __user *optlen)
{
	struct tcp_info info = {};
	int len;

	if (optname != TCP_INFO)
		return -ENOPROTOOPT;
	if (get_user(len, optlen))
		return -EFAULT;
	if (len < 0)
		return -EINVAL;
	len = min_t(int, len, sizeof(info));

	lock_sock(sk);
	quic_tcp_info_fill(quic_conn(sk), &info);
	release_sock(sk);

	if (put_user(len, optlen) || copy_to_user(optval, &info, len))
		return -EFAULT;
	return 0;
}
