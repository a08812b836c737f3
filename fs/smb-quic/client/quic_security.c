// SPDX-License-Identifier: GPL-2.0-only
/*
 * SMB over QUIC: whether SMB encrypts on top of QUIC.
 *
 * SMB2_TRANSPORT_CAPABILITIES ([MS-SMB2], 2.2.3.1.5) lets both ends agree that
 * the transport's encryption is enough. The client offers it only where it
 * knows whom the transport leads to, and not if the user or the administrator
 * wants SMB to encrypt. It holds for one connection and is negotiated anew on
 * the next one. Signing is not affected.
 */
#include "cifsglob.h"
#include "cifsproto.h"
#include "smb2pdu.h"
#include "quic.h"

#define CIFS_QUIC_WAIVER_SIZE \
	ALIGN(offsetofend(struct smb2_transport_capabilities_context, Flags), 8)

static bool cifs_quic_must_seal(void)
{
	return (global_secflags & CIFSSEC_MUST_SEAL) == CIFSSEC_MUST_SEAL;
}

/**
 * cifs_quic_offer_waiver - add the offer to a NEGOTIATE request
 * @server:	connection that is negotiated
 * @to:		where the next negotiate context goes
 * @room:	bytes that there are
 *
 * Return: length of the context, padded; 0 if there is none.
 */
unsigned int cifs_quic_offer_waiver(struct TCP_Server_Info *server, void *to,
				    unsigned int room)
{
	struct smb2_transport_capabilities_context *context = to;
	struct cifs_quic *quic = server->quic;

	if (!quic)
		return 0;

	WRITE_ONCE(quic->waived, false);
	quic->offered = READ_ONCE(quic->verified) && !quic->opts.seal &&
			!cifs_quic_must_seal() && room >= CIFS_QUIC_WAIVER_SIZE;
	if (!quic->offered)
		return 0;

	memset(to, 0, CIFS_QUIC_WAIVER_SIZE);
	context->ContextType = SMB2_TRANSPORT_CAPABILITIES;
	context->DataLength = cpu_to_le16(sizeof(context->Flags));
	context->Flags = cpu_to_le32(SMB2_ACCEPT_TRANSPORT_LEVEL_SECURITY);
	return CIFS_QUIC_WAIVER_SIZE;
}

/**
 * cifs_quic_accept_waiver - read the server's answer to the offer
 * @server:	connection that is negotiated
 * @context:	its context, which is within the response
 *
 * An answer to what was not offered has no meaning.
 */
void cifs_quic_accept_waiver(struct TCP_Server_Info *server,
			     const struct smb2_neg_context *context)
{
	const struct smb2_transport_capabilities_context *answer =
		(const void *)context;
	struct cifs_quic *quic = server->quic;

	if (!quic || !quic->offered ||
	    le16_to_cpu(context->DataLength) < sizeof(answer->Flags))
		return;

	WRITE_ONCE(quic->waived,
		   !!(le32_to_cpu(answer->Flags) &
		      SMB2_ACCEPT_TRANSPORT_LEVEL_SECURITY));
}

/**
 * cifs_quic_encryption_waived - may a session do without SMB encryption?
 * @ses: session
 *
 * A request can go over any channel, so every channel must have agreed.
 *
 * Return: true if the session or the share asks for encryption in vain.
 */
bool cifs_quic_encryption_waived(struct cifs_ses *ses)
{
	struct TCP_Server_Info *server = ses->server;
	bool waived;
	size_t i;

	if (!server || !server->quic || !READ_ONCE(server->quic->waived))
		return false;

	waived = true;
	spin_lock(&ses->chan_lock);
	for (i = 0; i < ses->chan_count && waived; i++) {
		server = ses->chans[i].server;
		waived = server && server->quic &&
			 READ_ONCE(server->quic->waived);
	}
	spin_unlock(&ses->chan_lock);
	return waived;
}
