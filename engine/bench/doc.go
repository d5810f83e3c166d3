// Package bench measures compressors against each other: the models of llmz,
// the classic compressors, and programs found on the machine. It decides what is
// fair: every archive is decoded and compared, every row says how often it was
// run and how much the runs differed, what a model weighs beside the archive,
// and the command that reproduces it. A compressor that fails keeps its row.
//
// The package prints nothing. A Runner measures Cases and hands out Rows; the
// tables and the comparison write to the writer they are given. Pictures are
// drawn by the package plots.
//
// Units: sizes in bytes, times in seconds, speeds in original bytes per second.
package bench
