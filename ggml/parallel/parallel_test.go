package parallel

import (
	"fmt"
	"testing"
)

// Each call is made once, whatever the threads; with one of them in order.
func TestFor(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 1000} {
		for _, threads := range []int{-1, 0, 1, 2, 3, 16, 2000} {
			t.Run(fmt.Sprintf("%d calls, %d threads", n, threads), func(t *testing.T) {
				calls := make([]int, n)
				var order []int
				For(threads, n, func(i int) {
					calls[i]++
					if threads <= 1 {
						order = append(order, i)
					}
				})
				for i, c := range calls {
					if c != 1 || threads <= 1 && order[i] != i {
						t.Fatalf("call %d is made %d times", i, c)
					}
				}
			})
		}
	}
}
