package actors

// fifo is a queue. It belongs to one actor.
type fifo[T any] struct {
	items []T
	first int // of items that was not taken
}

func (f *fifo[T]) len() int { return len(f.items) - f.first }

func (f *fifo[T]) push(item T) {
	if f.first > len(f.items)/2 {
		n := copy(f.items, f.items[f.first:])
		clear(f.items[n:])
		f.items, f.first = f.items[:n], 0
	}
	f.items = append(f.items, item)
}

// pop takes the first item; there must be one.
func (f *fifo[T]) pop() T {
	item := f.items[f.first]
	var none T
	f.items[f.first] = none
	f.first++
	return item
}
