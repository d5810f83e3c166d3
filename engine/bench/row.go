package bench

// Kind says what sort of compressor a row is about.
type Kind string

// The kinds of compressors.
const (
	KindModel   Kind = "model"   // a model of llmz
	KindClassic Kind = "classic" // a Go library, see engine/classic
	KindPeer    Kind = "peer"    // a program run as a process
)

// A Row is one compressor measured on one file, in both directions. Its JSON
// form is the result object of the command contract with "op":"bench". Where
// runs were repeated, plain figures are medians.
type Row struct {
	Op   string `json:"op"` // "bench"
	File string `json:"file"`
	// Output is empty: nothing is written.
	Output string `json:"output"`
	Model  string `json:"model"`
	Kind   Kind   `json:"kind"`
	// Error says why the row failed; its figures then mean nothing.
	Error string `json:"error,omitempty"`

	ModelSHA256 string `json:"model_sha256"`
	Parameters  int64  `json:"parameters,omitempty"`
	Device      string `json:"device"`
	Kernel      string `json:"kernel"`

	OriginalBytes   int64   `json:"original_bytes"`
	CompressedBytes int64   `json:"compressed_bytes"`
	Ratio           float64 `json:"ratio"`
	BPC             float64 `json:"bpc"`
	// ModelBytes is the size of the model that the decoder needs beside the archive,
	// WithModelBytes the sum of both. Programs and libraries themselves are not
	// counted, llmz's neither.
	ModelBytes     int64 `json:"model_bytes"`
	WithModelBytes int64 `json:"with_model_bytes"`

	Seconds                  float64 `json:"seconds"`          // of compressing
	BytesPerSecond           float64 `json:"bytes_per_second"` // of compressing
	CompressBytesPerSecond   float64 `json:"compress_bytes_per_second"`
	DecompressBytesPerSecond float64 `json:"decompress_bytes_per_second"`
	Compress                 Summary `json:"compress_seconds"`
	Decompress               Summary `json:"decompress_seconds"`
	// LoadSeconds is the time to get the model ready, in neither of the above.
	LoadSeconds float64 `json:"load_seconds"`
	// FirstByteSeconds is the time from the start of decompression, the model being
	// loaded, to the first byte.
	FirstByteSeconds float64 `json:"first_byte_seconds"`

	Symbols      int64 `json:"symbols"`
	Blocks       int   `json:"blocks"`
	Lanes        int   `json:"lanes"`
	Threads      int   `json:"threads"`
	PeakRSSBytes int64 `json:"peak_rss_bytes"`
	// Verified is true when the decoded archive was equal to the original.
	Verified bool `json:"verified"`

	// Profile and DecompressProfile are seconds by stage, of the first measured run; of
	// a compressor that does not tell, all of it is "other".
	Profile           map[string]float64 `json:"profile"`
	DecompressProfile map[string]float64 `json:"decompress_profile,omitempty"`
	// Curve is a sample of (bytes, compressed bytes) along the file.
	Curve [][2]int64 `json:"curve,omitempty"`

	// Command reproduces the row.
	Command string `json:"command"`
	// Note says what a reader should know about the compressor.
	Note  string `json:"note,omitempty"`
	Rot13 bool   `json:"rot13,omitempty"`
	Limit int64  `json:"limit,omitempty"`
	// LanesAsked is what the row was told to use, 0 for the model's own choice.
	LanesAsked int `json:"lanes_asked,omitempty"`
	// NoMix is true for the bare model, without context mixing.
	NoMix bool `json:"no_mix,omitempty"`
	// Rich is true where the rich mixer was asked for.
	Rich bool `json:"rich,omitempty"`
	// Levels are the levels that the row stands for, if they were asked for.
	Levels []int `json:"levels,omitempty"`
	// ThreadsAsked is what the row was told to use, 0 for all cores; Threads is what the
	// compressor says it had.
	ThreadsAsked int `json:"threads_asked,omitempty"`
	// BlockSize is what the row was told to use, 0 for the model's own choice.
	BlockSize int `json:"block_size,omitempty"`
	// ArchiveSHA256 tells archives of our own apart, in hexadecimal.
	ArchiveSHA256 string `json:"archive_sha256,omitempty"`
	// Mixer names the archive's mixer, "fast", "lean" or "rich"; empty for none.
	Mixer string `json:"mixer,omitempty"`

	Host
}

// Host is where and when a row was measured, and with what.
type Host struct {
	Machine string `json:"machine,omitempty"`
	Version string `json:"version,omitempty"`
	Commit  string `json:"commit,omitempty"`
	Date    string `json:"date,omitempty"` // RFC 3339, UTC
	// Busy is the number of processes per core that wanted to run when the row was
	// begun, where the system tells. Above 0.5 or so, others took a part of the time.
	Busy float64 `json:"busy,omitempty"`
}

// Failed reports whether the row has no figures to show.
func (r *Row) Failed() bool { return r.Error != "" }

// Where returns the device and kernel as tables show them.
func (r *Row) Where() string {
	switch {
	case r.Kernel == "":
		return r.Device
	case r.Device == "":
		return r.Kernel
	}
	return r.Device + " " + r.Kernel
}

// InferShare returns the share of a profile's time that went into the model, 0
// to 1, and false where the profile does not tell.
func InferShare(profile map[string]float64) (float64, bool) {
	var total float64
	for _, s := range profile {
		total += s
	}
	infer, ok := profile["model_infer"]
	if !ok || total <= 0 {
		return 0, false
	}
	return infer / total, true
}

// settle fills in the figures that follow from the measured ones.
func (r *Row) settle() {
	r.Seconds = r.Compress.Median
	r.CompressBytesPerSecond = rate(r.OriginalBytes, r.Compress.Median)
	r.DecompressBytesPerSecond = rate(r.OriginalBytes, r.Decompress.Median)
	r.BytesPerSecond = r.CompressBytesPerSecond
	r.WithModelBytes = r.CompressedBytes + r.ModelBytes
	if r.CompressedBytes > 0 {
		r.Ratio = float64(r.OriginalBytes) / float64(r.CompressedBytes)
	}
	if r.OriginalBytes > 0 {
		r.BPC = 8 * float64(r.CompressedBytes) / float64(r.OriginalBytes)
	}
}

func rate(n int64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return float64(n) / seconds
}
