package engine

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// codeLike is content in which calls may be made absolute, with a header that says what it
// is.
func codeLike() []byte {
	elf := slices.Concat([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9), []byte{2, 0, 0x3e, 0, 1, 0, 0, 0}, make([]byte, 40))
	var code []byte
	for i := range 9000 {
		d := uint32(20000 - 10*i)
		code = append(code, 0x48, 0x89, 0xc7, 0x31, 0xd2, 0xe8, byte(d), byte(d>>8), byte(d>>16), byte(d>>24))
	}
	return append(elf, code...)
}

// numbersLike is content whose numbers are turned round: sound, with a header, and floats.
func numbersLike() []byte {
	wav := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00\x44\xac\x00\x00\x10\xb1\x02\x00\x04\x00\x10\x00data\xa0\x0f\x00\x00")
	for i := range 1000 {
		v := uint16(3000 * math.Sin(float64(i)/9))
		wav = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(wav, v), v/2)
	}
	for i := range 9000 {
		v := math.Float32bits(float32(100 * math.Sin(float64(i*i)/9)))
		wav = binary.LittleEndian.AppendUint32(wav, v)
	}
	return wav
}

// TestRich compresses with the rich mixer and back, in blocks of several kinds.
func TestRich(t *testing.T) {
	text := readFile(t, "canterbury_small.bin")
	for name, data := range map[string][]byte{
		"nothing": {}, "byte": {7}, "text": text, "noise": randomBytes(3000), "code": codeLike()[:40000], "numbers": numbersLike()[:20000],
		"several": slices.Concat(text[:4000], codeLike()[:30000], make([]byte, 3000), text[4000:]),
	} {
		t.Run(name, func(t *testing.T) {
			options := []Options{
				{NoModel: true, Rich: true, Lanes: 3, BlockSize: 15000}, {Model: newFakeModel("a"), Rich: true, Lanes: 4, BlockSize: 25000},
				{NoModel: true, Rich: true}, {Model: newFakeModel("a"), Rich: true},
			}
			if testing.Short() {
				options = options[:2]
			}
			for _, o := range options {
				made, _ := compress(t, data, o)
				got, _, err := decompress(made, ReadOptions{Models: resolver()})
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("%d bytes, want %d: %v", len(got), len(data), err)
				}
			}
		})
	}
}

// TestRichTokens mixes models of tokens with the rich mixer, in content of several kinds,
// machine code among it, which is changed before it is cut into tokens.
func TestRichTokens(t *testing.T) {
	text := readFile(t, "canterbury_small.bin")[:1500]
	for _, data := range [][]byte{text, text[:1], slices.Concat(text, codeLike()[:20000], text)} {
		for _, o := range []Options{{}, {Lanes: 3}, {BlockSize: 4000}} {
			o.Model, o.Rich = newFakeTokenModel(), true
			made, _ := compress(t, data, o)
			got, _, err := decompress(made, ReadOptions{Models: resolver()})
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %d lanes: %v", len(data), o.Lanes, err)
			}
		}
	}
}

// TestRichDamage changes every byte of an archive whose header is right.
func TestRichDamage(t *testing.T) {
	data := readFile(t, "canterbury_small.bin")[:1000]
	made, _ := compress(t, data, Options{NoModel: true, Rich: true})
	for i := range made {
		bad := bytes.Clone(made)
		bad[i] ^= 0x10
		if got, _, err := decompress(bad, ReadOptions{Models: resolver()}); err == nil && !bytes.Equal(got, data) {
			t.Fatalf("byte %d: other content, and no error", i)
		}
	}
}
