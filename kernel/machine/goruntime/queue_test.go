package goruntime

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestQueue(t *testing.T) {
	q := &queue{}
	q.init()
	if !q.empty() || q.pop() != -1 {
		t.Fatal("a new queue is not empty")
	}
	q.push(3, false)
	q.push(1, false)
	q.push(2, true)
	for _, want := range []int32{2, 3, 1, -1, -1} {
		if got := q.pop(); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
	q.push(7, true) // the head of an empty queue is its end
	q.push(0, false)
	q.push(maxThreads-1, false)
	for _, want := range []int32{7, 0, maxThreads - 1, -1} {
		if got := q.pop(); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}

func TestQueueAgainstModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	q := &queue{}
	q.init()
	var model []int32
	for range 20000 {
		i := int32(rng.IntN(maxThreads))
		switch urgent := rng.IntN(4) == 0; {
		case rng.IntN(2) == 0:
			want := int32(-1)
			if len(model) > 0 {
				want, model = model[0], model[1:]
			}
			if got := q.pop(); got != want {
				t.Fatalf("%d, want %d", got, want)
			}
		case slices.Contains(model, i):
		case urgent:
			q.push(i, true)
			model = slices.Insert(slices.Clone(model), 0, i)
		default:
			q.push(i, false)
			model = append(model, i)
		}
		if q.empty() != (len(model) == 0) {
			t.Fatalf("empty: %v with %d threads", q.empty(), len(model))
		}
	}
}

func TestDeadlines(t *testing.T) {
	d := &deadlines{}
	if d.first(0) != 0 || d.expired(firstThread, 0, 1<<62) != -1 {
		t.Fatal("there are deadlines at first")
	}
	d.set(firstThread, 300, 0)
	d.set(firstThread+1, 100, 1)
	d.set(maxThreads-1, 200, 0)
	d.set(firstThread+5, 200, 0)
	for cpu, want := range []int64{200, 100, 0} {
		if got := d.first(int32(cpu)); got != want {
			t.Errorf("the first of CPU %d is %d, want %d", cpu, got, want)
		}
	}
	expired := func(cpu int32, now int64) (list []int32) {
		for i := d.expired(firstThread, cpu, now); i >= 0; i = d.expired(i+1, cpu, now) {
			list = append(list, i)
		}
		return list
	}
	for _, tt := range []struct {
		cpu  int32
		now  int64
		want []int32
	}{
		{0, 199, nil}, {0, 200, []int32{firstThread + 5, maxThreads - 1}}, {0, 1000, []int32{firstThread, firstThread + 5, maxThreads - 1}},
		{1, 99, nil}, {1, 100, []int32{firstThread + 1}}, {2, 1000, nil},
	} {
		if got := expired(tt.cpu, tt.now); !slices.Equal(got, tt.want) {
			t.Errorf("CPU %d at %d: %v, want %v", tt.cpu, tt.now, got, tt.want)
		}
	}
	d.set(firstThread+5, 0, 0)
	d.set(maxThreads-1, 0, 0)
	if got := d.first(0); got != 300 {
		t.Errorf("without the first ones: %d", got)
	}
	d.set(firstThread, 50, 1) // another CPU keeps it from now on
	if d.first(0) != 0 || d.first(1) != 50 {
		t.Errorf("after it moved: %d and %d", d.first(0), d.first(1))
	}
}
