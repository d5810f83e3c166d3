//go:build noplots

package main

const canDraw = false
