package rnn

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/llmz/llmz/engine/predict"
	"github.com/llmz/llmz/engine/predict/predicttest"
	"github.com/llmz/llmz/ggml/cpu"
)

func TestConformance(t *testing.T) {
	files := map[string][]byte{}
	for _, c := range testConfigs {
		files[c.Cell] = randomModel(t, c.Config, 13, true)
	}
	for _, name := range []string{"gru", "lstm"} {
		var err error
		if files["bundled "+name], err = os.ReadFile(filepath.Join("..", "..", "models", "weights", name+".gguf")); err != nil {
			t.Fatal(err)
		}
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			predicttest.Run(t, predicttest.Suite{
				Open:    func(t testing.TB, kernel string) predict.Model { return load(t, file, kernel) },
				Kernels: cpu.Kernels(),
			})
		})
	}
}
