.DEFAULT_GOAL := help
.PHONY: help build test check demo bench golden torture clean

help: ## say what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## build ./soquy
	CGO_ENABLED=0 go build -trimpath -o soquy ./cmd/soquy

test: ## run every check and test, with a PostgreSQL of its own
	scripts/test.sh

check: ## format, vet and staticcheck, without tests
	@test -z "$$(go tool gofumpt -l .)" || { go tool gofumpt -l .; exit 1; }
	go vet ./...
	go tool staticcheck ./...

demo: build ## build the demo ledger in a temporary folder and show its report
	@d=$$(mktemp -d) && ./soquy --db $$d/demo.db demo --exit; s=$$?; rm -rf $$d; exit $$s

bench: ## run the benchmarks of the packages
	go test -run '^$$' -bench . -benchmem ./domain/... ./eventstore/... ./internal/... ./projections/...

golden: ## write the golden files anew: read the difference before you commit it
	go test ./internal/eventcodec ./internal/cli ./internal/demo -update

ROUNDS ?= 200

torture: ## kill, stop and starve real processes for hours: make torture ROUNDS=200
	SOQUY_TORTURE=1 SOQUY_TORTURE_ROUNDS=$(ROUNDS) scripts/test.sh -v -p 1 -count 1 -timeout 24h ./internal/torture ./internal/faults

clean: ## delete what was built
	rm -f soquy
