package engine_test

import (
	"bytes"
	"fmt"
	"io"
	"log"

	"github.com/llmz/llmz/engine"
)

// The context mixer alone needs no model.
func Example() {
	text := bytes.Repeat([]byte("Compression is prediction. "), 40)

	var archive bytes.Buffer
	w, err := engine.NewWriter(&archive, engine.Options{NoModel: true, Meta: engine.Meta{Name: "motto.txt"}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := engine.NewReader(&archive, engine.ReadOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	back, err := io.ReadAll(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Meta().Name, bytes.Equal(back, text), w.Result().Ratio() > 5)
	// Output: motto.txt true true
}
