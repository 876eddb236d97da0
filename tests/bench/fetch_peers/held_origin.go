// An origin of `./dev bench fetch` that keeps its clients waiting, on every loopback host at once.
//
// held_origin PORT TLS_PORT CONTROL_PORT CERTIFICATE KEY
//
// Requests for /held/N wait until N of them do; then all are answered. With N 0 they wait until
// somebody asks the control port for /release. /status there counts what came: only so can be told
// that as many requests were in flight as the scenario says.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

var body = strings.Repeat("x", 100)

type counts struct {
	accepted, requests, waiting, peak int
}

type gate struct {
	sync.Mutex
	counts
	open chan struct{} // closed when those who wait may go
}

func newGate() *gate {
	return &gate{open: make(chan struct{})}
}

// arrive counts a request in and says what it has to wait for, once n of them wait.
func (g *gate) arrive(n int) <-chan struct{} {
	g.Lock()
	defer g.Unlock()
	g.requests++
	g.waiting++
	if g.peak < g.waiting {
		g.peak = g.waiting
	}
	here := g.open
	if g.waiting == n {
		g.release()
	}
	return here
}

func (g *gate) release() {
	close(g.open)
	g.open = make(chan struct{})
	g.waiting = 0
}

func (g *gate) held(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/held/"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	<-g.arrive(n)
	io.WriteString(w, body)
}

func (g *gate) countConnection(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		g.Lock()
		g.accepted++
		g.Unlock()
	}
}

func (g *gate) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/status", func(w http.ResponseWriter, _ *http.Request) {
		g.Lock()
		defer g.Unlock()
		fmt.Fprintf(w, "{\"accepted\": %d, \"requests\": %d, \"waiting\": %d, \"peak\": %d}\n",
			g.accepted, g.requests, g.waiting, g.peak)
	})
	mux.HandleFunc("/release", func(http.ResponseWriter, *http.Request) {
		g.Lock()
		defer g.Unlock()
		g.release()
	})
	return mux
}

// Every address of 127.0.0.0/8 is ours, and none of the network's.
func onLoopback(_, _ string, socket syscall.RawConn) (err error) {
	outer := socket.Control(func(fd uintptr) {
		err = syscall.SetsockoptString(int(fd), syscall.SOL_SOCKET, syscall.SO_BINDTODEVICE, "lo")
	})
	if outer != nil {
		return outer
	}
	return err
}

func listen(host, port string) net.Listener {
	config := net.ListenConfig{Control: onLoopback}
	listener, err := config.Listen(context.Background(), "tcp4", net.JoinHostPort(host, port))
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func main() {
	if len(os.Args) != 6 {
		log.Fatal("usage: held_origin PORT TLS_PORT CONTROL_PORT CERTIFICATE KEY")
	}
	runtime.GOMAXPROCS(1)

	g := newGate()
	mux := http.NewServeMux()
	mux.HandleFunc("/held/", g.held)
	origin := &http.Server{Handler: mux, ConnState: g.countConnection}

	go func() { log.Fatal(origin.Serve(listen("0.0.0.0", os.Args[1]))) }()
	go func() { log.Fatal(origin.ServeTLS(listen("0.0.0.0", os.Args[2]), os.Args[4], os.Args[5])) }()
	log.Fatal(http.Serve(listen("127.0.0.1", os.Args[3]), g.control()))
}
