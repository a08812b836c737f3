# SPDX-License-Identifier: GPL-2.0-or-later
"""One client: takes its messages, sees to security, has requests carried out, answers - or misbehaves as told."""

from __future__ import annotations

import logging
import struct
import threading
import time
from dataclasses import dataclass, field

from smbprotocol.header import Commands, NtStatus
from smbprotocol.tree import ShareType

from . import session as sessions
from .auth import acceptor
from .channel import LONGEST, Channel, Closed, Framed
from .files import Share
from .requests import HANDLERS, Leases, Place
from .script import Action, Fault, Script
from .secure import transform_session
from .session import Negotiated, Security, Session
from .wire import (
    FLAG_RELATED,
    FLAG_SIGNED,
    NO_MESSAGE,
    SMB2_ID,
    TRANSFORM_ID,
    Header,
    Malformed,
    Refused,
    empty_body,
    error_body,
    name_of,
    pad,
    part,
    read,
    split,
    text,
)

log = logging.getLogger(__name__)
IPC = "IPC$"
ALL_ACCESS = 0x1F01FF
USER_SESSION_DELETED = NtStatus.STATUS_USER_SESSION_DELETED


@dataclass
class Service:
    """What all connections of a server share."""

    shares: dict[str, Share]
    security: Security
    guid: bytes
    script: Script = field(default_factory=Script)
    leases: Leases = field(default_factory=Leases)
    seen: list[str] = field(default_factory=list)
    encrypted: int = 0


class _End(Exception):
    """The script wants the connection to end here."""


