// Package archtest fails the build when an import goes against the architecture: arrows point from the edges to the core, storage
// points at the contract that it implements, and nobody but internal/app points at storage.
package archtest
