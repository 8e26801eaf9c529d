package protocol

import (
	"cmp"
	"fmt"
	"time"
)

// Settings are the timers and limits of a server. All servers of a cluster should agree on
// them, but only those in Format must. Times are nanoseconds, between minTime and maxTime. The
// zero of a field means its default, except where it says otherwise.
type Settings struct {
	Heartbeat   Instant `json:"heartbeat_ns,omitempty"`    // period of VCProof (X8); at most Timeout/5
	Retransmit  Instant `json:"retransmit_ns,omitempty"`   // between repeats of what is unanswered (X1, X4, X5, X11)
	Timeout     Instant `json:"timeout_ns,omitempty"`      // T: without progress, before a server suspects (X10)
	Ceiling     Instant `json:"ceiling_ns,omitempty"`      // of the doubled T (X9); at least Timeout
	Stagger     Instant `json:"stagger_ns,omitempty"`      // between the attempts of the next leaders (X10); should be above one delay
	UpdateTimer Instant `json:"update_timer_ns,omitempty"` // before a pending update is sent again (X22)
	PartBytes   int     `json:"part_bytes,omitempty"`      // of one PrepareOK, CatchUpReply or SnapshotPart
	WindowSlots int     `json:"window_slots,omitempty"`    // W: slots between LocalARU and LastProposed (X15), 1…maxWindow
	BatchBytes  int     `json:"batch_bytes,omitempty"`     // of the updates that one slot binds; the first may be larger (X14)
	QueueLimit  int     `json:"queue_updates,omitempty"`   // pending updates at a server, before clients are told that it is busy

	// SessionLimit bounds the session table, and has clients open their sessions (X26). Zero: an
	// update opens one, for good. Whether it is zero is fixed when a cluster forms: see Format.
	SessionLimit int `json:"session_limit,omitempty"`
	// SessionIdle is how long a leader sees a session unused before it ends it.
	SessionIdle Instant `json:"session_idle_ns,omitempty"`
	// Tombstones is how many sessions that are gone are remembered. The leader's setting counts.
	Tombstones int `json:"tombstones,omitempty"`

	// Overlap lets a Proposal leave while the leader's own write is in flight (X16). Fixed for a
	// cluster when it forms: see Format.
	Overlap bool `json:"overlapped_write,omitempty"`
	// SnapshotSlots is K: the executed slots between two snapshots (X12).
	SnapshotSlots int `json:"snapshot_slots,omitempty"`
	// HistorySlots is about how many executed slots are kept, at most, for servers that lack
	// them (X12).
	HistorySlots int `json:"history_slots,omitempty"`
	// PrepareSlots bounds the executed slots that a PrepareOK tells of. A leader that is further
	// behind catches up first (X11): then the answer covers what it lacks.
	PrepareSlots int `json:"prepare_slots,omitempty"`
}

const (
	minTime = Instant(time.Millisecond) // of a setting: timers that are due all the time help nobody
	maxTime = Instant(time.Hour)
)

// DefaultSettings suit a cluster whose messages and disk writes take milliseconds.
func DefaultSettings() Settings {
	ms := Instant(time.Millisecond)
	return Settings{
		Heartbeat: 50 * ms, Retransmit: 40 * ms, Timeout: 250 * ms, Ceiling: 2000 * ms,
		Stagger: 40 * ms, UpdateTimer: 120 * ms, PartBytes: 1200, WindowSlots: 16,
		BatchBytes: 4096, QueueLimit: 8192, SessionIdle: maxTime, Tombstones: 1024,
		SnapshotSlots: 10_000, HistorySlots: 40_000, PrepareSlots: 256,
	}
}

