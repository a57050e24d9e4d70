package e2e

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/controlplane/ports"
	"github.com/rehome-operator/rehome/test/e2e/rehome"
)

const (
	// Each replica lives and is dead for a random time up to these.
	maxLife, maxDeath = 15 * time.Second, 3 * time.Second
	// rotation is the time between two renewals of the certificates.
	rotation = 5 * time.Second
	// pause bounds the random time before each restore.
	pause = 5 * time.Second
)

// flapping is Rehome in two replicas that are killed and started at random moments, and whose certificates are renewed meanwhile.
type flapping struct {
	*testEnv
	// address is that of the webhook, backends are those of the replicas.
	address  string
	backends []string
	random   *rand.Rand
	stop     context.CancelFunc
	running  sync.WaitGroup
}

func (e *testEnv) startFlapping(ctx context.Context) *flapping {
	GinkgoHelper()
	// Ginkgo prints its seed, and takes it with --seed.
	f := &flapping{testEnv: e, random: rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), 0))}
	for range 2 {
		backend, err := ports.ReserveAddress()
		Expect(err).NotTo(HaveOccurred())
		f.backends = append(f.backends, backend)
	}
	f.address = serveBackends(f.backends)
	e.installWebhook(ctx, f.address)
	ctx, f.stop = context.WithCancel(ctx)
	DeferCleanup(f.wait)
	for _, backend := range f.backends {
		own := rand.New(rand.NewPCG(f.random.Uint64(), 0))
		f.running.Go(func() {
			defer GinkgoRecover()
			f.flap(ctx, backend, own)
		})
	}
	f.running.Go(func() {
		defer GinkgoRecover()
		f.rotate(ctx)
	})
	return f
}

// flap starts a replica and kills it, whether it is ready or not.
func (f *flapping) flap(ctx context.Context, backend string, random *rand.Rand) {
	for ctx.Err() == nil {
		p, err := f.rehome.Launch(rehomeBinary, rehome.WebhookFlag(backend))
		Expect(err).NotTo(HaveOccurred())
		wait(ctx, time.Duration(random.Int64N(int64(maxLife))))
		Expect(p.Kill()).To(Succeed())
		wait(ctx, time.Duration(random.Int64N(int64(maxDeath))))
	}
}

// rotate renews the certificates of the replicas that live.
func (f *flapping) rotate(ctx context.Context) {
	hosts := []string{"localhost", "127.0.0.1"}
	for i := 0; ctx.Err() == nil; i++ {
		if err := f.rehome.RenewCertificates(ctx, f.address, hosts[i%len(hosts)]); ctx.Err() == nil {
			Expect(err).NotTo(HaveOccurred())
		}
		wait(ctx, rotation)
	}
}

func (f *flapping) shuffled(restores []scenarioRestore) []scenarioRestore {
	f.random.Shuffle(len(restores), func(i, j int) { restores[i], restores[j] = restores[j], restores[i] })
	return restores
}

func (f *flapping) pause(ctx context.Context) {
	wait(ctx, time.Duration(f.random.Int64N(int64(pause))))
}

func (f *flapping) wait() {
	f.stop()
	f.running.Wait()
}

// settle ends the flapping, and lets both replicas run.
func (f *flapping) settle(ctx context.Context) {
	GinkgoHelper()
	f.wait()
	By("running both replicas")
	for _, backend := range f.backends {
		f.runRehome(ctx, rehome.WebhookFlag(backend))
	}
}

// serveBackends stands in for the Service: it forwards connections to one of the backends that accepts them. It returns its address.
func serveBackends(backends []string) string {
	GinkgoHelper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(listener.Close)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go forward(client, backends)
		}
	}()
	return listener.Addr().String()
}

func forward(client net.Conn, backends []string) {
	defer func() { _ = client.Close() }()
	for _, i := range rand.Perm(len(backends)) {
		backend, err := net.Dial("tcp", backends[i])
		if err != nil {
			continue
		}
		defer func() { _ = backend.Close() }()
		go func() {
			_, _ = io.Copy(backend, client)
			_ = backend.Close()
		}()
		_, _ = io.Copy(client, backend)
		return
	}
}

// wait returns after a time, or when the context ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
