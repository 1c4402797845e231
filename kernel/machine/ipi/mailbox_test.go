package ipi

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func TestMailbox(t *testing.T) {
	var m mailbox
	if m.asks(All) || !m.served() {
		t.Fatal("there is a call at first")
	}
	if !m.claim() || m.claim() {
		t.Fatal("not exactly one can claim it")
	}
	m.post(0b1010, Evict, 1, 2, 3)
	if m.asks(1<<0) || !m.asks(1<<1) || m.asks(1<<2) || !m.asks(1<<3) {
		t.Error("others are asked")
	}
	m.answer(1 << 1)
	if m.asks(1<<1) || !m.asks(1<<3) || m.served() {
		t.Error("one answer counts for another CPU's")
	}
	m.answer(1 << 3)
	if !m.served() || m.claim() {
		t.Error("it is claimed until it is released")
	}
	m.release()
	if !m.claim() {
		t.Error("it cannot be claimed again")
	}
}

// TestCallsOfManyCPUs lets CPUs call each other at random, with interrupts off:
// they serve only where they wait or have nothing to do. Each must do what is
// asked of it once, and before the caller goes on.
func TestCallsOfManyCPUs(t *testing.T) {
	const cpus, calls = 4, 300
	var m mailbox
	var done [cpus]map[uint64]int // what each CPU has done; its own, and the callers' while they are served
	for i := range done {
		done[i] = map[uint64]int{}
	}
	serve := func(me int) {
		if self := uint64(1) << me; m.asks(self) {
			if m.op != SaveFPU || m.b != m.a*3 || m.c != m.a*5 {
				t.Errorf("a call with %d %d %d", m.a, m.b, m.c)
			}
			done[me][m.a]++
			m.answer(self)
		}
	}
	var calling atomic.Int32
	calling.Store(cpus)
	var all sync.WaitGroup
	for me := range cpus {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(5, uint64(me)))
			for i := range calls {
				others := rng.Uint64N(1<<cpus) &^ (1 << me)
				if others == 0 {
					continue
				}
				for !m.claim() {
					serve(me)
					runtime.Gosched()
				}
				call := uint64(me*calls + i)
				m.post(others, SaveFPU, call, call*3, call*5)
				for !m.served() {
					runtime.Gosched()
				}
				for other := range cpus {
					if want := int(others >> other & 1); done[other][call] != want {
						t.Errorf("CPU %d did call %d of CPU %d %d times, want %d", other, i, me, done[other][call], want)
					}
				}
				m.release()
			}
			for calling.Add(-1); calling.Load() > 0; runtime.Gosched() {
				serve(me)
			}
		})
	}
	all.Wait()
}
