//go:build !nollama && (amd64 || arm64)

package ffiguard

// The functions of libffi that the binding looks up when it starts.
var functions = []string{
	"ffi_prep_cif", "ffi_prep_cif_var", "ffi_call", "ffi_closure_alloc", "ffi_closure_free", "ffi_prep_closure_loc", "ffi_get_struct_offsets",
}

// page is the largest page size of the two architectures: segments with
// different rights must not share one.
const page = 0x10000

// standIn returns a shared library (ELF, 64 bits, little-endian) that is called
// libffi.so.8 and whose functions all return an error: a readable and executable
// segment with headers, symbols and code, and a writable one with the dynamic
// section.
func standIn() []byte {
	var e fields
	strings := []byte{0}
	name := func(s string) uint32 {
		at := uint32(len(strings))
		strings = append(append(strings, s...), 0)
		return at
	}
	const phdrs = 4
	code := uint64(64 + phdrs*56)
	symbols := (code + uint64(len(fails)) + 7) &^ 7
	count := uint64(len(functions) + 1)

	var syms fields
	syms.zero(24)
	for _, f := range functions {
		syms.u32(name(f))
		syms.b = append(syms.b, 0x12, 0) // STB_GLOBAL, STT_FUNC; default visibility
		syms.u16(1)                      // any section: there are none
		syms.u64(code)
		syms.u64(uint64(len(fails)))
	}
	sonameAt := name(soname)
	// One bucket whose chain holds all symbols.
	hash := symbols + 24*count
	var table fields
	table.u32(1)
	table.u32(uint32(count))
	table.u32(1)
	for i := range count {
		next := uint32(i) + 1
		if i == 0 || uint64(next) == count {
			next = 0
		}
		table.u32(next)
	}
	text := hash + uint64(len(table.b))
	end := text + uint64(len(strings))

	// File header.
	e.b = append(e.b, 0x7f, 'E', 'L', 'F', 2, 1, 1, 0)
	e.zero(8)
	e.u16(3) // ET_DYN
	e.u16(machine)
	e.u32(1)
	e.u64(0)
	e.u64(64) // program headers
	e.u64(0)
	e.u32(0)
	e.u16(64)
	e.u16(56)
	e.u16(phdrs)
	e.u16(64)
	e.u16(0)
	e.u16(0)
	const dynamic = 7 * 16
	e.segment(1, 5, 0, end, page)        // PT_LOAD, read and execute
	e.segment(1, 6, page, dynamic, page) // PT_LOAD, read and write
	e.segment(2, 6, page, dynamic, 8)    // PT_DYNAMIC
	e.segment(0x6474e551, 6, 0, 0, 16)   // PT_GNU_STACK: not executable
	e.b = append(e.b, fails...)
	e.zero(int(symbols) - len(e.b))
	e.b = append(e.b, syms.b...)
	e.b = append(e.b, table.b...)
	e.b = append(e.b, strings...)
	e.zero(page - len(e.b))
	for _, d := range [][2]uint64{
		{14, uint64(sonameAt)}, {4, hash}, {5, text}, {6, symbols}, {10, uint64(len(strings))}, {11, 24}, {0, 0},
	} {
		e.u64(d[0])
		e.u64(d[1])
	}
	return e.b
}

// fields collects little-endian fields.
type fields struct{ b []byte }

func (e *fields) zero(n int)   { e.b = append(e.b, make([]byte, n)...) }
func (e *fields) u16(v uint16) { e.b = append(e.b, byte(v), byte(v>>8)) }
func (e *fields) u32(v uint32) { e.u16(uint16(v)); e.u16(uint16(v >> 16)) }
func (e *fields) u64(v uint64) { e.u32(uint32(v)); e.u32(uint32(v >> 32)) }

// segment adds a program header whose position in the file and in memory are
// the same.
func (e *fields) segment(kind, flags uint32, at, size, align uint64) {
	e.u32(kind)
	e.u32(flags)
	e.u64(at)
	e.u64(at)
	e.u64(at)
	e.u64(size)
	e.u64(size)
	e.u64(align)
}