class ClientConnection:
    """Serves one client until one of both ends it."""

    def __init__(self, channel: Channel, service: Service) -> None:
        self._channel, self._service = channel, service
        self._framed = Framed(channel)
        self._state = Negotiated()
        self._sessions: dict[int, Session] = {}
        self._places: dict[str, Place] = {}
        self._sending = threading.Lock()
        self._tree_count = 0
        self._mute = False
        self._opened: set[bytes] = set()

    def serve(self) -> None:
        """Until the end."""
        try:
            while True:
                self._serve_message(self._framed.receive())
        except (Closed, _End):
            pass
        except Malformed as error:
            log.warning("client ended: %s", error)
        finally:
            self._channel.close()
            self._forget()

    def _forget(self) -> None:
        for place in self._places.values():
            place.share.close_all(self._opened)

    # Messages

    def _serve_message(self, message: bytes) -> None:
        encrypted = None
        if message[:4] == TRANSFORM_ID:
            encrypted = self._sessions.get(transform_session(message))
            if encrypted is None or encrypted.keys is None:
                raise Malformed("a transform of no session")
            message = encrypted.keys.decrypt(message)
            self._service.encrypted += 1
        elif message[:4] != SMB2_ID:
            raise Malformed("neither SMB2 nor a transform")
        answers = [answer for header, request in split(message) if (answer := self._answer(header, request, encrypted))]
        if answers:
            fault = next((fault for _, fault in answers if fault), None)
            self._send([answer for answer, _ in answers], encrypted, fault)

    def _answer(self, header: Header, request: bytes, encrypted: Session | None) -> tuple[bytes, Fault | None] | None:
        """The response to one request, and what is to be done to it."""
        fault = self._service.script.take(header.command)
        self._service.seen.append(name_of(header.command))
        if fault is not None:
            self._misbehave_before(fault)
        if header.command == Commands.SMB2_CANCEL:
            return None
        if fault is not None and fault.action is Action.STATUS:
            status, body = fault.status, error_body()
        else:
            status, body = self._carry_out(header, request, encrypted)
        if fault is not None and fault.action is Action.DROP_AFTER:
            raise _End
        self._mute = self._mute or (fault is not None and fault.action is Action.SILENCE)
        if self._mute:
            return None
        response = header.answer(status).pack() + body
        self._hash(header, request, response, status)
        return self._signed(header, response, encrypted), fault

    def _misbehave_before(self, fault: Fault) -> None:
        if fault.action is Action.DROP:
            raise _End
        if fault.action is Action.RESET:
            self._channel.reset()
            raise _End
        if fault.action is Action.DELAY:
            time.sleep(fault.seconds)

    def _hash(self, header: Header, request: bytes, response: bytes, status: int) -> None:
        """Authentication's keys depend on all messages before ([MS-SMB2] 3.3.5.4, 3.3.5.5)."""
        if header.command == Commands.SMB2_NEGOTIATE:
            self._state.hash(request)
            self._state.hash(response)
        elif header.command == Commands.SMB2_SESSION_SETUP and status == NtStatus.STATUS_MORE_PROCESSING_REQUIRED:
            self._sessions[header.session_id].hash(response)

    def _signed(self, header: Header, response: bytes, encrypted: Session | None) -> bytes:
        session = self._sessions.get(header.session_id)
        if session is None or session.keys is None or encrypted is not None:
            return response
        if header.flags & FLAG_SIGNED or header.command == Commands.SMB2_SESSION_SETUP:
            return session.keys.sign(response)
        return response

    def _send(self, answers: list[bytes], encrypted: Session | None, fault: Fault | None) -> None:
        message = answers[0] if len(answers) == 1 else self._compound(answers, encrypted)
        if encrypted is not None and encrypted.keys is not None:
            message = encrypted.keys.encrypt(message, encrypted.id)
        with self._sending:
            self._send_faulty(message, fault)

    def _compound(self, answers: list[bytes], encrypted: Session | None) -> bytes:
        """Responses in one message, each padded and signed for itself."""
        out = []
        for answer in answers[:-1]:
            padded = pad(answer)
            linked = padded[:20] + struct.pack("<I", len(padded)) + padded[24:]
            out.append(self._signed_again(linked, encrypted))
        return b"".join(out) + answers[-1]

    def _signed_again(self, answer: bytes, encrypted: Session | None) -> bytes:
        header = Header.unpack(answer)
        session = self._sessions.get(header.session_id)
        if not header.flags & FLAG_SIGNED or encrypted is not None or session is None or session.keys is None:
            return answer
        return session.keys.sign(answer)

    def _send_faulty(self, message: bytes, fault: Fault | None) -> None:
        action = fault.action if fault is not None else None
        if fault is None or action in (Action.DELAY, Action.STATUS):
            self._framed.send(message)
        elif action is Action.LONG_FRAME:
            self._framed.send(message, claim=len(message) + fault.amount)
        elif action is Action.HUGE_FRAME:
            self._framed.send(message, claim=LONGEST)
        elif action is Action.SHORT_DATA:
            self._framed.send(message[: -fault.amount])
        elif action is Action.LONG_DATA:
            claimed = int.from_bytes(message[68:72], "little") + fault.amount
            self._framed.send(message[:68] + struct.pack("<I", claimed) + message[72:])
        elif action is Action.GARBAGE:
            self._framed.send(b"\xa5" * len(message))

    # Requests

    def _carry_out(self, header: Header, request: bytes, encrypted: Session | None) -> tuple[int, bytes]:
        try:
            if header.command == Commands.SMB2_NEGOTIATE:
                quic = self._channel.name == "quic"
                args = (self._state, self._service.security)
                return 0, sessions.negotiate(request, *args, quic=quic, guid=self._service.guid)
            if header.command == Commands.SMB2_SESSION_SETUP:
                return self._session_setup(header, request)
            return 0, self._in_session(header, request, encrypted)
        except Refused as refused:
            return refused.status, error_body()

    def _session_setup(self, header: Header, request: bytes) -> tuple[int, bytes]:
        token = sessions.token_of(request)
        session = self._sessions.get(header.session_id)
        if session is None:
            account = self._service.security
            header.session_id = len(self._sessions) + 0x4B51_0000_0001
            checker = acceptor(token, account.user, account.password)
            session = Session(header.session_id, checker, self._state.preauth)
            self._sessions[session.id] = session
        session.hash(request)
        answer = session.acceptor.step(token)
        if not session.acceptor.complete:
            return NtStatus.STATUS_MORE_PROCESSING_REQUIRED, sessions.setup_body(session, answer)
        sessions.finish(session, self._state, self._service.security)
        return 0, sessions.setup_body(session, answer)

    def _in_session(self, header: Header, request: bytes, encrypted: Session | None) -> bytes:
        if header.command == Commands.SMB2_ECHO:
            return empty_body()
        session = encrypted or self._sessions.get(header.session_id)
        if session is None or session.keys is None or session.ended:
            raise Refused(USER_SESSION_DELETED)
        if session.encrypt and encrypted is None:
            raise Refused(NtStatus.STATUS_ACCESS_DENIED)
        if encrypted is None and header.flags & FLAG_SIGNED and not session.keys.verify(request):
            raise Refused(NtStatus.STATUS_ACCESS_DENIED)
        if encrypted is None and self._service.security.sign and not header.flags & FLAG_SIGNED:
            raise Refused(NtStatus.STATUS_ACCESS_DENIED)
        return self._in_tree(session, header, request)

    def _in_tree(self, session: Session, header: Header, request: bytes) -> bytes:
        if header.command == Commands.SMB2_TREE_CONNECT:
            return self._tree_connect(session, header, request)
        if header.command == Commands.SMB2_LOGOFF:
            session.ended = True  # its answer is still signed
            return empty_body()
        if header.command == Commands.SMB2_OPLOCK_BREAK:
            return HANDLERS[header.command](next(iter(self._places.values())), request)
        share = session.trees.get(header.tree_id)
        if share is None:
            raise Refused(NtStatus.STATUS_NETWORK_NAME_DELETED)
        if header.command == Commands.SMB2_TREE_DISCONNECT:
            del session.trees[header.tree_id]
            return empty_body()
        handler = HANDLERS.get(header.command)
        if handler is None or share == IPC:
            raise Refused(NtStatus.STATUS_NOT_SUPPORTED)
        return self._in_share(self._places[share], header, request)

    def _in_share(self, place: Place, header: Header, request: bytes) -> bytes:
        if not header.flags & FLAG_RELATED:
            place.last_id = None
        body = HANDLERS[header.command](place, request)
        if header.command == Commands.SMB2_CREATE and place.last_id is not None:
            self._opened.add(place.last_id)
        return body

    def _tree_connect(self, session: Session, header: Header, request: bytes) -> bytes:
        _, _, at, length = read("<HHHH", request)
        name = text(part(request, at, length)).rpartition("\\")[2]
        if name.upper() == IPC:
            name, kind = IPC, ShareType.SMB2_SHARE_TYPE_PIPE
        elif name in self._service.shares:
            kind = ShareType.SMB2_SHARE_TYPE_DISK
            share = self._service.shares[name]
            self._places.setdefault(name, Place(share, self._service.leases, self._tell_break))
        else:
            raise Refused(NtStatus.STATUS_BAD_NETWORK_NAME)
        self._tree_count += 1
        header.tree_id = self._tree_count
        session.trees[header.tree_id] = name
        return struct.pack("<HBBIII", 16, kind, 0, 0, 0, ALL_ACCESS)

    def _tell_break(self, key: bytes, now: int, then: int) -> None:
        """Send a lease break, unasked."""
        body = struct.pack("<HHI16sIIIII", 44, 0, 1, key, now, then, 0, 0, 0)
        header = Header(Commands.SMB2_OPLOCK_BREAK, NO_MESSAGE, flags=1)
        with self._sending:
            self._framed.send(header.pack() + body)
