//go:build unix

package faults_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A proxy stands between the writer and PostgreSQL. It knows just enough of the protocol to tell one message from the next and to name
// the statement that a message is about, so that a fault can be put before any of them, in either direction.
type proxy struct {
	listener net.Listener
	target   string
	delay    atomic.Int64 // nanoseconds before each message
	refuse   atomic.Bool  // let nobody in

	mu    sync.Mutex
	links map[*link]struct{}
	fault *fault // the next one, nil for none
}

// A direction is where a message goes.
type direction int

const (
	toServer direction = iota
	toClient
)

// How a connection breaks.
type breakage int

const (
	finish  breakage = iota // closes, after all that was sent before has arrived
	reset                   // is reset: what was sent before may be lost
	silence                 // stays open, and nothing arrives any more, in neither direction
)

func (b breakage) String() string { return [...]string{"closed", "reset", "silent"}[b] }

// A message is one of the protocol. sql is the statement that it belongs to, where that is known.
type message struct {
	to   direction
	kind byte // 0: the first of a connection
	body []byte
	sql  string
}

func (m *message) String() string {
	kind := string(m.kind)
	if m.kind == 0 {
		kind = "startup"
	}
	sql := strings.Join(strings.Fields(m.sql), " ")
	return fmt.Sprintf("%s %.60s", kind, sql)
}

// A fault breaks the connection on which a message comes, instead of passing the message on.
type fault struct {
	when  func(*message) bool // called for one message after another, over all connections
	how   breakage
	then  func()        // called before the connection breaks; may be nil
	fired chan *message // gets the message
}

// newProxy starts a proxy in front of an address.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, target: target, links: map[*link]struct{}{}}
	go p.serve()
	t.Cleanup(func() {
		listener.Close()
		p.breakAll(reset)
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		if p.refuse.Load() {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		l := &link{proxy: p, client: client.(*net.TCPConn), server: server.(*net.TCPConn), statements: map[string]string{}}
		p.mu.Lock()
		p.links[l] = struct{}{}
		p.mu.Unlock()
		go l.pump(l.client, l.server, toServer)
		go l.pump(l.server, l.client, toClient)
	}
}

// arm sets the next fault; nil takes it back.
func (p *proxy) arm(f *fault) *fault {
	if f != nil {
		f.fired = make(chan *message, 1)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
	return f
}

// nth is true for the nth message in a direction, from 1 on.
func nth(to direction, n int) func(*message) bool {
	return func(m *message) bool {
		if m.to != to {
			return false
		}
		n--
		return n == 0
	}
}

// about is true for a message of a kind that belongs to a statement with the prefix.
func about(to direction, kinds, prefix string) func(*message) bool {
	return func(m *message) bool {
		return m.to == to && strings.IndexByte(kinds, m.kind) >= 0 && strings.HasPrefix(strings.ToLower(strings.TrimSpace(m.sql)), prefix)
	}
}

// take returns the fault if this is the message for it.
func (p *proxy) take(m *message) *fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.fault
	if f == nil || !f.when(m) {
		return nil
	}
	p.fault = nil
	return f
}

// breakAll breaks all connections that there are.
func (p *proxy) breakAll(how breakage) {
	p.mu.Lock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	for _, l := range links {
		l.sever(how)
	}
}

// A link is one connection through the proxy.
type link struct {
	proxy          *proxy
	client, server *net.TCPConn
	silent         atomic.Bool
	once           sync.Once

	mu         sync.Mutex
	statements map[string]string // name → text
	pipeline   []string          // what the server has not answered yet, oldest first
	sql        string            // what the client is at
}

func (l *link) sever(how breakage) {
	if how == silence {
		l.silent.Store(true)
		return
	}
	l.once.Do(func() {
		if how == reset {
			_ = l.client.SetLinger(0)
			_ = l.server.SetLinger(0)
		}
		_ = l.client.Close()
		_ = l.server.Close()
		l.proxy.mu.Lock()
		delete(l.proxy.links, l)
		l.proxy.mu.Unlock()
	})
}

// pump passes messages on, from one side to the other.
func (l *link) pump(from, to *net.TCPConn, where direction) {
	defer func() {
		if !l.silent.Load() { // else not even the end of the other side arrives
			l.sever(finish)
		}
	}()
	in, out := bufio.NewReaderSize(from, 64<<10), bufio.NewWriterSize(to, 64<<10)
	first := where == toServer
	for {
		m, raw, err := read(in, first)
		if err != nil {
			_ = out.Flush()
			return
		}
		m.to, first = where, false
		l.name(m)
		if delay := l.proxy.delay.Load(); delay > 0 {
			time.Sleep(time.Duration(delay))
		}
		if f := l.proxy.take(m); f != nil {
			_ = out.Flush()
			if f.then != nil {
				f.then()
			}
			f.fired <- m // before the writer can see it
			l.sever(f.how)
		}
		if l.silent.Load() {
			_, _ = io.Copy(io.Discard, in) // until a side gives up
			return
		}
		if _, err := out.Write(raw); err != nil {
			return
		}
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return
			}
		}
	}
}

// read reads one message. raw is all of its bytes.
func read(in *bufio.Reader, first bool) (m *message, raw []byte, err error) {
	m = &message{}
	head := 5
	if first {
		head = 4 // the first one has no kind
	}
	raw = make([]byte, head)
	if _, err := io.ReadFull(in, raw); err != nil {
		return nil, nil, err
	}
	if !first {
		m.kind = raw[0]
	}
	n := int(binary.BigEndian.Uint32(raw[head-4:])) - 4
	if n < 0 || n > 1<<30 {
		return nil, nil, fmt.Errorf("a message of %d bytes", n)
	}
	raw = append(raw, make([]byte, n)...)
	if _, err := io.ReadFull(in, raw[head:]); err != nil {
		return nil, nil, err
	}
	m.body = raw[head:]
	return m, raw, nil
}

// name finds the statement that a message belongs to. The client sends several statements before the server answers the first, and the
// server answers them in order.
func (l *link) name(m *message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m.to == toClient {
		if len(l.pipeline) > 0 {
			m.sql = l.pipeline[0]
			if m.kind == 'C' || m.kind == 'E' || m.kind == 'I' { // CommandComplete, ErrorResponse, EmptyQueryResponse
				l.pipeline = l.pipeline[1:]
			}
		}
		if m.kind == 'Z' && m.body[0] == 'E' {
			l.pipeline = nil // the rest of a pipeline that failed is not answered
		}
		return
	}
	switch m.kind {
	case 'Q':
		l.sql = text(m.body)
		l.pipeline = append(l.pipeline, l.sql)
	case 'P': // Parse: name, text
		name := text(m.body)
		l.sql = text(m.body[len(name)+1:])
		l.statements[name] = l.sql
	case 'B': // Bind: portal, name of the statement
		portal := text(m.body)
		l.sql = l.statements[text(m.body[len(portal)+1:])]
	case 'E': // Execute
		l.pipeline = append(l.pipeline, l.sql)
	}
	m.sql = l.sql
}

// text is the string at the beginning of b, which ends with a zero byte.
func text(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}
