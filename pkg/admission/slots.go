package admission

import (
	"context"
	"sync"
)

// slots limits how many requests are decided at once, and how many of these are of one Namespace: a Namespace must not delay others.
type slots struct {
	all chan struct{}

	mu sync.Mutex
	// shares has an entry for each Namespace with requests.
	shares map[string]*share
}

// share is the slots of one Namespace.
type share struct {
	taken    chan struct{}
	requests int
}

func newSlots() *slots {
	return &slots{all: make(chan struct{}, maxAtOnce), shares: map[string]*share{}}
}

// acquire waits for a slot, and returns the function that releases it. It returns nil if the context ends before.
func (s *slots) acquire(ctx context.Context, namespace string) (release func()) {
	of := s.enter(namespace)
	select {
	case of.taken <- struct{}{}:
	case <-ctx.Done():
		s.leave(namespace)
		return nil
	}
	select {
	case s.all <- struct{}{}:
	case <-ctx.Done():
		<-of.taken
		s.leave(namespace)
		return nil
	}
	return func() {
		<-s.all
		<-of.taken
		s.leave(namespace)
	}
}

func (s *slots) enter(namespace string) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	of, ok := s.shares[namespace]
	if !ok {
		of = &share{taken: make(chan struct{}, maxOfNamespace)}
		s.shares[namespace] = of
	}
	of.requests++
	return of
}

func (s *slots) leave(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.shares[namespace]
	if of.requests--; of.requests == 0 {
		delete(s.shares, namespace)
	}
}
