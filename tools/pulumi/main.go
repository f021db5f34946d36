//go:build never

// Package majlis names the one program that tools/pulumi-engine builds; go.mod and go.sum hold its exact versions.
package majlis

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
