package paxos

import (
	"encoding/json"
	"slices"

	"github.com/fauer4effect/paxos/protocol"
	"github.com/fauer4effect/paxos/sim/plan"
	"github.com/fauer4effect/paxos/sim/swarm"
	"github.com/fauer4effect/paxos/sim/world"
)

// InPlans is our machine as plans know it.
func InPlans() plan.System {
	return plan.System{
		Kinds: protocol.KindNames(), MinServers: 1, MaxServers: protocol.MaxServers,
		Can: plan.Features{Elect: true, HandOver: true, Formation: true, Wire: true, Log: true, Reads: true, Hosts: true, Apart: true, Endless: true},
	}
}

// Target is our machine as the swarm knows it.
var Target = swarm.Target{
	System: InPlans(),
	Messages: []swarm.Message{
		message(protocol.Accept, swarm.Message{OnSend: 1, OnArrival: 1, Named: 1, Omitted: 9}),
		message(protocol.Proposal, swarm.Message{Deposes: true, OnSend: 1, OnArrival: 1, Named: 1, Omitted: 1}),
		message(protocol.PrepareOK, swarm.Message{OnSend: 1, OnArrival: 1, Named: 1, Omitted: 1, Seldom: true}),
		message(protocol.Prepare, swarm.Message{Deposes: true, OnSend: 1, OnArrival: 1, Named: 1, Seldom: true}),
		message(protocol.ViewChange, swarm.Message{Deposes: true, Named: 1, Omitted: 1, Seldom: true}),
		message(protocol.VCProof, swarm.Message{Deposes: true, OnSend: 1, OnArrival: 1, Omitted: 1}),
		message(protocol.ClientUpdate, swarm.Message{OnArrival: 1, Omitted: 1}),
		message(protocol.CatchUpReply, swarm.Message{Omitted: 1}),
		message(protocol.ReadAck, swarm.Message{Omitted: 1, Stale: true}),
		message(protocol.SnapshotRequest, swarm.Message{Transfer: true}),
		message(protocol.SnapshotPart, swarm.Message{Omitted: 1, Transfer: true}),
	},
	Settings: drawSettings,
	Tune:     tune,
	Bounds: func(p *plan.Plan) (settle, answer world.Instant) {
		s := drawnSettings(p)
		return settleBound(p, s), answerBound(p, s)
	},
	Validate: Validate,
}

func message(k protocol.Kind, m swarm.Message) swarm.Message {
	m.Name = k.String()
	return m
}

