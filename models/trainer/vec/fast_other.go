//go:build !amd64 || noasm

package vec

// fast is a variable because tests switch it where there are kernels.
var fast = false

const vectors = false

func gruForward(n int, gi, gh, bi, bh, h, out, saved *float32)        { panic("unreachable") }
func gruBackward(n int, dh, saved, h, di, dh3 *float32)               { panic("unreachable") }
func lstmForward(n int, gi, gh, bi, bh, c, cOut, out, saved *float32) { panic("unreachable") }
func lstmBackward(n int, dh, dc, saved, c, dg *float32)               { panic("unreachable") }
func addMax(n int, x, b *float32) float32                             { panic("unreachable") }
func expSum(n int, x *float32, max float32) float32                   { panic("unreachable") }
func adamW(n int, w, m, v, g *float32, k *[8]float32)                 { panic("unreachable") }
func addTo(n int, dst, src *float32)                                  { panic("unreachable") }
func dot(n int, x, y *float32) float32                                { panic("unreachable") }
func dot3(n int, x, y, z *float32) float32                            { panic("unreachable") }
func sum(n int, x *float32) float32                                   { panic("unreachable") }
func largest(n int, x *float32) float32                               { panic("unreachable") }
func scale(n int, x *float32, k float32)                              { panic("unreachable") }
func normForward(n int, out, x, w *float32, mean, r float32)          { panic("unreachable") }
func swigluForward(n int, out, g, u *float32)                         { panic("unreachable") }
func swigluBackward(n int, g, u, da *float32)                         { panic("unreachable") }
func geluForward(n int, out, x *float32)                              { panic("unreachable") }
func geluBackward(n int, x, da *float32)                              { panic("unreachable") }
func rotate(n int, x, c, s *float32)                                  { panic("unreachable") }
func softmaxBackward(n int, p, dp *float32, d, k float32)             { panic("unreachable") }

func normBackward(n int, dx, dw, dy, x, w *float32, mean, r, a, b float32) { panic("unreachable") }
