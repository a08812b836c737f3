# SPDX-License-Identifier: GPL-2.0-or-later
"""Finding trouble in what a kernel printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from kquic.lab import console

DATA = Path(__file__).parent / "data"

CALM = """\
Checking that seccomp filters can be installed...OK\r
[    0.110000] devtmpfs: initialized\r
[    0.310000] NET: Registered PF_ALG protocol family\r
[    1.310000] CIFS: Attempting to mount //server.test/share\r
[    5.200000] sysrq: Power Off\r
"""

LINES = [
    "WARNING: net/quic/sent.c:88 at quic_sent_add+0x1b/0x60, CPU#1: python3/112",
    "WARNING: possible recursive locking detected",
    "WARNING: suspicious RCU usage",
    "BUG: KASAN: slab-use-after-free in quic_conn_free+0x10/0x20",
    "BUG: sleeping function called from invalid context at mm/slab.h:1",
    "BUG: kernel NULL pointer dereference, address: 0000000000000008",
    "INFO: task touch:92 blocked for more than 6 seconds.",
    "INFO: rcu_sched detected stalls on CPUs/tasks:",
    "INFO: trying to register non-static key.",
    "unregister_netdevice: waiting for veth0 to become free. Usage count = 2",
    "UBSAN: array-index-out-of-bounds in net/quic/frame.c:1:2",
    "refcount_t: underflow; use-after-free.",
    "kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
    "watchdog: BUG: soft lockup - CPU#1 stuck for 22s!",
    "BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 30s!",
    "Kernel panic - not syncing: sysrq triggered crash",
    "BUG: scheduling while atomic: python3/112/0x00000002",
    "ref_tracker: net notrefcnt@000000006160cc88 has 1/1 users leaked",
]


def test_a_calm_log_is_no_trouble() -> None:
    assert console.in_log(CALM) == []


@pytest.mark.parametrize("line", LINES)
def test_every_kind_of_report_is_found(line: str) -> None:
    found = console.in_log(f"{CALM}[    6.000000] {line}\r\n[    6.100000] after\r\n")
    assert [trouble.what for trouble in found] == [line]


def test_a_warning_comes_with_its_trace_and_nothing_else() -> None:
    (trouble,) = console.in_log((DATA / "warning.log").read_text())
    lines = trouble.trace.splitlines()
    assert "cut here" in lines[0]
    assert "end trace" in lines[-1]
    assert "lkdtm_do_action" in trouble.trace


def test_a_recorded_panic_is_one_trouble_with_the_stack() -> None:
    (trouble,) = console.in_log((DATA / "panic.log").read_text())
    assert trouble.what == "Kernel panic - not syncing: sysrq triggered crash"
    assert "write_sysrq_trigger" in trouble.trace


def test_two_warnings_are_two_troubles() -> None:
    text = (DATA / "warning.log").read_text()
    assert len(console.in_log(text + text)) == 2


def test_a_clean_state_is_no_trouble() -> None:
    state = console.parse_state("tainted 0\nhung_tasks 0\ndebug_locks 1\n")
    assert console.in_state(state, lockdep=True) == []


def test_kunits_own_taint_is_harmless() -> None:
    assert console.in_state({"tainted": str(1 << 18)}, lockdep=False) == []


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ({"tainted": "512", "debug_locks": "1"}, "warning"),
        ({"tainted": "640", "debug_locks": "1"}, "died"),
        ({"tainted": "0", "hung_tasks": "2", "debug_locks": "1"}, "2 task"),
        ({"tainted": "0", "debug_locks": "0"}, "lockdep"),
        ({"tainted": "0"}, "lockdep"),
    ],
)
def test_a_bad_state_is_trouble(state: dict[str, str], word: str) -> None:
    (trouble,) = console.in_state(state, lockdep=True)
    assert word in trouble.what
