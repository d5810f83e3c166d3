//go:build !noplots

package main

// canDraw tells whether this program draws pictures.
const canDraw = true
