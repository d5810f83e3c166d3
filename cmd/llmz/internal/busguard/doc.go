// Package busguard ends the program with a sentence and exit code 1 where a file is cut
// off that is mapped into its memory, as llama.cpp's libraries are: the system sends
// SIGBUS to who touches what is gone. In C code the runtime could only end the program
// with a trace and exit code 2, which means usage.
package busguard
