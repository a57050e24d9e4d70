package ports_test

import (
	"net"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/rehome-operator/rehome/test/controlplane/ports"
)

func TestAReservedPortIsFreeAndNobodyElseGetsIt(t *testing.T) {
	g := NewWithT(t)
	seen := map[string]bool{}
	for range 1000 {
		address, err := ports.ReserveAddress()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(seen).NotTo(HaveKey(address))
		seen[address] = true
		listener, err := net.Listen("tcp", address)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(listener.Close()).To(Succeed())
		_, err = net.ListenPacket("udp", address)
		g.Expect(err).To(HaveOccurred(), "another process must see the reservation")
	}
}
