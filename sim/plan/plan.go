package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/fauer4effect/paxos/sim/internal/strictjson"
	"github.com/fauer4effect/paxos/sim/internal/words"
	"github.com/fauer4effect/paxos/sim/world"
)

// Plan is everything that decides a run: run it twice and the same happens. It is plain
// data, whole numbers only, that a person can read, write and edit. Times are virtual
// nanoseconds, parts are per million, servers and clients count from 1.
type Plan struct {
	Version   int              `json:"version"`                   // the version of the format: 1
	Seed      uint64           `json:"seed"`                      // decides every draw that the plan leaves open; below 2^53
	Build     string           `json:"build,omitempty"`           // what wrote the plan; it has no effect
	Finding   string           `json:"finding,omitempty"`         // what the plan showed when it was kept; it has no effect
	Protocol  string           `json:"protocol,omitempty"`        // the protocol under test; left out: our own Paxos
	Servers   int              `json:"servers"`                   // 1 to 9
	Formation bool             `json:"formation,omitempty"`       // the servers begin with fresh disks that must meet (X18); without it they trust that no disk is ever lost
	Settings  json.RawMessage  `json:"settings,omitempty"`        // settings of the machine under test: an object with the names that its Settings have
	Apart     []ServerSettings `json:"server_settings,omitempty"` // what single servers have in place of settings: limits only. Liveness is judged by the timers, which are the same for all
	Network   Network          `json:"network"`                   // the laws of the links
	Disk      Disk             `json:"disk"`                      // the laws of the servers' disks
	Clocks    []Clock          `json:"clocks,omitempty"`          // servers whose clocks are not exact
	Workload  Workload         `json:"workload"`                  // what the clients do
	Faulty    world.Instant    `json:"faulty_ns"`                 // how long faults may happen; then comes the tail
	Faults    []Fault          `json:"faults,omitempty"`          // what goes wrong, and when
	Tail      Tail             `json:"tail"`                      // the calm end
	Bodies    bool             `json:"check_bodies,omitempty"`    // servers check that no message or record changed since it was emitted; our own are replaced by their clones now and then
	Endless   bool             `json:"endless,omitempty"`         // for runs whose memory must not grow. The checkers forget what the durable snapshots of all servers cover, and porcupine is not asked
}

// ServerSettings are those settings of one server that differ from the others'.
type ServerSettings struct {
	Server   int             `json:"server"`   // whose
	Settings json.RawMessage `json:"settings"` // an object, like that of the plan
}

// Version is the version of plans that this package reads and writes.
const Version = 1

// Network is the law of the links: of all, and of single ones.
type Network struct {
	All   world.LinkLaw `json:"all"`                 // of every link, those of clients too
	Links []Link        `json:"links,omitempty"`     // of single links, in place of all
	Wire  bool          `json:"wire,omitempty"`      // messages between servers travel as the datagrams of a live cluster
	Flips uint32        `json:"flips_ppm,omitempty"` // share of datagrams that arrive with flipped bits; takes wire
}

// Link is the law of one direction between two servers.
type Link struct {
	From int           `json:"from"` // server
	To   int           `json:"to"`   // server
	Law  world.LinkLaw `json:"law"`  // of this direction
}

// Disk is the law of the servers' disks: of all, and of single ones.
type Disk struct {
	Sync    world.Law    `json:"sync"`               // how long records take to become durable
	Servers []ServerDisk `json:"servers,omitempty"`  // of single servers, in place of sync
	Crash   string       `json:"crash,omitempty"`    // what a crash leaves of records that no sync made durable. Left out: nothing. torn: what fits before the byte at which the last write was torn. scattered: a random part, and recovery gets what lies before the first gap
	Log     bool         `json:"log,omitempty"`      // records are kept as the bytes of a log with checksums, as a live store does, and recovery reads them again
	Lies    uint32       `json:"lies_ppm,omitempty"` // share of syncs that are answered and not done; violations are to be expected
}

// What a crash leaves of unsynced records.
const (
	CrashTorn      = "torn"
	CrashScattered = "scattered"
)

// ServerDisk is the law of one server's disk.
type ServerDisk struct {
	Server int       `json:"server"` // whose
	Sync   world.Law `json:"sync"`   // how long records take to become durable
}

