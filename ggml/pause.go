package ggml

// pause is called while spinning.
func pause() {}
