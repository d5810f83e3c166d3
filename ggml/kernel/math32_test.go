package kernel

import (
	"math"
	"testing"
)

// TestTanhError checks the bounds that the functions state, over all of the range
// where they are not constant.
func TestMath32Error(t *testing.T) {
	var tanhErr, sigErr, expErr float64
	for x := float32(-17); x <= 17; x += 1.0 / 4096 {
		y := float64(Tanh32(x))
		tanhErr = max(tanhErr, math.Abs(y-math.Tanh(float64(x)))/max(math.Abs(math.Tanh(float64(x))), 1e-30))
		s := float64(Sigmoid32(x))
		sigErr = max(sigErr, math.Abs(s-1/(1+math.Exp(-float64(x)))))
		if y < -1 || y > 1 || s < 0 || s > 1 {
			t.Fatalf("at %g: tanh %g, sigmoid %g", x, y, s)
		}
	}
	for x := float32(-27); x <= 0; x += 1.0 / 4096 {
		y := float64(Exp32(x)) / (1 << FreqBits)
		expErr = max(expErr, math.Abs(y/math.Exp(float64(x))-1))
	}
	t.Logf("errors: tanh %.3g (relative), sigmoid %.3g (absolute), exp %.3g (relative)", tanhErr, sigErr, expErr)
	if tanhErr > 4e-6 || sigErr > 2e-6 || expErr > 3e-6 {
		t.Errorf("errors: tanh %.3g, sigmoid %.3g, exp %.3g", tanhErr, sigErr, expErr)
	}
	if Exp32(0) != 1<<FreqBits || Exp32(-1e30) != Exp32(-28) || uint32(Exp32(-28)) != 0 {
		t.Errorf("exp at its ends: %g, %g, %g", Exp32(0), Exp32(-1e30), Exp32(-28))
	}
	if Tanh32(0) != 0 || Tanh32(1e30) != Tanh32(8) || Sigmoid32(0) != 0.5 {
		t.Error("tanh or sigmoid is off at its fixed points")
	}
}

func TestRoundEven(t *testing.T) {
	for x := float32(-300); x < 300; x += 1.0 / 64 {
		if got, want := roundEven(x), float32(math.RoundToEven(float64(x))); got != want {
			t.Fatalf("roundEven(%g) = %g, want %g", x, got, want)
		}
	}
}

// TestFreqsDistribution compares the frequencies with a softmax in float64.
func TestFreqsDistribution(t *testing.T) {
	logits := make([]float32, 256)
	for i := range logits {
		logits[i] = float32(math.Sin(float64(i*i))) * 9
	}
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v))
	}
	f := make([]uint32, 256)
	total := float64(freqsGeneric(f, logits))
	for i, v := range logits {
		want := math.Exp(float64(v)) / sum
		if got := float64(f[i]) / total; math.Abs(got-want) > 1e-5*want+256.0/(1<<FreqBits) {
			t.Errorf("symbol %d: probability %g, want %g", i, got, want)
		}
	}
	// All alike is the greatest sum.
	if total := freqsGeneric(f, make([]float32, 256)); total != 256*(1<<FreqBits+1) {
		t.Errorf("256 equal logits: total %d", total)
	}
}
