package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hash/crc32"
)

// Header is what a member says about itself before its first block.
type Header struct {
	// Model is the model that coded blocks need, nil for none.
	Model *Model
	// Mixer is the version of the context mixer, 0 where blocks are coded without it.
	Mixer uint8
	// Name is the base name of the original file, empty where it had none.
	Name string
	// Time is its modification time, zero where it is unknown.
	Time time.Time
	// Mode is its Unix permission bits (the lower 12), 0 where they are unknown.
	Mode uint32
	// Digests says that the sum in the index is made from the digests of the blocks: see
	// Summer.
	Digests bool
	// Part says which part of an archive this member is, nil for a whole one.
	Part *Part
}

// Model identifies a model and what it must run with.
type Model struct {
	Name   string
	Digest []byte // SHA-256 of the model file, or the first bytes of it
	// Numerics is the arithmetic contract, 0 for models in an external runtime.
	Numerics uint32
	// Portability is the class of the archive, 0 (portable) to 2.
	Portability uint8
	// Tokens says that the symbols are tokens, not bytes.
	Tokens bool
	// Runtime holds the settings of an external runtime.
	Runtime map[string]string
}

// Bits of the header's flags.
const (
	flagModel   = 1 << 0
	flagMixer   = 1 << 1
	flagName    = 1 << 2
	flagTime    = 1 << 3
	flagMode    = 1 << 4
	flagRuntime = 1 << 5
	flagDigests = 1 << 6
	flagPart    = 1 << 7
	flagsKnown  = 1<<8 - 1
)

// Bits of the model class.
const (
	classPortability = 3
	classTokens      = 1 << 2
	classNumerics    = 3 // the numerics are the bits from this one on
)

const maxMode = 1<<12 - 1

// Times are stored as seconds*2^30 + nanoseconds.
const timeShift = 30

// maxTime is the number of seconds around 1970 that times may have: 272 years.
const maxTime = 1 << (63 - timeShift)

// StorableTime reports whether a header can hold t: those between 1697 and 2242. Others
// are left out of it.
func StorableTime(t time.Time) bool {
	s := t.Unix()
	return !t.IsZero() && s >= -maxTime && s < maxTime
}

// append appends the header's record to p.
func (h *Header) append(p []byte) ([]byte, error) {
	var flags uint64
	var b []byte
	if m := h.Model; m != nil {
		flags |= flagModel
		if m.Name == "" || len(m.Name) > MaxName {
			return nil, fmt.Errorf("model name of %d bytes: it must have 1 to %d", len(m.Name), MaxName)
		}
		if len(m.Digest) > maxDigest {
			return nil, fmt.Errorf("model digest of %d bytes: at most %d", len(m.Digest), maxDigest)
		}
		if m.Portability > 2 {
			return nil, fmt.Errorf("portability class %d: at most 2", m.Portability)
		}
		b = appendBytes(b, m.Name)
		b = appendBytes(b, m.Digest)
		class := uint64(m.Numerics)<<classNumerics | uint64(m.Portability)
		if m.Tokens {
			class |= classTokens
		}
		b = binary.AppendUvarint(b, class)
		if len(m.Runtime) > 0 {
			flags |= flagRuntime
			var err error
			if b, err = appendSettings(b, m.Runtime); err != nil {
				return nil, err
			}
		}
	}
	if h.Mixer != 0 {
		flags |= flagMixer
		b = append(b, h.Mixer)
	}
	if h.Name != "" {
		if err := checkName(h.Name); err != nil {
			return nil, err
		}
		flags |= flagName
		b = appendBytes(b, h.Name)
	}
	if StorableTime(h.Time) {
		flags |= flagTime
		b = binary.LittleEndian.AppendUint64(b, uint64(h.Time.Unix()<<timeShift|int64(h.Time.Nanosecond())))
	}
	if mode := h.Mode & maxMode; mode != 0 {
		flags |= flagMode
		b = binary.AppendUvarint(b, uint64(mode))
	}
	if h.Digests {
		flags |= flagDigests
	}
	if h.Part != nil {
		if err := h.Part.check(); err != nil || !h.Digests {
			return nil, errors.Join(errors.New("malformed part"), err)
		}
		flags |= flagPart
		b = h.Part.append(b)
	}
	fl := binary.AppendUvarint(nil, flags)
	if len(fl)+len(b) > MaxHeader {
		return nil, fmt.Errorf("archive header of %d bytes: at most %d", len(fl)+len(b), MaxHeader)
	}
	start := len(p)
	p = append(p, Magic...)
	p = append(p, Version)
	p = binary.AppendUvarint(p, uint64(len(fl)+len(b)))
	p = append(p, fl...)
	p = append(p, b...)
	return binary.LittleEndian.AppendUint32(p, crc32.Checksum(p[start:], castagnoli)), nil
}

func appendSettings(p []byte, settings map[string]string) ([]byte, error) {
	if len(settings) > MaxSettings {
		return nil, fmt.Errorf("%d runtime settings: at most %d", len(settings), MaxSettings)
	}
	keys := make([]string, 0, len(settings))
	for k, v := range settings {
		if k == "" || len(k) > MaxSettingKey || len(v) > MaxSetting {
			return nil, fmt.Errorf("runtime setting %q is empty or too long", k)
		}
		keys = append(keys, k)
	}
	slices.Sort(keys)
	p = binary.AppendUvarint(p, uint64(len(keys)))
	for _, k := range keys {
		p = appendBytes(p, k)
		p = appendBytes(p, settings[k])
	}
	return p, nil
}

// checkName refuses names that are not a plain base name on every system.
func checkName(name string) error {
	if len(name) > MaxName || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") {
		return fmt.Errorf("file name %q is not a base name of at most %d bytes", name, MaxName)
	}
	return nil
}

