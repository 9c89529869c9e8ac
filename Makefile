# What a person types. Every recipe says in its comment what it needs and leaves behind.

CARGO ?= cargo
VRFY = target/debug/vrfy
# The lab's servers want to be asked again after two seconds, not after minutes as real ones do.
QUICK = --set retry-delays=3s,3s --set retry-least=3s --set lane-hold-busy=3s --give-up-after 15s

.PHONY: help demo test test-long fuzz check fmt policy lists bless bench bench-load judge ci setup setup-test setup-long

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: setup ## Build, start the lab, probe the example list, show verdicts
	$(CARGO) build --quiet --workspace
	$(VRFY) lab examples/lab/first.toml -- $(VRFY) run examples/addresses.txt --format table $(QUICK)

test: setup setup-test ## Run every test; installs the mail servers that they talk to
	$(CARGO) test --workspace

test-long: setup setup-long ## Run the long tests (ten minutes once built): worlds, hostile mixes, more servers, fuzzing
	@bash tests/tools/test-long.sh

fuzz: setup ## Fuzz every target for FUZZ_SECONDS (60); needs nightly Rust and c++, says so where they lack
	@bash tests/tools/fuzz.sh

judge: setup ## Show how often the default policy is right: REPLIES="FILE..." adds replies to the project's
	$(CARGO) run --quiet --package vrfy-judge -- $(if $(VERBOSE),--verbose) $(REPLIES)

check: setup ## Lint and check formatting, as CI does
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- --deny warnings

fmt: ## Format the code
	$(CARGO) fmt --all

policy: setup ## Build the default policy as a file: target/default-policy.wasm
	$(CARGO) run --quiet --package vrfy-guest-build -- policy-guest target/default-policy.wasm target/guest

lists: ## Update the lists of host/data/lists from their packages; needs npm, python3 with pip, and the registries
	python3 tests/tools/lists.py $(LISTS)

bless: setup ## Rewrite the expected halves of the test data; review the diff like code
	VRFY_BLESS=1 $(CARGO) test --workspace

bench: setup bench-load ## Run the benchmarks; docs/benchmarks.md says what the figures mean
	$(CARGO) bench --package vrfy-proto --bench session
	$(CARGO) bench --package vrfy --bench policy

bench-load: setup ## Run the benchmarks of the whole program only: start, load, memory
	$(CARGO) build --release --package vrfy
	$(CARGO) bench --package vrfy-lab --bench program -- $(CURDIR)/target/release/vrfy

ci: ## What CI runs
	bash .ci/run

setup:
	@bash tests/tools/setup.sh

setup-test:
	@bash tests/tools/install-servers.sh

setup-long: setup-test
	@bash tests/tools/install-haraka.sh
