//go:build !nollama

package main

import "github.com/llmz/llmz/cmd/llmz/internal/busguard"

func init() { busguard.Install() }
