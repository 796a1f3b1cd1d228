# Short commands for developers. Everything with logic is in xtask/, in Rust.

.PHONY: help demo demo-down test check image chart rig-up rig-down e2e bench-deploy world-sweep world-soak mutations

help:
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

# KUBECONFIG counts only on the command line, so that demo never uses a cluster only because the shell has the variable set.
given = $(if $(filter command,$(firstword $(origin KUBECONFIG))),--kubeconfig "$(KUBECONFIG)" $(if $(IMAGE),--image "$(IMAGE)"))

demo: ## runs a Flink job with the operator, on a Kubernetes on this machine (needs root) or on the cluster of KUBECONFIG=…
	@DEMO_BEGAN=$$(date +%s) cargo run --package xtask -- demo $(given)

demo-down: ## removes what demo created; needs the same KUBECONFIG=…
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

image: ## builds the operator's image as an OCI archive, without Docker
	cargo xtask image

chart: ## lints and renders the Helm chart, and checks the objects
	cargo xtask chart

rig-up: ## starts a one-node Kubernetes on this machine, for e2e; needs root
	rig/rig up full

rig-down: ## stops the Kubernetes of rig-up
	rig/rig down

e2e: ## runs the tests with real Flink clusters on that Kubernetes
	cargo xtask e2e

bench-deploy: ## measures a deployment, and compares it with a minimal client; BENCH_RUNS=20
	cargo xtask bench-deploy

world-sweep: ## every fault in every scenario of the simulated world
	cargo run --profile fast -p world -- sweep

world-soak: ## random faults in random scenarios, each followed by an hour without faults; MINUTES=60 SEED=1
	cargo run --profile fast -p world -- soak --minutes $(or $(MINUTES),60) --seed $(or $(SEED),1)

mutations: ## inserts one fault at a time into the operator, and checks that a test fails for each
	cargo xtask mutations
