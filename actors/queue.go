package actors

// queue is a first-in, first-out queue. It is owned by one actor.
type queue[T any] struct {
	items []T
	first int // index of the oldest item
}

// len returns the number of items.
func (q *queue[T]) len() int { return len(q.items) - q.first }

// push appends an item. Once more than half of the slice is taken, the rest moves to its front.
func (q *queue[T]) push(item T) {
	if q.first > len(q.items)/2 {
		n := copy(q.items, q.items[q.first:])
		clear(q.items[n:])
		q.items, q.first = q.items[:n], 0
	}
	q.items = append(q.items, item)
}

// pop removes and returns the oldest item. The queue must not be empty.
func (q *queue[T]) pop() T {
	item := q.items[q.first]
	var none T
	q.items[q.first] = none
	q.first++
	return item
}
