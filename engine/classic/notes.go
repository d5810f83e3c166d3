package classic

// How the libraries compare with the reference programs (bzip2 1.0.8, xz 5.4.1,
// zstd 1.5.4), in bytes, on alice29.txt (152,089 B) and on the concatenation of
// the Canterbury files (13,883,070 B):
//
//	codec      library             program
//	bzip2-9    46,951  3,689,996   bzip2 -9   43,202  3,335,795
//	xz-9       53,728  3,809,940   xz -9      48,492  3,168,404
//	zstd-best  52,676  3,636,488   zstd -11   51,495  3,642,386
//	                               zstd -19   49,215  3,319,096
//
// zip, gzip and zstd-3 are within 1.1% of their programs, brotli gives the same
// size to the byte.
const (
	bzip2Note = "9 to 11% larger than the bzip2 program's output"
	xzNote    = "11 to 20% larger than the xz program's output (greedy matching)"
	zstdNote  = "the Go library's best, close to the zstd program's level 11; 7 to 10% larger than its level 19"
)
