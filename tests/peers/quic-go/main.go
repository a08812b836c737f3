// SPDX-License-Identifier: GPL-2.0-or-later

// quic-go in the interop matrix: HTTP/0.9 (hq-interop) and HTTP/3; options as in kquic_web.py.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

const halfway = 200_000

var (
	address   = flag.String("address", "", "")
	port      = flag.Int("port", 0, "")
	cert      = flag.String("cert", "", "")
	key       = flag.String("key", "", "")
	ca        = flag.String("ca", "", "")
	name      = flag.String("name", "", "")
	root      = flag.String("root", "", "")
	out       = flag.String("out", "", "")
	keep      = flag.String("keep", "", "")
	send      = flag.String("send", "", "")
	alpn      = flag.String("alpn", "hq-interop", "")
	cipher    = flag.String("cipher", "", "")
	elsewhere = flag.String("migrate", "", "")
	v2        = flag.Bool("v2", false, "")
	retry     = flag.Bool("retry", false, "")
	early     = flag.Bool("early", false, "")
	resume    = flag.Bool("resume", false, "")
	each      = flag.Bool("each", false, "")
	_         = flag.Bool("keyupdate", false, "quic-go changes keys after so many packets, and never when told to")
)

func fail(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func config() *quic.Config {
	made := &quic.Config{
		Allow0RTT:                  *early,
		MaxIdleTimeout:             time.Minute,
		HandshakeIdleTimeout:       30 * time.Second,
		InitialStreamReceiveWindow: 1 << 20,
	}
	if *v2 {
		made.Versions = []quic.Version{quic.Version2, quic.Version1}
	}
	return made
}

func socket(host string) *quic.Transport {
	local := &net.UDPAddr{IP: net.ParseIP(host)}
	if flag.Arg(0) == "server" || *root != "" {
		local.Port = *port
	}
	connection, err := net.ListenUDP("udp", local)
	fail(err)
	return &quic.Transport{Conn: connection}
}

func settled(connection *quic.Conn) {
	state := connection.ConnectionState()
	fmt.Println("handshake", state.Version, "resumed", state.TLS.DidResume, "early", state.Used0RTT)
}

// Server.

func serve() {
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	fail(err)
	settings := &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{*alpn}}
	transport := socket(*address)
	transport.VerifySourceAddress = func(net.Addr) bool { return *retry }
	listener, err := transport.ListenEarly(settings, config())
	fail(err)
	fmt.Println("ready")
	pages := &http3.Server{Handler: http.FileServer(http.Dir(*root))}
	if *keep != "" {
		pages.Handler = http.HandlerFunc(kept)
	}
	for {
		connection, err := listener.Accept(context.Background())
		fail(err)
		if *alpn == "h3" {
			go pages.ServeQUICConn(connection)
		} else {
			go lines(connection)
		}
	}
}

func kept(answer http.ResponseWriter, request *http.Request) {
	file, err := os.Create(filepath.Join(*keep, filepath.Base(request.URL.Path)))
	if err == nil {
		_, err = io.Copy(file, request.Body)
		file.Close()
	}
	if err != nil {
		http.Error(answer, err.Error(), http.StatusInternalServerError)
		return
	}
	answer.WriteHeader(http.StatusCreated)
}

func lines(connection *quic.Conn) {
	for {
		stream, err := connection.AcceptStream(context.Background())
		if err != nil {
			return
		}
		go func() {
			line, _ := bufio.NewReader(stream).ReadString('\n')
			if words := strings.Fields(line); len(words) == 2 {
				if file, err := os.Open(filepath.Join(*root, filepath.Clean(words[1]))); err == nil {
					io.Copy(stream, file)
					file.Close()
				}
			}
			stream.Close()
		}()
	}
}

// Client.

type client struct {
	transport *quic.Transport
	settings  *tls.Config
	server    *net.UDPAddr
	received  int
	lock      sync.Mutex
	moved     chan struct{}
}

