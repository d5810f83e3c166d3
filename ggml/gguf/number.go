package gguf

import (
	"fmt"
	"math"
)

// Integer returns the metadata value of key, which must be a number of a type that
// counts are stored in (uint32, int32, uint64) and not negative. Greater ones than an
// int32 holds count as the greatest. Errors wrap ErrKey.
func Integer(f *File, key string) (int, error) {
	v, ok := f.Value(key)
	if !ok {
		return 0, fmt.Errorf("%w: %q is missing", ErrKey, key)
	}
	n, ok := integer(v)
	if !ok {
		return 0, fmt.Errorf("%w: %q is %.40s (%T), not a count", ErrKey, key, fmt.Sprint(v), v)
	}
	return n, nil
}

// Integers is Integer for a value that may be an array, of one for each layer. It is
// never empty.
func Integers(f *File, key string) ([]int, error) {
	var all []int
	v, _ := f.Value(key)
	switch v := v.(type) {
	case []uint32:
		all = integers(v)
	case []int32:
		all = integers(v)
	case []uint64:
		all = integers(v)
	default:
		n, err := Integer(f, key)
		return []int{n}, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %q is %.40s (%T), not counts", ErrKey, key, fmt.Sprint(v), v)
	}
	return all, nil
}

func integer(v any) (int, bool) {
	switch v := v.(type) {
	case uint32:
		return int(min(v, math.MaxInt32)), true
	case int32:
		return int(v), v >= 0
	case uint64:
		return int(min(v, math.MaxInt32)), true
	}
	return 0, false
}

// integers returns nil where one of v is negative.
func integers[T any](v []T) (all []int) {
	for _, x := range v {
		n, ok := integer(x)
		if !ok {
			return nil
		}
		all = append(all, n)
	}
	return all
}
