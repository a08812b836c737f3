# SPDX-License-Identifier: GPL-2.0-or-later
# Each target is one line on top of ./kquic, which sets up what it needs on first use.

.PHONY: demo test bench bench-congestion interop qemu-test deb check site build shell clean

demo:	; ./kquic demo
test:	; ./kquic test
bench:	; ./kquic lab run --timeout 5400 -- python3 -m bench && ./kquic lab run --pin -- python3 -m bench handshakes
bench-congestion:	; ./kquic lab run --flavour virtual --mem 3G --timeout 7200 -- python3 -m bench.congestion
interop:	; ./kquic interop
qemu-test:	; ./kquic qemu
deb:	; ./kquic deb --modules
check:	; ./kquic check
site:	; ./kquic site
build:	; ./kquic lab build
shell:	; ./kquic lab shell
clean:	; ./kquic clean