func (c *client) dial(now bool) *quic.Conn {
	dial := c.transport.Dial
	if now {
		dial = c.transport.DialEarly
	}
	connection, err := dial(context.Background(), c.server, c.settings, config())
	fail(err)
	return connection
}

func (c *client) Write(data []byte) (int, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.received += len(data)
	if c.received > halfway && c.moved != nil {
		close(c.moved)
		c.moved = nil
	}
	return len(data), nil
}

func (c *client) save(path string, body io.Reader) {
	file, err := os.Create(filepath.Join(*out, path))
	fail(err)
	_, err = io.Copy(io.MultiWriter(file, c), body)
	fail(err)
	fail(file.Close())
}

func (c *client) get(connection *quic.Conn, path string) {
	stream, err := connection.OpenStreamSync(context.Background())
	fail(err)
	_, err = stream.Write([]byte("GET " + path + "\r\n"))
	fail(err)
	fail(stream.Close())
	c.save(path, stream)
}

func (c *client) page(connection *http3.ClientConn, path string) {
	method := http.MethodGet
	if *early {
		method = http3.MethodGet0RTT
	}
	request, err := http.NewRequest(method, "https://"+*name+":"+strconv.Itoa(*port)+path, nil)
	fail(err)
	answer, err := connection.RoundTrip(request)
	fail(err)
	c.save(path, answer.Body)
}

func (c *client) upload(connection *http3.ClientConn, path string) {
	file, err := os.Open(filepath.Join(*send, path))
	fail(err)
	defer file.Close()
	request, err := http.NewRequest(http.MethodPut, "https://"+*name+":"+strconv.Itoa(*port)+path, file)
	fail(err)
	answer, err := connection.RoundTrip(request)
	fail(err)
	if answer.StatusCode != http.StatusCreated {
		fail(fmt.Errorf("%s: %s", path, answer.Status))
	}
}

func (c *client) fetch(paths []string, now bool) {
	connection := c.dial(now)
	if *elsewhere != "" {
		go c.move(connection, c.moved)
	}
	pages := (&http3.Transport{}).NewClientConn(connection)
	if *alpn != "h3" {
		pages = nil
	}
	var group sync.WaitGroup
	for _, path := range paths {
		group.Add(1)
		go func() {
			defer group.Done()
			if *send != "" {
				c.upload(pages, path)
			} else if pages != nil {
				c.page(pages, path)
			} else {
				c.get(connection, path)
			}
		}()
	}
	group.Wait()
	<-connection.HandshakeComplete()
	settled(connection)
	if *resume || *early {
		time.Sleep(200 * time.Millisecond) // the ticket
	}
	connection.CloseWithError(0, "")
}

func (c *client) move(connection *quic.Conn, when chan struct{}) {
	<-when
	path, err := connection.AddPath(socket(*elsewhere))
	fail(err)
	fail(path.Probe(context.Background()))
	fail(path.Switch())
	fmt.Println("moved")
}

func fetch(paths []string) {
	trusted := x509.NewCertPool()
	pem, err := os.ReadFile(*ca)
	fail(err)
	trusted.AppendCertsFromPEM(pem)
	c := &client{
		transport: socket(""),
		server:    &net.UDPAddr{IP: net.ParseIP(*address), Port: *port},
		moved:     make(chan struct{}),
		settings: &tls.Config{
			RootCAs: trusted, ServerName: *name, NextProtos: []string{*alpn},
			ClientSessionCache: tls.NewLRUClientSessionCache(4),
		},
	}
	switch {
	case *resume || *early:
		c.fetch(paths[:1], false)
		c.fetch(paths[1:], *early)
	case *each:
		for _, path := range paths {
			c.fetch([]string{path}, false)
		}
	default:
		c.fetch(paths, false)
	}
	fmt.Println("done")
}

func main() {
	role := os.Args[1]
	fail(flag.CommandLine.Parse(os.Args[2:]))
	if role == "server" {
		serve()
	} else {
		fetch(flag.Args())
	}
}
