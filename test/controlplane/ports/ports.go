// Package ports chooses the ports of the programs that tests start.
package ports

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Loopback is the only address on which these programs serve.
const Loopback = "127.0.0.1"

// The range of the ports. A program that listens on port 0 gets a port above this range.
const (
	first = 20_000
	count = 10_000
)

// reserved holds the reservations of this process.
var reserved struct {
	sync.Mutex
	sockets []net.PacketConn
}

// Reserve returns a free TCP port. Until this process ends, no other call returns it, in any process: the UDP socket of the same number
// is the reservation, because the port itself must be free for the program.
func Reserve() (int, error) {
	start := rand.IntN(count)
	for i := range count {
		port := first + (start+i)%count
		if reserve(Address(port)) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("no port from %d to %d is free", first, first+count-1)
}

func reserve(address string) bool {
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		return false
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		_ = socket.Close()
		return false
	}
	_ = listener.Close()
	reserved.Lock()
	defer reserved.Unlock()
	reserved.sockets = append(reserved.sockets, socket)
	return true
}

// Address returns the address of a port.
func Address(port int) string { return net.JoinHostPort(Loopback, strconv.Itoa(port)) }

// ReserveAddress returns the address of a port that Reserve returns.
func ReserveAddress() (string, error) {
	port, err := Reserve()
	return Address(port), err
}