// CleanName returns name as a header can hold it: the part after the last
// separator, or nothing.
func CleanName(name string) string {
	if i := strings.LastIndexAny(name, "/\\"); i >= 0 {
		name = name[i+1:]
	}
	if checkName(name) != nil {
		return ""
	}
	return name
}

// headerPrefix is the most bytes that parseHeader needs to know a header's length.
const headerPrefix = len(Magic) + 1 + 3

// headerSize returns the size of the header record that p starts with, of which it must
// hold headerPrefix bytes unless the input is shorter.
func headerSize(p []byte) (int, error) {
	n := min(len(p), len(Magic))
	if string(p[:n]) != Magic[:n] {
		return 0, &Error{-1, 0, fmt.Sprintf("it starts with % x", p[:n]), ErrNotArchive}
	}
	if len(p) <= len(Magic) {
		return 0, errShort
	}
	if v := p[len(Magic)]; v > Version {
		return 0, &Error{-1, 0, fmt.Sprintf("format version %d, this program reads up to %d: use a newer one", v, Version), ErrUnsupported}
	} else if v == 0 {
		return 0, &Error{-1, 0, "format version 0", ErrCorrupt}
	}
	f := fields{p: p, pos: len(Magic) + 1}
	n = int(f.limited(MaxHeader, errTooBig))
	if f.err != nil {
		return 0, f.err
	}
	return f.pos + n + 4, nil
}

var errTooBig = errors.New("number beyond the format's limits")

// parseHeader parses the header record that p starts with. It returns its size and
// its checksum, which identifies the member.
func parseHeader(p []byte) (h *Header, size int, id uint32, err error) {
	size, err = headerSize(p)
	if err == nil && len(p) < size {
		err = errShort
	}
	if err != nil {
		return nil, 0, 0, inRecord(err, "header")
	}
	f := fields{p: p[:size], pos: size - 4}
	id = f.u32()
	if id != crc32.Checksum(p[:size-4], castagnoli) {
		return nil, 0, 0, &Error{-1, 0, "in the header", ErrChecksum}
	}
	f = fields{p: p[:size-4], pos: len(Magic) + 1}
	f.uvarint() // the size
	h = new(Header)
	flags := f.uvarint()
	if flags&^flagsKnown != 0 {
		return nil, 0, 0, &Error{-1, 0, fmt.Sprintf("header flags %#x: use a newer program", flags&^flagsKnown), ErrUnsupported}
	}
	if flags&flagModel != 0 {
		if h.Model, err = f.model(flags); err != nil {
			return nil, 0, 0, err
		}
	} else if flags&flagRuntime != 0 {
		f.err = errors.New("runtime settings without a model")
	}
	if flags&flagMixer != 0 {
		if h.Mixer = f.byte(); h.Mixer == 0 && f.err == nil {
			f.err = errors.New("mixer version 0")
		}
	}
	if flags&flagName != 0 {
		h.Name = string(f.bytes(MaxName, errTooBig))
		if f.err == nil && h.Name == "" {
			f.err = errors.New("empty name")
		} else if f.err == nil {
			f.err = checkName(h.Name)
		}
	}
	if flags&flagTime != 0 {
		v := int64(f.u64())
		nanos := v & (1<<timeShift - 1)
		if nanos >= 1e9 {
			f.err = errors.New("malformed time")
		}
		h.Time = time.Unix(v>>timeShift, nanos)
	}
	if flags&flagMode != 0 {
		h.Mode = uint32(f.limited(maxMode, errTooBig))
	}
	h.Digests = flags&flagDigests != 0
	if flags&flagPart != 0 {
		h.Part = f.part()
		if f.err == nil && !h.Digests {
			f.err = errors.New("a part without digests")
		}
	}
	if f.err == nil && f.pos != len(f.p) {
		f.err = errors.New("left-over bytes")
	}
	if f.err != nil {
		// The checksum was right: this was written so, not cut off.
		return nil, 0, 0, &Error{-1, 0, "header: " + f.err.Error(), ErrCorrupt}
	}
	return h, size, id, nil
}

func (f *fields) model(flags uint64) (*Model, error) {
	m := new(Model)
	m.Name = string(f.bytes(MaxName, errTooBig))
	if f.err == nil && m.Name == "" {
		f.err = errors.New("model without a name")
	}
	m.Digest = slices.Clone(f.bytes(maxDigest, errTooBig))
	class := f.limited(1<<(32+classNumerics)-1, errTooBig)
	if class&classPortability > 2 {
		return nil, &Error{-1, 0, fmt.Sprintf("portability class %d: use a newer program", class&classPortability), ErrUnsupported}
	}
	m.Portability = uint8(class & classPortability)
	m.Tokens = class&classTokens != 0
	m.Numerics = uint32(class >> classNumerics)
	if flags&flagRuntime == 0 {
		return m, nil
	}
	n := f.limited(MaxSettings, errTooBig)
	m.Runtime = make(map[string]string, n)
	last := ""
	for range n {
		k := string(f.bytes(MaxSettingKey, errTooBig))
		v := string(f.bytes(MaxSetting, errTooBig))
		if f.err == nil && k <= last {
			f.err = errors.New("runtime settings out of order")
		}
		last = k
		m.Runtime[k] = v
	}
	if f.err == nil && n == 0 {
		f.err = errors.New("no runtime settings")
	}
	return m, nil
}

// inRecord gives errors of fields a class: errShort means that the input ends too
// early, others that it is malformed.
func inRecord(err error, record string) error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return err
	case errors.Is(err, errShort):
		return &Error{-1, 0, "it ends inside the " + record, ErrTruncated}
	}
	return &Error{-1, 0, record + ": " + err.Error(), ErrCorrupt}
}