// drawSettings draws the settings of our machine.
func drawSettings(p *plan.Plan, roll swarm.Roll) swarm.Pace {
	ms := protocol.Instant(world.Millisecond)
	d := roll("settings.timeout")
	t := protocol.Instant(d.Int(60, 300)) * ms
	if d.One(12) {
		t = protocol.Instant(d.Int(300, 1500)) * ms
	}
	s := protocol.Settings{
		Timeout:      t,
		Ceiling:      t * world.Pick[protocol.Instant](roll("settings.ceiling"), 1, 2, 2, 4, 8),
		Heartbeat:    t / world.Pick[protocol.Instant](roll("settings.heartbeat"), 5, 5, 8),
		Retransmit:   t / world.Pick[protocol.Instant](roll("settings.retransmit"), 6, 6, 3, 10),
		Stagger:      protocol.Instant(roll("settings.stagger").Int(20, 60)) * ms,
		UpdateTimer:  t / world.Pick[protocol.Instant](roll("settings.update_timer"), 2, 4, 4),
		PartBytes:    int(world.Pick(roll("settings.part_bytes"), 1200, 1200, 300, 60, 1)),
		WindowSlots:  int(world.Pick(roll("settings.window_slots"), 16, 16, 16, 16, 1, 1, 2, 5)),
		Overlap:      roll("settings.overlapped_write").One(3),
		SessionLimit: int(world.Pick(roll("settings.session_limit"), 0, 0, 4096, 3, 6, 12)),
		BatchBytes:   int(world.Pick(roll("settings.batch_bytes"), 4096, 4096, 4096, 1, 60, 120)),
		QueueLimit:   int(world.Pick(roll("settings.queue_updates"), 8192, 8192, 8192, 8192, 8192, 8192, 1, 2, 4)),
	}
	if d := roll("settings.session_idle"); d.One(3) {
		s.SessionIdle = protocol.Instant(d.Int(700, 3000)) * ms
	}
	if d := roll("settings.tombstones"); s.SessionLimit > 0 && !d.One(3) {
		s.Tombstones = int(d.Log(2, 8)) // else no run is long enough to forget a session
	}
	if d := roll("settings.prepare_slots"); d.One(4) {
		s.PrepareSlots = int(d.Log(1, 16)) // few runs have as many slots as the default
	}
	// In half of the seeds snapshots are so frequent that servers which lack a few slots need one.
	if d := roll("settings.snapshot_slots"); d.One(2) {
		s.SnapshotSlots, s.HistorySlots = int(d.Log(4, 64)), int(d.Log(4, 64))
		if d.One(2) {
			s.PartBytes = 64 // so that a snapshot comes in many parts
		}
	}
	writeSettings(p, &s)
	pace := swarm.Pace{
		Timeout: world.Instant(s.Timeout), Stagger: world.Instant(s.Stagger), Clients: s.QueueLimit, Transfers: s.SnapshotSlots > 0,
	}
	if s.SessionLimit > 0 {
		pace.Clients = min(pace.Clients, s.SessionLimit) // they would end each other's sessions
	}
	return pace
}

func writeSettings(p *plan.Plan, s *protocol.Settings) {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain numbers encode
	}
	p.Settings = raw
}

// drawnSettings are those of a plan of the swarm's, as they were drawn.
func drawnSettings(p *plan.Plan) (s protocol.Settings) {
	if err := p.DecodeSettings(&s); err != nil {
		panic(err) // they were encoded here
	}
	return s
}

func tune(p *plan.Plan, pace *swarm.Pace) {
	boundTransfers(p)
	letSessionsLive(p, pace)
}

// boundTransfers keeps values so short that a server behind is brought up within the bounds of the calm: a snapshot
// has the values of all keys of a run, some thirty, and a request asks for sixteen parts.
func boundTransfers(p *plan.Plan) {
	const partsOfValue = 6
	if s := drawnSettings(p); p.Workload.Bytes > 0 {
		p.Workload.Bytes = min(p.Workload.Bytes, partsOfValue*max(64, s.PartBytes))
	}
}

// letSessionsLive raises limits that would starve clients for good in the calm, where some servers stay
// broken. There are two:
//
//   - a session_idle below the time that a client needs to try every broken server once, and to hear of
//     its session;
//   - fewer tombstones than clients, when a deaf server keeps re-sending old openings: these would open
//     sessions again and again, in place of others'.
func letSessionsLive(p *plan.Plan, _ *swarm.Pace) {
	s := drawnSettings(p)
	if s.SessionLimit == 0 || len(p.Tail.Broken) == 0 {
		return
	}
	if s.SessionIdle > 0 {
		around := world.Instant(len(p.Tail.Broken)+2)*p.Workload.Timeout + world.Instant(s.UpdateTimer)
		s.SessionIdle = max(s.SessionIdle, protocol.Instant(around+around/8)) // clocks drift
	}
	if s.Tombstones > 0 && slices.ContainsFunc(p.Tail.Broken, func(b plan.Broken) bool { return b.How == string(plan.Deaf) }) {
		s.Tombstones = max(s.Tombstones, p.Workload.Clients)
	}
	writeSettings(p, &s)
}

// Swarm draws the plan of a seed for our machine.
func Swarm(seed uint64, o swarm.Options) *plan.Plan { return swarm.Draw(seed, Target, o) }
