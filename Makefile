# Majlis. `make` alone lists what can be made.
PYTHON ?= /usr/bin/python3.11
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
HYPERVISOR := $(VENV)/.hypervisor
PLAYERS := demo/players/node_modules/.ready

.DEFAULT_GOAL := help
.PHONY: help setup system system-demo system-lab system-hypervisor demo lab lab-down test check bench bench-site lock clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: system $(READY) $(HYPERVISOR) $(PLAYERS)  ## install everything that demo and test need (idempotent)

# What the tests run beside the demo: real servers, a lab of real hosts, a hypervisor, a board, Vagrant.
system: system-demo system-lab system-hypervisor
	@tools/system-packages luacheck:lua-check initdb:postgresql chromium:chromium named-checkzone:bind9-utils \
		sshd:openssh-server sudo:sudo turnserver:coturn promtool:prometheus keytool:default-jre-headless \
		libvirtd:libvirt-daemon-system libvirtd:libvirt-daemon-driver-qemu virsh:libvirt-clients \
		qemu-system-x86_64:qemu-system-x86 qemu-img:qemu-utils vagrant:vagrant lxc-start:lxc \
		/usr/share/doc/vagrant-lxc:vagrant-lxc

system-hypervisor:
	@tools/system-packages gcc:gcc pkg-config:pkg-config genisoimage:genisoimage \
		/usr/include/libvirt/libvirt.h:libvirt-dev /usr/include/python3.11/Python.h:libpython3.11-dev

system-demo:
	@tools/system-packages prosody:prosody node:nodejs npm:npm

# The lock holds every dependency with its hash; a changed lock makes the environment anew.
$(READY): requirements.lock pyproject.toml | system-demo
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Builds the one dependency that has no wheel; a site of other machines needs neither it nor a compiler.
$(HYPERVISOR): requirements-hypervisor.lock $(READY) | system-hypervisor
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(PLAYERS): demo/players/package-lock.json | system-demo
	npm ci --prefix demo/players --no-audit --no-fund --loglevel=error
	@touch $@

demo: system-demo $(READY) $(PLAYERS)  ## play a parliament's morning on this machine, then stay up (ONCE=1 ends, PORT=8010 moves)
	$(BIN)/python -m demo $(if $(ONCE),--once) $(if $(PORT),--port $(PORT))

system-lab: system-demo
	@tools/system-packages mmdebstrap:mmdebstrap systemd-nspawn:systemd-container apt-cacher-ng:apt-cacher-ng nft:nftables ip:iproute2 ssh-keygen:openssh-client

lab: system-lab $(READY) $(PLAYERS)  ## build a whole site on this machine and play the morning on it (JITSI=DIR takes Jitsi's own .deb files)
	@tools/lab up $(if $(JITSI),$(abspath $(JITSI)))

lab-down: $(READY)  ## remove every trace of the lab, also of a half-built one
	@tools/lab down

test: setup check  ## run every check and test (as root also the lab of real hosts)
	@tools/pulumi-engine
	$(BIN)/pytest tests --ignore=tests/bench

check: system $(READY)  ## format, lint, types, import directions, Lua, policies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	luacheck --quiet --no-color playbooks/roles/prosody/files
	$(BIN)/majlis policy check policies

bench: setup  ## measure, and print ratios of one run (ONLY=over-http for one measure)
	@tools/system-packages wrk:wrk
	$(BIN)/python -m tests.bench $(ONLY)

bench-site: system-lab $(READY)  ## time of building a site, against plain apt-get on as many hosts (root)
	$(BIN)/python -m tests.bench.site

COMPILE := uv pip compile --quiet --python $(BIN)/python --generate-hashes --no-header --no-annotate
lock:  ## resolve the dependencies again (needs uv)
	$(COMPILE) --group dev pyproject.toml -o requirements.lock
	$(COMPILE) --constraints requirements.lock pyproject.toml -o requirements-host.lock
	$(COMPILE) --group hypervisor -o requirements-hypervisor.lock

clean:  ## remove what was installed or built in this checkout
	rm -rf $(VENV) demo/players/node_modules .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
