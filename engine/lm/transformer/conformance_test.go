package transformer

import (
	"context"
	"testing"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/predict/predicttest"
	"github.com/llmz/llmz/ggml/cpu"
)

func TestConformance(t *testing.T) {
	kernels := cpu.Kernels()
	if testing.Short() {
		kernels = kernels[:1]
	}
	for _, c := range testModels {
		t.Run(c.name, func(t *testing.T) {
			predicttest.Run(t, predicttest.Suite{
				Open: func(t testing.TB, kernel string) predict.Model {
					b, err := cpu.New(kernel)
					if err != nil {
						t.Fatal(err)
					}
					m, err := Open(context.Background(), Options{Path: testdata(c.model...), Backend: b})
					if err != nil {
						t.Fatal(err)
					}
					return m
				},
				Kernels: kernels,
				Lanes:   []int{1, 2, 5},
				Threads: []int{1, 3},
				Slack:   4 << 20, // the tokenizer
			})
		})
	}
}