// WithDefaults is the settings with their defaults filled in.
func (s Settings) WithDefaults() Settings {
	d := DefaultSettings()
	s.Heartbeat = cmp.Or(s.Heartbeat, d.Heartbeat)
	s.Retransmit = cmp.Or(s.Retransmit, d.Retransmit)
	s.Timeout = cmp.Or(s.Timeout, d.Timeout)
	s.Ceiling = cmp.Or(s.Ceiling, d.Ceiling)
	s.Stagger = cmp.Or(s.Stagger, d.Stagger)
	s.UpdateTimer = cmp.Or(s.UpdateTimer, d.UpdateTimer)
	s.PartBytes = cmp.Or(s.PartBytes, d.PartBytes)
	s.WindowSlots = cmp.Or(s.WindowSlots, d.WindowSlots)
	s.BatchBytes = cmp.Or(s.BatchBytes, d.BatchBytes)
	s.QueueLimit = cmp.Or(s.QueueLimit, d.QueueLimit)
	s.SessionIdle = cmp.Or(s.SessionIdle, d.SessionIdle)
	s.Tombstones = cmp.Or(s.Tombstones, d.Tombstones)
	s.SnapshotSlots = cmp.Or(s.SnapshotSlots, d.SnapshotSlots)
	s.HistorySlots = cmp.Or(s.HistorySlots, d.HistorySlots)
	s.PrepareSlots = cmp.Or(s.PrepareSlots, d.PrepareSlots)
	return s
}

// Validate says what is wrong with the settings, if anything.
func (s Settings) Validate() error {
	s = s.WithDefaults()
	for _, t := range []struct {
		name string
		is   Instant
	}{
		{"heartbeat_ns", s.Heartbeat},
		{"retransmit_ns", s.Retransmit},
		{"timeout_ns", s.Timeout},
		{"ceiling_ns", s.Ceiling},
		{"stagger_ns", s.Stagger},
		{"update_timer_ns", s.UpdateTimer},
		{"session_idle_ns", s.SessionIdle},
	} {
		if t.is < minTime || t.is > maxTime {
			return fmt.Errorf("settings: %s %d is not within %d … %d", t.name, t.is, minTime, maxTime)
		}
	}
	switch {
	case s.Heartbeat > s.Timeout/5:
		return fmt.Errorf("settings: heartbeat_ns %d is over a fifth of timeout_ns %d: idle servers would suspect a working leader", s.Heartbeat, s.Timeout)
	case s.Ceiling < s.Timeout:
		return fmt.Errorf("settings: ceiling_ns %d is below timeout_ns %d", s.Ceiling, s.Timeout)
	case s.PartBytes < 0:
		return fmt.Errorf("settings: part_bytes %d is negative", s.PartBytes)
	case s.WindowSlots < 1 || s.WindowSlots > maxWindow:
		return fmt.Errorf("settings: window_slots %d is not within 1 … %d", s.WindowSlots, maxWindow)
	case s.BatchBytes < 1 || s.BatchBytes > maxBatchBytes:
		return fmt.Errorf("settings: batch_bytes %d is not within 1 … %d", s.BatchBytes, maxBatchBytes)
	case s.PrepareSlots < 1:
		return fmt.Errorf("settings: prepare_slots %d is below 1", s.PrepareSlots)
	case s.SessionLimit < 0:
		return fmt.Errorf("settings: session_limit %d is negative", s.SessionLimit)
	case s.Tombstones < 1:
		return fmt.Errorf("settings: tombstones %d is below 1", s.Tombstones)
	case s.QueueLimit < 1:
		return fmt.Errorf("settings: queue_updates %d is below 1", s.QueueLimit)
	case s.SnapshotSlots < 1:
		return fmt.Errorf("settings: snapshot_slots %d is below 1", s.SnapshotSlots)
	case s.HistorySlots < 1:
		return fmt.Errorf("settings: history_slots %d is below 1", s.HistorySlots)
	}
	return nil
}

// Format is the settings in which the servers of a cluster may not differ, one bit each. It is
// fixed when the cluster forms.
type Format uint8

// The bits of a Format.
const (
	FormatOverlap  Format = 1 << iota // Settings.Overlap: servers that mix it lose updates (X16)
	FormatSessions                    // Settings.SessionLimit: clients open their sessions (X26)
)

func (s *Settings) format() Format {
	var f Format
	if s.Overlap {
		f |= FormatOverlap
	}
	if s.SessionLimit > 0 {
		f |= FormatSessions
	}
	return f
}

func (f Format) String() string {
	overlap, sessions := "no overlapped write", "sessions that never expire"
	if f&FormatOverlap != 0 {
		overlap = "overlapped write"
	}
	if f&FormatSessions != 0 {
		sessions = "sessions that expire"
	}
	return overlap + ", " + sessions
}
