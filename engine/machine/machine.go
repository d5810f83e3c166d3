// Package machine tells what the machine has to give.
package machine
