package main

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

func TestPicture(t *testing.T) {
	in := "\x1b[1;38;2;45;212;191mllmz\x1b[m <&> \x1b[7mselected\x1b[27m\x1b[48;5;196mx\x1b[49m\n日本 \x1b[31mred\x1b[39m █▄\n"
	var b strings.Builder
	if err := run(strings.NewReader(in), &b, 40, &dark); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"#2dd4bf", "&lt;&amp;&gt;", "#ff0000", "日本", `fill="#fb7185"`, `font-weight="bold"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the picture lacks %q:\n%s", want, b.String())
		}
	}
	var l strings.Builder
	if err := run(strings.NewReader(in), &l, 40, &bright); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(l.String(), `fill="#ffffff"/>`) || !strings.Contains(l.String(), `fill="#b91c1c"`) || strings.Contains(l.String(), dark.paper) {
		t.Errorf("not light:\n%s", l.String())
	}
	var spaced strings.Builder
	if err := run(strings.NewReader("  a  b \x1b[4m  \x1b[24mc"), &spaced, 40, &dark); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<text x="30.8" y="27.7" textLength="33.6"`, ">a\u00a0\u00a0b</text>", `<text x="89.6" y="27.7" textLength="8.4"`} {
		if !strings.Contains(spaced.String(), want) {
			t.Errorf("no %q in\n%s", want, spaced.String())
		}
	}
	var dots strings.Builder
	if err := run(strings.NewReader("a\u2801\u28ff b"), &dots, 40, &dark); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(dots.String(), "h3.2"); n != 9 || !strings.Contains(dots.String(), `<text x="47.6"`) {
		t.Errorf("%d dots in\n%s", n, dots.String())
	}
	d := xml.NewDecoder(strings.NewReader(b.String()))
	for {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
