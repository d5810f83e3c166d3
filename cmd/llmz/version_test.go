package main

import "testing"

func TestVersionOf(t *testing.T) {
	for _, tc := range []struct{ linked, module, want string }{
		{"", "", nextVersion},
		{"", "(devel)", nextVersion},
		{"", "v0.0.0-20261127033013-41ba309dcfa3", nextVersion},
		{"", "v0.0.0-20261127033013-41ba309dcfa3+dirty", nextVersion},
		{"", "v1.2.4-0.20261127033013-41ba309dcfa3", nextVersion},
		{"", "v1.2.3", "1.2.3"},
		{"", "v1.2.3-rc.1", "1.2.3-rc.1"},
		{"1.2.3", "(devel)", "1.2.3"},
		{"1.2.3", "v1.2.2", "1.2.3"},
	} {
		if got := versionOf(tc.linked, tc.module); got != tc.want {
			t.Errorf("linked %q, module %q: %q, want %q", tc.linked, tc.module, got, tc.want)
		}
	}
}
