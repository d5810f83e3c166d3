// Package transformer predicts tokens with language models of the GPT-2 and Llama
// families over the bundled tensor graph. Weights and activations are int8, with
// the arithmetic of numerics 2 (ggml/NUMERICS.md): archives made with these models
// decode on every machine that has the model file, bit for bit, with any kernel and
// any number of threads, and however many tokens are evaluated at once.
package transformer
