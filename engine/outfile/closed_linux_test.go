package outfile

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestClosedStreams looks at streams from inside a child process.
func TestClosedStreams(t *testing.T) {
	if os.Getenv("LLMZ_TEST_STREAMS") != "" {
		for _, f := range []*os.File{os.Stdin, os.Stdout} {
			if err := CheckStream(f); err != nil {
				os.Stderr.WriteString(err.Error() + "\n")
			}
		}
		if err := CheckPath("/dev/stdout"); err != nil {
			os.Stderr.WriteString("by path\n")
		}
		return
	}
	const in, out = "standard input is closed\n", "standard output is closed\nby path\n"
	for _, tc := range []struct{ redirect, want string }{
		{"", ""},
		{"<&-", in},
		{">&-", out},
		{"<&- >&-", in + out},
		{"</dev/null >/dev/null", ""},
		{"</dev/null | cat", ""},
		{">>/dev/null", ""},
		{"<>/dev/null >&0", ""}, // as for daemons
	} {
		if !sameOpenFile(os.Getpid(), 1, 1) && strings.Contains(tc.redirect, "<>") {
			continue // a sandbox does not let processes compare
		}
		cmd := exec.Command("sh", "-c", `"$0" -test.run='^TestClosedStreams$' `+tc.redirect, os.Args[0])
		cmd.Env = append(os.Environ(), "LLMZ_TEST_STREAMS=1")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil && !strings.Contains(tc.redirect, ">&-") || stderr.String() != tc.want {
			t.Errorf("%s: %v, %q, want %q", tc.redirect, err, stderr.String(), tc.want)
		}
	}
}
