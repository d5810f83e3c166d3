package content

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// The samples are made here, so that they are nobody's.

func words(r *rand.Rand, n int) string {
	const all = "the of and river stone that had never been seen before by those who came to ask what time it was"
	w := strings.Fields(all)
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(w[r.IntN(len(w))])
		if r.IntN(9) == 0 {
			b.WriteString(".\n")
		} else {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func phrase(r *rand.Rand, n int) string { return strings.ReplaceAll(words(r, n), "\n", " ") }

func lines(n int, line func(i int) string) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		b.WriteString(line(i))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// page is a bitmap of shapes, width bytes a row.
func page(width, rows int) []byte {
	b := make([]byte, width*rows)
	for y := range rows {
		for x := range 8 * width {
			dx, dy := x%190-95, y%130-65
			if d := dx*dx + dy*dy*2; d > 2500 && d < 3600 || (x+y/3)%400 < 9 {
				b[y*width+x/8] |= 0x80 >> (x & 7)
			}
		}
	}
	return b
}

// picture is a smooth image with a little noise.
func picture(r *rand.Rand, width, rows, step int) []byte {
	b := make([]byte, width*rows)
	for i := range b {
		x, y, c := i%width/step, i/width, i%width%step
		v := 120 + 60*math.Sin(float64(x)/31+float64(c))*math.Cos(float64(y)/17) + 40*math.Sin(float64(x+2*y)/90) + 3*r.NormFloat64()
		b[i] = byte(max(0, min(255, v)))
	}
	return b
}

func x86Code(r *rand.Rand, n int) []byte {
	var b []byte
	for len(b) < n {
		switch r.IntN(5) {
		case 0:
			b = append(b, 0xe8)
			b = binary.LittleEndian.AppendUint32(b, uint32(r.IntN(40)*500-len(b)-5))
		case 1:
			b = append(b, 0x48, 0x8b, 0x44, 0x24, byte(r.IntN(20)*8))
		case 2:
			b = append(b, 0x48, 0x89, 0xc0|byte(r.IntN(64)))
		case 3:
			b = append(b, 0x83, 0xf8, byte(r.IntN(9)), 0x74, byte(r.IntN(60)))
		default:
			b = append(b, 0x0f, 0xb6, 0x50, byte(r.IntN(40)))
		}
	}
	return b[:n]
}

func floats(r *rand.Rand, n int) []byte {
	var b []byte
	for i := 0; len(b) < n; i++ {
		v := math.Sin(float64(i)/20)*100 + r.NormFloat64()
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
	}
	return b
}

func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func header(format string, v ...any) []byte {
	var b bytes.Buffer
	i := 0
	for _, c := range format {
		switch c {
		case 's':
			b.WriteString(v[i].(string))
		case 'h':
			binary.Write(&b, binary.LittleEndian, uint16(v[i].(int)))
		case 'w':
			binary.Write(&b, binary.LittleEndian, uint32(v[i].(int)))
		case 'H':
			binary.Write(&b, binary.BigEndian, uint16(v[i].(int)))
		case 'W':
			binary.Write(&b, binary.BigEndian, uint32(v[i].(int)))
		}
		i++
	}
	return b.Bytes()
}

func elf(code []byte, machine int) []byte {
	const text, names = 4096, 64
	b := make([]byte, text)
	copy(b, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint16(b[18:], uint16(machine))
	binary.LittleEndian.PutUint64(b[40:], uint64(text+len(code)))
	binary.LittleEndian.PutUint16(b[58:], 64)
	binary.LittleEndian.PutUint16(b[60:], 2)
	b = append(b, code...)
	b = append(b, make([]byte, 64)...) // section 0
	sec := make([]byte, 64)
	binary.LittleEndian.PutUint32(sec[4:], 1)
	binary.LittleEndian.PutUint64(sec[8:], 6)
	binary.LittleEndian.PutUint64(sec[16:], 0x400000)
	binary.LittleEndian.PutUint64(sec[24:], text)
	binary.LittleEndian.PutUint64(sec[32:], uint64(len(code)))
	return append(b, sec...)
}

func TestDetect(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const n = 40000
	bmp := header("swwwwwwhhwwwwww", "BM", 0, 0, 54, 40, 150, 90, 1, 24, 0, 0, 0, 0, 0, 0)
	wav := header("swsswhhwwhhsw", "RIFF", 0, "WAVE", "fmt ", 16, 1, 2, 44100, 176400, 4, 16, "data", 40000)
	aiff := header("sWssWHWHWWHsWWW", "FORM", 0, "AIFF", "COMM", 18, 1, 20000, 16, 0, 0, 0, "SSND", 40008, 0, 0)
	tiff := header("swhhhwwhhwwhhwwhhwwhhww", "II*\x00", 8, 6, 256, 4, 1, 300, 257, 4, 1, 100, 258, 3, 1, 8, 259, 3, 1, 1, 277, 3, 1, 3)
	tiff = append(tiff[:8+2+12*5], header("hhwww", 273, 4, 1, 86, 0)...)
	binary.LittleEndian.PutUint16(tiff[8:], 6)
	tiff = append(tiff, make([]byte, 86-len(tiff))...)
	for _, c := range []struct {
		name string
		data []byte
		want []Kind
		seg  Segment // of the last kind wanted, but for its length
	}{
		{"prose", []byte(words(r, n)), []Kind{Text}, Segment{Kind: Text}},
		{"Cyrillic", []byte(strings.Repeat("Быть или не быть, вот в чём вопрос\n", 600)), []Kind{Text}, Segment{Kind: Text}},
		{"Latin-1", bytes.Repeat([]byte("M\xf6gen h\xe4tte k\xf6nnen d\xfcrfen, sagte er\n"), 600), []Kind{Text}, Segment{Kind: Text}},
		{"C", lines(n, func(i int) string { return fmt.Sprintf("\tif (a[%d] == b->x) { f(%d, &c); }", i, i*7) }), []Kind{Source}, Segment{Kind: Source}},
		{"HTML", lines(n, func(i int) string { return fmt.Sprintf("<p class=q>%s</p>", words(r, 30+i%20)) }), []Kind{Markup}, Segment{Kind: Markup}},
		{"CSV", lines(n, func(i int) string { return fmt.Sprintf("%d,%s,%d,%d", i, phrase(r, 9)[:9], r.IntN(99), i*3) }), []Kind{Table}, Segment{Kind: Table, Step: ','}},
		{"TSV", lines(n, func(i int) string { return fmt.Sprintf("%d\t%d\t%d", i, r.IntN(99), i*3) }), []Kind{Table}, Segment{Kind: Table, Step: '\t'}},
		{"log", lines(n, func(i int) string {
			return fmt.Sprintf("2026-03-%02d %02d:00:07 %s", i/24%28+1, i%24, phrase(r, 20+i%31))
		}), []Kind{Log}, Segment{Kind: Log}},
		{"noise", noise(r, n), []Kind{Plain}, Segment{}},
		{"zeros", make([]byte, n), []Kind{Plain}, Segment{}},
		{"bitmap", page(180, 400), []Kind{Image1}, Segment{Kind: Image1, Width: 180}},
		{"bitmap with white", append(make([]byte, 40000), append(page(216, 500), make([]byte, 90000)...)...), []Kind{Image1}, Segment{Kind: Image1, Width: 216}},
		{"PBM", append([]byte("P4\n# made\n1234 300\n"), page(155, 300)...), []Kind{Text, Image1}, Segment{Kind: Image1, Width: 155}},
		{"PGM", append([]byte("P5 200 150 255\n"), picture(r, 200, 150, 1)...), []Kind{Text, Image8}, Segment{Kind: Image8, Width: 200}},
		{"PPM", append([]byte("P6 100 150\n255\n"), picture(r, 300, 150, 3)...), []Kind{Text, Image24}, Segment{Kind: Image24, Width: 300, Step: 3}},
		{"BMP", append(bytes.Clone(bmp), picture(r, 452, 90, 3)...), []Kind{Plain, Image24}, Segment{Kind: Image24, Width: 452, Step: 3}},
		{"TIFF", append(tiff, picture(r, 900, 100, 3)...), []Kind{Plain, Image24}, Segment{Kind: Image24, Width: 900, Step: 3}},
		{"grey without header", picture(r, 320, 200, 1), []Kind{Image8}, Segment{Kind: Image8, Width: 320}},
		{"colours without header", picture(r, 960, 100, 3), []Kind{Image24}, Segment{Kind: Image24, Width: 960, Step: 3}},
		{"WAV", append(wav, noise(r, 40000)...), []Kind{Plain, Audio}, Segment{Kind: Audio, Width: 4, Step: 2}},
		{"AIFF", append(aiff, noise(r, 40000)...), []Kind{Plain, Audio}, Segment{Kind: Audio, Width: 2, Step: 2, BigEndian: true}},
		{"floats", floats(r, n), []Kind{Numbers}, Segment{Kind: Numbers, Step: 4}},
		{"x86 code", x86Code(r, 100000), []Kind{X86}, Segment{Kind: X86, Step: 8, Absolute: true}},
		{"x86 in ELF", elf(x86Code(r, 60000), 62), []Kind{Plain, X86, Plain}, Segment{}},
		{"SPARC in ELF", elf(noise(r, 60000), 43), []Kind{Plain, Code, Plain}, Segment{}},
	} {
		plan := Detect(c.data)
		var got []Kind
		for _, s := range plan {
			got = append(got, s.Kind)
		}
		last := Segment{}
		if len(plan) > 0 {
			last = plan[len(plan)-1]
			last.Len = 0
		}
		if !reflect.DeepEqual(got, c.want) || last != c.seg {
			t.Errorf("%s: %v, last %+v; want %v, %+v", c.name, got, last, c.want, c.seg)
		}
		checkPlan(t, plan, len(c.data))
	}
}

// checkPlan tells whether a plan of n bytes can be stored and read.
func checkPlan(t *testing.T, plan Plan, n int) {
	t.Helper()
	got, rest, err := Parse(plan.Append(nil), n)
	if err != nil || len(rest) > 0 || !reflect.DeepEqual(got, plan) {
		t.Errorf("stored and read: %v, %v, want %v", got, err, plan)
	}
}

// TestDetectParts is about a file of files, as tar makes them.
func TestDetectParts(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var tar []byte
	want := []Kind{Text, Image24, X86, Log, Image1}
	for _, part := range [][]byte{
		[]byte(words(r, 30000)),
		append([]byte("P6 100 150\n255\n"), picture(r, 300, 150, 3)...),
		elf(x86Code(r, 60000), 62),
		lines(30000, func(i int) string { return fmt.Sprintf("[%05d.%06d] %s", i, r.IntN(999999), phrase(r, 20+i%31)) }),
		append([]byte("P4 1600 200\n"), page(200, 200)...),
	} {
		head := make([]byte, 512)
		copy(head, "name")
		copy(head[257:], "ustar")
		tar = append(append(tar, head...), part...)
		tar = append(tar, make([]byte, -len(tar)&511)...)
	}
	plan := Detect(tar)
	var got []Kind
	for _, s := range plan {
		if s.Len > 10000 {
			got = append(got, s.Kind)
		}
	}
	if !reflect.DeepEqual(got, want) || len(plan) > 14 {
		t.Errorf("%v, want %v and little else", plan, want)
	}
	checkPlan(t, plan, len(tar))
}

// TestDetectShort is about a file in an archive that is shorter than its header says.
func TestDetectShort(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	tar := append([]byte("P6 100 1500\n255\n"), picture(r, 300, 100, 3)...)
	tar = append(tar, make([]byte, -len(tar)&511)...)
	head := make([]byte, 512)
	copy(head, "next")
	copy(head[257:], "ustar\x00")
	tar = append(append(tar, head...), words(r, 60000)...)
	plan := Detect(tar)
	if len(plan) < 3 || plan[1].Kind != Image24 || plan[1].Len > 31000 || plan[len(plan)-1].Kind != Text {
		t.Errorf("%v", plan)
	}
}

// TestDetectManyHeaders is about blocks that are made to keep the detector busy: a header at
// every place, with tables of the greatest size. It ends because the entries are bounded.
func TestDetectManyHeaders(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for name, head := range map[string][]byte{
		"TIFF": header("swh", "II*\x00", 8, 65535), "WAV": header("sws", "RIFF", 0, "WAVE"), "AIFF": header("sWs", "FORM", 0, "AIFF"),
		"ELF": elf(nil, 62)[:64], "PNM": []byte("P6#"), "PE": []byte("MZ"), "BMP": []byte("BM"),
	} {
		b := bytes.Repeat(head, 1<<18/len(head))
		for range 50 {
			b[r.IntN(len(b))] = byte(r.Uint32())
		}
		checkPlan(t, Detect(b), len(b))
		if name == "ELF" { // sections without end
			for i := 0; i+64 <= len(b); i += 64 {
				binary.LittleEndian.PutUint64(b[i+40:], 64)
				binary.LittleEndian.PutUint16(b[i+60:], 4000)
			}
			checkPlan(t, Detect(b), len(b))
		}
	}
}

func FuzzDetect(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 10))
	f.Add(elf(x86Code(r, 3000), 62))
	f.Add(append([]byte("P4 1600 20\n"), page(200, 20)...))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00data\xff\xff\xff\xff    "))
	f.Add([]byte("MZ"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		plan := Detect(b)
		checkPlan(t, plan, len(b))
		if !reflect.DeepEqual(plan, Detect(b)) {
			t.Fatal("not the same again")
		}
		if len(b) < 1<<11 {
			checkCalls(t, plan, b)
		}
	})
}

func BenchmarkDetect(b *testing.B) {
	r := rand.New(rand.NewPCG(11, 12))
	var data []byte
	data = append(data, words(r, 1<<20)...)
	data = append(data, noise(r, 1<<20)...)
	data = append(data, x86Code(r, 1<<20)...)
	data = append(data, page(216, 4096)...)
	data = append(data, floats(r, 1<<20)...)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		Detect(data)
	}
}
