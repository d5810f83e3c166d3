//go:build unix

package main

import _ "github.com/llmz/llmz/cmd/llmz/internal/fdguard"
