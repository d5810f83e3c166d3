module github.com/llmz/llmz

go 1.26
