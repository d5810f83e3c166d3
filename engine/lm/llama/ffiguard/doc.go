// Package ffiguard keeps programs that import the llama.cpp binding running on
// Linux systems without libffi.
//
// The binding's foreign-function package opens libffi.so.8 in its initialisation
// and panics where it is missing, which would end every program that merely
// imports it, long before a model of that kind is asked for. Here, before that
// can happen, a missing libffi is noticed and the program starts itself again
// with a stand-in preloaded: a library of that name, made in memory, whose
// functions all fail. Missing then tells the binding's users.
//
// The order is certain: Go initialises packages by import path as soon as their
// imports are initialised, and this one imports syscall only, while the other
// imports os, which sorts after it.
package ffiguard
