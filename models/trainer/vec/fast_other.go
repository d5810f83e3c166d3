//go:build !amd64 || purego

package vec

// fast is a variable because tests switch it where there are kernels.
var fast = false

func gruForward(n int, gi, gh, bi, bh, h, out, saved *float32)        { panic("unreachable") }
func gruBackward(n int, dh, saved, h, di, dh3 *float32)               { panic("unreachable") }
func lstmForward(n int, gi, gh, bi, bh, c, cOut, out, saved *float32) { panic("unreachable") }
func lstmBackward(n int, dh, dc, saved, c, dg *float32)               { panic("unreachable") }
func addMax(n int, x, b *float32) float32                             { panic("unreachable") }
func expSum(n int, x *float32, max float32) float32                   { panic("unreachable") }
func adamW(n int, w, m, v, g *float32, k *[8]float32)                 { panic("unreachable") }
func addTo(n int, dst, src *float32)                                  { panic("unreachable") }
