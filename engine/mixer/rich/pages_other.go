//go:build !linux

package rich

// hugePages asks for large pages, which only some systems give on request.
func (t *table) hugePages() {}