// Clock is one server's clock: ahead of the world's time by skew, and faster than it by drift.
type Clock struct {
	Server int           `json:"server"`              // whose
	Skew   world.Instant `json:"skew_ns,omitempty"`   // at the beginning
	Drift  int64         `json:"drift_ppm,omitempty"` // negative: slower
}

// Workload is what the clients do. Each is a session with one operation at a time. It repeats the
// operation at other servers until it is answered or gives up.
type Workload struct {
	Clients int           `json:"clients"`               // how many: 0 to 86, or with hosts 10,000
	Hosts   int           `json:"hosts,omitempty"`       // machines that the clients share, in turn. Requests of one machine to a server at one instant travel as one packet. So do a server's replies to one machine in one step. 0: each client has a machine of its own
	Keys    int           `json:"keys"`                  // how many keys the clients contend for
	Timeout world.Instant `json:"timeout_ns"`            // before a client asks the next server
	Tries   int           `json:"tries,omitempty"`       // before a client gives its operation up; 0: never
	Sticky  bool          `json:"sticky,omitempty"`      // clients repeat at the server that they asked first; in the tail at one of the core
	Pause   world.Law     `json:"pause"`                 // between two operations of a client
	Gaps    uint32        `json:"gaps_ppm,omitempty"`    // share of timestamps that are left out
	Limit   int           `json:"limit,omitempty"`       // operations of all clients together; 0: no limit
	Mix     Mix           `json:"mix"`                   // of operations
	Bytes   int           `json:"value_bytes,omitempty"` // how long the values of put and cas are at least: 0 to 50,000. Large ones make large snapshots
	Reads   uint32        `json:"reads_ppm,omitempty"`   // share of gets that are asked for as reads without a log append (X20)
	Home    bool          `json:"home,omitempty"`        // each client begins its operations at a server of its own: one of homes, in turn, or of all
	Homes   []int         `json:"homes,omitempty"`       // servers; takes home
	Readers []int         `json:"readers,omitempty"`     // servers whose clients do nothing but get; takes home
}

// OnHosts says what the clients share and where they begin, in words that follow how many they are.
// It is empty where each has a machine of its own and begins anywhere.
func (w *Workload) OnHosts() string {
	text := ""
	if w.Hosts > 0 {
		text = " on " + words.Count(min(w.Hosts, w.Clients), "host")
	}
	if len(w.Homes) > 0 {
		text += " at home with server " + words.List(w.Homes)
	}
	return text
}

// Sharing is how many clients are not the first on their hosts.
func (w *Workload) Sharing() int {
	if w.Hosts == 0 {
		return 0
	}
	return max(0, w.Clients-w.Hosts)
}

// Mix weighs the kinds of operation.
type Mix struct {
	Get    int `json:"get,omitempty"`    // read a key
	Put    int `json:"put,omitempty"`    // set a key to a value that no other operation writes
	Append int `json:"append,omitempty"` // append to a key; incr, where the key is a number
	CAS    int `json:"cas,omitempty"`    // set a key if it holds what was read last
	Delete int `json:"delete,omitempty"` // delete a key
	Incr   int `json:"incr,omitempty"`   // add one to a key; append, where the key is a text
}

func (m Mix) weights() []int {
	return []int{m.Get, m.Put, m.Append, m.CAS, m.Delete, m.Incr}
}

// Tail is the calm end of a run, in which the liveness properties are asked for. The core is healed
// and restarted, and no more messages are lost. The other servers stay broken.
type Tail struct {
	Core    []int         `json:"core,omitempty"`    // servers that are healed, at least a majority; empty: all
	Broken  []Broken      `json:"broken,omitempty"`  // servers outside the core; those not named are healed too
	Clients []int         `json:"clients,omitempty"` // clients that go on; the others have given up, in the middle of an operation. Empty: all
	Delay   world.Law     `json:"delay"`             // of all links
	Sync    world.Law     `json:"sync,omitzero"`     // of all disks; left out: as before
	Pause   world.Law     `json:"pause"`             // between two operations of a client
	Settle  world.Instant `json:"settle_ns"`         // within which a leader must serve
	Answer  world.Instant `json:"answer_ns"`         // within which an operation must be answered after that
	For     world.Instant `json:"for_ns"`            // how long clients go on after settle_ns; answer_ns follows
}

