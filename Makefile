# The verbs that people type. What has logic is in xtask/, in Rust.

.PHONY: help demo demo-down test check image chart rig-up rig-down e2e bench-deploy world-sweep world-soak mutations

help:
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

# KUBECONFIG counts only where it stands on the command line: what a shell happens to have set is no cluster to try things on.
given = $(if $(filter command,$(firstword $(origin KUBECONFIG))),--kubeconfig "$(KUBECONFIG)" $(if $(IMAGE),--image "$(IMAGE)"))

demo: ## a real Flink job under the operator, on a real Kubernetes on this machine (needs root), or on that of KUBECONFIG=…
	@DEMO_BEGAN=$$(date +%s) cargo run --package xtask -- demo $(given)

demo-down: ## removes what demo made; with the same KUBECONFIG=…
	cargo xtask demo-down $(given)

test: ## all tests, layer by layer, and their totals
	cargo xtask tools
	cargo xtask test

check: ## format, lints, documentation, generated files, dependency edges, files, workflows
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace
	cargo xtask crds --check
	cargo xtask check

image: ## the operator's image as an OCI archive, made without Docker
	cargo xtask image

chart: ## the Helm chart, linted, rendered and held against its rules
	cargo xtask chart

rig-up: ## a real one-node Kubernetes on this machine, for e2e; needs root
	rig/rig up full

rig-down: ## ends the Kubernetes of rig-up
	rig/rig down

e2e: ## tests against that Kubernetes with real Flink images
	cargo xtask e2e

bench-deploy: ## how fast an application is deployed, beside a bare client; BENCH_RUNS=20
	cargo xtask bench-deploy

world-sweep: ## every fault in every scenario of the simulated world, without leaving any out
	cargo run --profile fast -p world -- sweep

world-soak: ## random faults in random scenarios, each followed by a quiet hour; MINUTES=60 SEED=1
	cargo run --profile fast -p world -- soak --minutes $(or $(MINUTES),60) --seed $(or $(SEED),1)

mutations: ## breaks the operator in one place after the other: the test that is named for each has to fail
	cargo xtask mutations