// Broken says how a server outside the core stays broken.
type Broken struct {
	Server int    `json:"server"` // which
	How    string `json:"how"`    // down; cut (off from all servers); deaf (it hears no server); mute (no server hears it)
}

// CoreServers lists the servers that are healed in the tail.
func (p *Plan) CoreServers() []int {
	var ids []int
	for id := 1; id <= p.Servers; id++ {
		if p.InCore(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// InCore says whether a server is healed in the tail.
func (p *Plan) InCore(id int) bool { return len(p.Tail.Core) == 0 || slices.Contains(p.Tail.Core, id) }

// Directable is how many clients a Stage of the plan has room for, beside the plan's own.
func (p *Plan) Directable() int {
	return world.MaxNodes - 1 - p.Servers - p.Workload.Clients + p.Workload.Sharing()
}

// Length is how long a run of the plan takes.
func (p *Plan) Length() world.Instant { return p.Faulty + p.Tail.Settle + p.Tail.For + p.Tail.Answer }

// Decode reads a plan. It refuses fields that plans do not have, and validates nothing.
func Decode(r io.Reader) (*Plan, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	text = bytes.TrimPrefix(text, []byte(strictjson.ByteOrderMark))
	if err := strictjson.RefuseTwins(text); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	p := new(Plan)
	if err := d.Decode(p); err != nil {
		return nil, strictjson.Error(err, d.InputOffset())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the plan at byte %d", d.InputOffset())
	}
	return p, nil
}

// maxPlan bounds what is read of a plan's file, in bytes: some files have no end.
const maxPlan = 64 << 20

// Load reads the plan of a file, and has it validated.
func Load(path string, validate func(*Plan) error) (*Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		var p *os.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, fmt.Errorf("plan %s: %w", path, err)
	}
	defer f.Close()
	p, err := Decode(io.LimitReader(f, maxPlan))
	if err == nil {
		err = validate(p)
	}
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", path, err)
	}
	return p, nil
}

// Clone returns a copy that shares nothing with the plan.
func (p *Plan) Clone() *Plan {
	c := *p
	c.Settings = slices.Clone(p.Settings)
	c.Apart = slices.Clone(p.Apart)
	for i := range c.Apart {
		c.Apart[i].Settings = slices.Clone(c.Apart[i].Settings)
	}
	c.Network.Links = slices.Clone(p.Network.Links)
	c.Disk.Servers = slices.Clone(p.Disk.Servers)
	c.Clocks = slices.Clone(p.Clocks)
	c.Faults = slices.Clone(p.Faults)
	for i := range c.Faults {
		f := &c.Faults[i]
		f.Servers = slices.Clone(f.Servers)
		if f.On != nil {
			on := *f.On
			f.On = &on
		}
	}
	c.Workload.Homes = slices.Clone(p.Workload.Homes)
	c.Workload.Readers = slices.Clone(p.Workload.Readers)
	c.Tail.Core = slices.Clone(p.Tail.Core)
	c.Tail.Broken = slices.Clone(p.Tail.Broken)
	c.Tail.Clients = slices.Clone(p.Tail.Clients)
	return &c
}

// Encode returns the plan as indented JSON.
func (p *Plan) Encode() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		panic(fmt.Sprintf("plan: %v", err)) // plain data encodes
	}
	return b.Bytes()
}

// DecodeSettings reads the plan's settings into what v points at, and refuses fields that it
// does not have. A plan without settings leaves it as it is.
func (p *Plan) DecodeSettings(v any) error {
	if len(p.Settings) == 0 {
		return nil
	}
	return decodeStrictly(p.Settings, v)
}

// DecodeSettings reads what the server has of its own into what v points at.
func (s *ServerSettings) DecodeSettings(v any) error { return decodeStrictly(s.Settings, v) }

func decodeStrictly(settings json.RawMessage, v any) error {
	d := json.NewDecoder(bytes.NewReader(settings))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("settings: %w", strictjson.Error(err, d.InputOffset()))
	}
	return nil
}
